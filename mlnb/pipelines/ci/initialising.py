"""Write what a project needs to run in CI, all of it or nothing."""

from pathlib import Path

from mlnb.core.errors import Conflict
from mlnb.pipelines import spec
from mlnb.pipelines.ci import files
from mlnb.pipelines.exporters import Exported, Options, headers
from mlnb.pipelines.exporters.exporting import put, render
from mlnb.pipelines.planning import project_of


def init(path: Path | str, options: Options, *, force: bool = False) -> list[Exported]:
    """Write the CI file, ``.pre-commit-config.yaml``, a Dockerfile and a ``.dockerignore``.

    Raises
    ------
    BadInput
        If the pipeline is none, or has a feature that the CI system cannot express.
    Conflict
        If one of the files is there and was not made by mlnb; then none is written.
    """
    file = spec.find(Path(path))
    place, text = render(file, options)
    made = {place: text, **files.render(project_of(file), file, options)}
    for place, text in made.items():
        there = place.read_text(encoding="utf-8") if place.exists() else text
        if there != text and not headers.is_ours(there) and not force:
            raise Conflict(
                f"{place.name} is there and was not made by mlnb; nothing was written.",
                "Replace it with --force, or write the CI file alone: mlnb pipeline export.",
            )
    return [
        put(place, text, place.name if number else options.target, force=force)
        for number, (place, text) in enumerate(made.items())
    ]
