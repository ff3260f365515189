"""How far pipeline runs are, told from the event stream alone.

The terminal, the Lab panel and ``mlnb pipeline list`` fold the same events. A run whose driver
has vanished (``kill -9``, power loss) says no more: on the driver's own machine the fold finds
that its process is gone and marks the run KILLED.
"""

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from mlnb.core.errors import MlnbError
from mlnb.core.events import Event
from mlnb.core.records import PipelineRun, Record, Status, StepResult

VANISHED = "The process that ran the pipeline has vanished."
ENDED: frozenset[Status] = frozenset({"FINISHED", "FAILED", "KILLED", "SKIPPED"})


@dataclass(frozen=True, kw_only=True)
class StepProgress(Record):
    """How far one step is."""

    name: str
    status: Status = "PENDING"
    notebook: str = ""
    needs: list[str] = field(default_factory=list)
    cells: int = 0
    cells_done: int = 0
    started: datetime | None = None
    ended: datetime | None = None
    attempt: int = 1
    error: str = ""
    cached_from: str = ""
    """The run in which it was executed, when its stored result was used."""
    why: str = ""
    """Why it ran, did not have to, or waits before it is tried again."""


@dataclass(frozen=True, kw_only=True)
class Driver(Record):
    """The process that runs a pipeline."""

    host: str
    pid: int
    started: float
    """Seconds since 1970; tells the process from a later one of the same number."""


@dataclass(frozen=True, kw_only=True)
class PipelineProgress(Record):
    """How far one pipeline run is."""

    id: str
    pipeline: str
    status: Status
    started: datetime
    ended: datetime | None = None
    steps: list[StepProgress] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    workers: int = 0
    """Steps at a time; 0 when that is not known."""
    error: str = ""
    report: str = ""
    """HTML report, relative to the project, once it is written."""
    driver: Driver | None = None
    updated: datetime | None = None
    """Time of the last event."""

    def as_run(self) -> PipelineRun:
        """Return what is known as the record of a run."""
        return PipelineRun(
            id=self.id,
            pipeline=self.pipeline,
            status=self.status,
            parameters=self.parameters,
            started=self.started,
            ended=self.ended,
            error=self.error,
            report=self.report,
            steps=[
                StepResult(
                    name=step.name,
                    notebook=step.notebook,
                    status=step.status,
                    started=step.started,
                    ended=step.ended,
                    cells=step.cells,
                    cells_done=step.cells_done,
                    error=step.error,
                    attempts=step.attempt,
                    cached_from=step.cached_from,
                    why=step.why,
                )
                for step in self.steps
            ],
        )


def fold(events: Iterable[Event]) -> dict[str, PipelineProgress]:
    """Return the progress of every pipeline run that starts in these events, in their order."""
    found: dict[str, PipelineProgress] = {}
    for event in events:
        advance(found, event)
    return {run: settled(progress) for run, progress in found.items()}


def advance(found: dict[str, PipelineProgress], event: Event) -> str | None:
    """Take one more event into account; returns the run that it belongs to, if any.

    What another program or version wrote and this one cannot make sense of belongs to none.
    """
    with suppress(AttributeError, KeyError, TypeError, ValueError, MlnbError):
        return _advanced(found, event)
    return None


def _advanced(found: dict[str, PipelineProgress], event: Event) -> str | None:
    kind, _, what = event.kind.partition(".")
    if kind == "pipeline" and what == "started":
        found[event.subject] = _begun(event)
        return event.subject
    run = str(event.data.get("pipeline_run") or event.subject)
    if kind not in ("pipeline", "step", "cell") or run not in found:
        return None
    progress = replace(found[run], updated=event.time)
    if kind == "pipeline":
        progress = replace(
            progress,
            status=event.data.get("status", "FINISHED"),
            ended=event.time,
            error=event.data.get("error", ""),
            report=event.data.get("report", ""),
        )
    else:
        name = str(event.data.get("step", ""))
        known = _expanded(progress.steps, event)
        steps = [_moved(step, event) if step.name == name else step for step in known]
        progress = replace(progress, steps=steps)
    found[run] = progress
    return run


def this_driver() -> Driver:
    """Describe the present process, for ``pipeline.started``."""
    import psutil

    return Driver(
        host=socket.gethostname(),
        pid=os.getpid(),
        started=psutil.Process().create_time(),
    )


def has_vanished(driver: Driver) -> bool:
    """Tell whether a driver of this machine is gone; one of another machine cannot be asked."""
    if driver.host != _host():
        return False
    import psutil

    try:
        started = psutil.Process(driver.pid).create_time()
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False
    return bool(abs(started - driver.started) > 5)  # the clock may have been set in between


@cache
def _host() -> str:
    return socket.gethostname()


def _begun(event: Event) -> PipelineProgress:
    driver = event.data.get("driver")
    return PipelineProgress(
        id=event.subject,
        pipeline=str(event.data.get("pipeline", "")),
        status="RUNNING",
        started=event.time,
        updated=event.time,
        parameters=event.data.get("parameters", {}),
        workers=event.data.get("workers", 0),
        driver=Driver.from_dict(driver) if driver else None,
        steps=[_announced(step) for step in event.data.get("steps", [])],
    )


def _announced(step: dict[str, Any]) -> StepProgress:
    return StepProgress(
        name=step["name"],
        notebook=step.get("notebook", ""),
        needs=step.get("needs", []),
        cells=step.get("cells", 0),
    )


def _expanded(steps: list[StepProgress], event: Event) -> list[StepProgress]:
    """Put the jobs of a ``foreach`` in its place; add a step that was not announced."""
    name = str(event.data.get("step", ""))
    if event.kind == "step.expanded":
        jobs = [_announced(step) for step in event.data.get("jobs", [])]
        return [item for step in steps for item in (jobs if step.name == name else [step])]
    if event.kind == "step.started" and all(step.name != name for step in steps):
        notebook = str(event.data.get("notebook", ""))
        return [*steps, StepProgress(name=name, notebook=notebook, needs=[], cells=0)]
    return steps


def _moved(step: StepProgress, event: Event) -> StepProgress:
    data = event.data
    match event.kind:
        case "step.started":
            return replace(
                step,
                status="RUNNING",
                started=step.started or event.time,
                attempt=data.get("attempt", 1),
                cells_done=0,
                why="",
            )
        case "step.delayed":
            return replace(step, why=f"is tried again after {data.get('seconds', 0):.1f} s")
        case "cell.started":
            return replace(step, cells=data["total"], cells_done=data["cell"] - 1)
        case "cell.finished" if data.get("status") != "FAILED":
            return replace(step, cells=data["total"], cells_done=data["cell"])
        case "step.finished":
            return replace(
                step,
                status=data["status"],
                ended=event.time,
                cells_done=data.get("cells_done", step.cells_done),
                error=data.get("error", ""),
                cached_from=data.get("cached_from", ""),
                why=data.get("why", ""),
            )
    return step


def settled(progress: PipelineProgress) -> PipelineProgress:
    """Return a run as it is; one whose driver has vanished is marked KILLED."""
    if progress.status != "RUNNING" or not progress.driver or not has_vanished(progress.driver):
        return progress
    steps = [
        replace(step, status="KILLED", ended=progress.updated, error=VANISHED)
        if step.status == "RUNNING"
        else replace(step, status="SKIPPED")
        if step.status == "PENDING"
        else step
        for step in progress.steps
    ]
    return replace(progress, status="KILLED", ended=progress.updated, error=VANISHED, steps=steps)
