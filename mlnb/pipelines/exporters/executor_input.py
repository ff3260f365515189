"""Kubeflow's contract with a container: the executor's input, and the output file it asks for.

The input names the parameters, where earlier artifacts are and where new ones go; what is not
written into the output file (its parameters, its artifacts' metadata) is lost.
"""

import json
import math
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlnb.core.errors import BadInput
from mlnb.core.project import Project
from mlnb.core.records import StepResult
from mlnb.pipelines import joining
from mlnb.pipelines.exporters import handing
from mlnb.pipelines.exporters.handing import Files
from mlnb.pipelines.planning import project_of

_MOUNTS = {"gs://": "/gcs/", "s3://": "/s3/", "minio://": "/minio/"}
"""Where Kubeflow mounts what artifacts' addresses name."""


@dataclass(frozen=True)
class ExecutorInput:
    """What Kubeflow puts in the place of ``{{$}}``."""

    job: str
    parameters: dict[str, Any]
    states: list[Path]
    """Folders with the stores of earlier steps."""
    outputs: dict[str, dict[str, Any]]
    """Artifacts to make, by name."""
    values: Path | None
    file: Path
    """The output file."""

    def place(self, name: str) -> Path | None:
        """Return where an artifact goes."""
        artifact = self.outputs.get(name)
        return _path(artifact["uri"]) if artifact else None


def read(text: str) -> ExecutorInput:
    """Read an executor's input.

    Raises
    ------
    BadInput
        If it is none.
    """
    try:
        body = json.loads(text)
        inputs, outputs = body.get("inputs", {}), body["outputs"]
        given = dict(inputs.get("parameterValues", {}))
        values = outputs.get("parameters", {}).get("values")
        return ExecutorInput(
            job=given.pop("job"),
            parameters=given,
            states=[
                _path(artifact["uri"])
                for group in inputs.get("artifacts", {}).values()
                for artifact in group["artifacts"]
            ],
            outputs={
                name: group["artifacts"][0] for name, group in outputs.get("artifacts", {}).items()
            },
            values=Path(values["outputFile"]) if values else None,
            file=Path(outputs["outputFile"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise BadInput(f"This is no executor input of Kubeflow Pipelines: {error!r}.") from None


def perform_step(
    path: Path | str, text: str, *, run: str, retries: bool = True
) -> list[StepResult]:
    """Carry out the step that an executor's input names, and write its output file.

    Raises
    ------
    BadInput
        As `mlnb.pipelines.perform_step` does.
    """
    given = read(text)
    project = project_of(path)
    for state in given.states:
        _merge(state, project)
    made = joining.perform_step(
        path, given.job, run=run, parameters=given.parameters, retries=retries
    )
    files = Files(values=given.values, notebooks=given.place("notebooks"))
    handing.write(project, made, files)
    if (place := given.place("state")) is not None:
        shutil.copytree(_store(project), place, dirs_exist_ok=True)
    _write(given, made)
    return made


def _path(uri: str) -> Path:
    for scheme, mount in _MOUNTS.items():
        if uri.startswith(scheme):
            return Path(mount + uri.removeprefix(scheme))
    return Path(uri)


def _store(project: Project) -> Path:
    return project.root / project.settings.store


def _merge(state: Path, project: Project) -> None:
    """Lay the store of an earlier step over this one; all in it is written once."""
    shutil.copytree(state, _store(project), dirs_exist_ok=True)


def _write(given: ExecutorInput, made: Iterable[StepResult]) -> None:
    made = list(made)
    values: Mapping[str, Any] = (
        made[0].values if len(made) == 1 else {m.name: m.values for m in made}
    )
    metadata: dict[str, dict[str, Any]] = {
        "metrics": {k: v for k, v in values.items() if _is_metric(v)},
        "notebooks": {"status": ", ".join(sorted({result.status for result in made}))},
    }
    artifacts = {
        name: {"artifacts": [{**artifact, "metadata": metadata.get(name, {})}]}
        for name, artifact in given.outputs.items()
    }
    body = {"parameterValues": {"values": dict(values)}, "artifacts": artifacts}
    given.file.parent.mkdir(parents=True, exist_ok=True)
    given.file.write_text(json.dumps(body), encoding="utf-8")


def _is_metric(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value)
