"""What a run has come to, kept in the object store: the state of a run, the results of its steps.

Layout, all of it logs of create-only entries::

    pipelines/runs/<run>/state/00000001     `RunState`: what was asked for, by whoever was first
    pipelines/runs/<run>/drivers/N          who carries it out; the newest one does
    pipelines/runs/<run>/steps/<file>/N     `StepResult` of attempt N of one step
    pipelines/<pipeline>/N                  `PipelineRun`, when a driver has ended one

A step's result is there before anybody acts on it, so a driver that is killed loses at most the
steps that were running, and several machines can carry out the steps of one run.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from mlnb.core.errors import Conflict, Interrupted, MlnbError, StepFailed, UnreadableRecord
from mlnb.core.project import Project
from mlnb.core.records import Record, StepResult
from mlnb.core.store import Entry
from mlnb.pipelines.planning import PlannedStep

ROOT = "pipelines/runs"


@dataclass(frozen=True, kw_only=True)
class RunState(Record):
    """What a run was asked to do."""

    id: str
    pipeline: str
    path: str
    """Pipeline file, relative to the project."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Values of the pipeline's parameters, defaults included."""
    started: datetime
    author: str = ""
    only: str = ""
    until: str = ""
    since: str = ""
    """The step that the run was to start from."""
    force: list[str] = field(default_factory=list)
    """Steps that run though nothing has changed."""


def begin(project: Project, state: RunState) -> RunState:
    """Write a run's state, or join the run of that id which is there.

    Raises
    ------
    Conflict
        If it is a run of another pipeline, or with other parameters.
    """
    log = f"{ROOT}/{state.id}/state"
    if project.store.create(log, Entry(1, state.to_dict())):
        return state
    there = find(project, state.id)
    if there is None:
        raise UnreadableRecord(f"state of pipeline run {state.id}", "it is not there any more")
    if there.pipeline != state.pipeline or there.parameters != state.parameters:
        what = "other parameters" if there.pipeline == state.pipeline else "another pipeline"
        raise Conflict(
            f"Pipeline run {state.id} has been started with {what}.",
            "Give the run another id, or the same values.",
        )
    return there


def take_over(project: Project, run: str, process: Mapping[str, Any]) -> int:
    """Become the driver of a run; returns a number that is greater than those before it."""
    body = {"format": 1, **process}
    number = driver(project, run) + 1
    while not project.store.create(f"{ROOT}/{run}/drivers", Entry(number, body)):
        number += 1
    return number


def driver(project: Project, run: str) -> int:
    """Return the number of the newest driver of a run."""
    return project.store.last_number(f"{ROOT}/{run}/drivers")


def find(project: Project, run: str) -> RunState | None:
    """Return a run's state; None when the store knows no run of that id."""
    entry = project.store.entry(f"{ROOT}/{run}/state", 1)
    return RunState.from_dict(entry.data) if entry else None


def put(project: Project, run: str, file: str, result: StepResult) -> None:
    """Write what became of an attempt at a step.

    Parameters
    ----------
    project : Project
        Whose store takes it.
    run : str
        Id of the run.
    file : str
        `PlannedStep.file` of the step, which is a name that any store can take.
    result : StepResult
        Its status is an end: FINISHED, FAILED, KILLED or SKIPPED.
    """
    body = result.to_dict()
    project.store.append(_log(run, file), lambda _number: body)


def last(project: Project, run: str, file: str) -> StepResult | None:
    """Return the newest result of a step in a run, or None."""
    entry = project.store.last(_log(run, file))
    return StepResult.from_dict(entry.data) if entry else None


def of(project: Project, run: str, steps: Iterable[PlannedStep]) -> dict[str, StepResult]:
    """Return the newest results of steps in a run, by name; of those that have one."""
    found: dict[str, StepResult] = {}
    known = set(project.store.logs(f"{ROOT}/{run}/steps"))
    for step in steps:
        if _stem(step.file) in known:
            with suppress(UnreadableRecord):  # as if the step had not run
                if (result := last(project, run, step.file)) is not None:
                    found[step.name] = result
    return found


def failure(made: Iterable[StepResult]) -> MlnbError | None:
    """Return the error that results amount to, or None when no step failed or was stopped."""
    for result in made:
        if result.status == "FAILED":
            where = f"See {result.output}." if result.output else ""
            return StepFailed(result.name, result.error, where)
        if result.status == "KILLED":
            return Interrupted(f"Step {result.name!r} was stopped.")
    return None


def _log(run: str, file: str) -> str:
    return f"{ROOT}/{run}/steps/{_stem(file)}"


def _stem(file: str) -> str:
    return PurePosixPath(file).stem
