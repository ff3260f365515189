"""One step with its results handed on in files, for systems that track files: DVC, Kubeflow.

The file holds what later steps need to know, and nothing that differs from run to run, so that a
step that comes to the same result makes the same file.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from typing import Any

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnreadableRecord
from mlnb.core.project import Project
from mlnb.core.records import StepResult
from mlnb.pipelines import joining, results
from mlnb.pipelines.planning import prepare, project_of

FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Files:
    """What is read before a step, and written after it."""

    given: tuple[Path, ...] = ()
    """Files of the steps that it needs."""
    result: Path | None = None
    values: Path | None = None
    """JSON with nothing but the values."""
    notebooks: Path | None = None
    """Folder for the executed notebooks."""


def perform_step(
    path: Path | str,
    step: str,
    files: Files,
    *,
    run: str,
    parameters: Mapping[str, Any] | None = None,
    workers: int | None = None,
    retries: bool = True,
) -> list[StepResult]:
    """Carry out one step, as `mlnb.pipelines.perform_step` does, with its results in files.

    Without ``run`` it is a run of its own.

    Raises
    ------
    BadInput
        As that function does, and when a file is none that this wrote.
    """
    project = project_of(path)
    run = run or f"step-{token_hex(8)}"
    take(project, path, run, files.given, parameters)
    made = joining.perform_step(
        path, step, run=run, parameters=parameters, workers=workers, retries=retries
    )
    write(project, made, files)
    return made


def take(
    project: Project,
    path: Path | str,
    run: str,
    files: Iterable[Path],
    parameters: Mapping[str, Any] | None,
) -> None:
    """Put the results of earlier steps into a run, unless it has them."""
    earlier = [result for file in files for result in read(file)]
    if not earlier:
        return
    with projects.using(project):
        steps = {item.name: item for item in prepare(path, parameters).plan.steps}
        for result in earlier:
            planned = steps.get(result.name)
            if planned is not None and results.last(project, run, planned.file) is None:
                results.put(project, run, planned.file, result)


def read(file: Path) -> list[StepResult]:
    """Return the results in a file.

    Raises
    ------
    BadInput
        If it holds none.
    """
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        if body["format"] != FORMAT:
            raise BadInput(f"{file} has format {body['format']!r}; this mlnb reads {FORMAT}.")
        return [StepResult.from_dict(item) for item in body["results"]]
    except (OSError, ValueError, KeyError, TypeError, UnreadableRecord) as error:
        raise BadInput(f"{file} holds no results of a step: {error}.") from None


def write(project: Project, made: Iterable[StepResult], files: Files) -> None:
    """Write what steps have come to; the executed notebooks also of those that failed."""
    made = list(made)
    if files.notebooks:
        files.notebooks.mkdir(parents=True, exist_ok=True)
        for result in made:
            if result.output and (source := project.root / result.output).is_file():
                shutil.copyfile(source, files.notebooks / source.name)
    if files.result and not any(result.status in {"FAILED", "KILLED"} for result in made):
        _write(files.result, {"format": FORMAT, "results": [lasting(item) for item in made]})
    if files.values:
        several = {item.name: item.values for item in made}
        _write(files.values, several if len(made) != 1 else made[0].values)


def lasting(result: StepResult) -> dict[str, Any]:
    """Return a result without what differs from run to run."""
    plain = replace(
        result,
        started=None,
        ended=None,
        parameters={},
        cells=0,
        cells_done=0,
        key="",
        inputs={},
        output="",
        output_digest="",
        runs=[],
        attempts=1,
        why="",
        cached_from="",
    )
    return plain.to_dict()


def _write(file: Path, body: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False)
    file.write_text(text + "\n", encoding="utf-8")
