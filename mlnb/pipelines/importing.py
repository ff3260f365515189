"""Another tool's pipeline → a ``pipeline.yaml`` beside it, to be kept and edited from then on."""

from pathlib import Path

from mlnb.core.errors import Conflict, InvalidPipeline, UnknownName
from mlnb.pipelines import planning, spec
from mlnb.pipelines.planning import Plan
from mlnb.pipelines.spec import elyra, writing


def import_file(path: Path | str, output: Path | str | None = None, *, force: bool = False) -> Plan:
    """Write the pipeline file of an Elyra pipeline, having checked and planned it.

    Parameters
    ----------
    path : path
        The ``.pipeline`` file; it is only read.
    output : path, optional
        By default ``pipeline.yaml`` in the same folder.
    force : bool
        Whether a file that is there may be replaced.

    Raises
    ------
    UnknownName, InvalidPipeline
        If there is no such file, or something in it cannot run here; nothing is written then.
    Conflict
        If the output is there already.
    """
    source = Path(path)
    if not source.is_file():
        raise UnknownName("pipeline", str(path), map(str, source.parent.glob(f"*{elyra.SUFFIX}")))
    if source.suffix != elyra.SUFFIX:
        raise InvalidPipeline(
            f"{source.name} is no pipeline of another tool.",
            f"Elyra's files are called {elyra.SUFFIX}.",
        )
    target = Path(output) if output is not None else source.with_name(spec.FILE_NAMES[0])
    if target.absolute().parent != source.absolute().parent:
        raise InvalidPipeline(
            f"{target} would be in another folder than {source.name}.",
            "The paths in it are relative to its folder: write it there.",
        )
    if target.exists() and not force:
        raise Conflict(f"{target} exists.", "Replace it with --force, or name another with -o.")
    planning.prepare(source)
    writing.write(spec.load(source), target, about=f"Imported from {source.name}.")
    return planning.plan(target)
