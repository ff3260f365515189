"""Pipeline runs as the object store alone tells of them: of other machines, of CI, and old ones.

Events are local. What a run was asked to do, who carries it out, what became of each step and how
it has ended is in the store, so a run of any machine with the same store can be followed step by
step; the cells of a running step cannot.
"""

import re
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta

from mlnb.core.errors import MlnbError, UnreadableRecord
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult, now
from mlnb.core.store import Entry
from mlnb.pipelines import results
from mlnb.pipelines.history import LOG
from mlnb.pipelines.progress import (
    VANISHED,
    Driver,
    PipelineProgress,
    StepProgress,
    has_vanished,
)
from mlnb.pipelines.results import RunState

SILENT = timedelta(hours=6)
"""A run that has not ended and of which nothing was heard for so long is given up."""
LOOKED_AT = 60
"""So many of the newest runs that have not ended are looked at."""
_STAMPED = re.compile(r"-(\d{8}-\d{4})-[0-9a-f]{4}$")


def going(project: Project, known: Collection[str]) -> list[PipelineProgress]:
    """Return the runs, other than those known, of which nobody has said how they have ended."""
    names = set(project.store.logs(results.ROOT)) - set(known)
    found = (_going(project, name) for name in sorted(names, key=_age, reverse=True)[:LOOKED_AT])
    return [run for run in found if run is not None]


def one(project: Project, run: str) -> PipelineProgress | None:
    """Return one run, or None when the store knows none of this id."""
    state = results.find(project, run)
    if state is None:
        return None
    record = record_of(project, state)
    return of_record(record) if record else _going(project, run)


def record_of(project: Project, state: RunState, limit: int = 200) -> PipelineRun | None:
    """Return the newest record of how a run has ended, or None."""
    log = f"{LOG}/{state.pipeline}"
    for number in reversed(project.store.numbers(log)[-limit:]):
        with suppress(UnreadableRecord):
            run = _record(project, log, number)
            if run is not None and run.id == state.id:
                return run
    return None


def made(project: Project, run: str) -> dict[str, StepResult]:
    """Return the newest result of every step of a run that has one, by the step's name."""
    root = f"{results.ROOT}/{run}/steps"
    found: dict[str, StepResult] = {}
    for file in project.store.logs(root):
        with suppress(UnreadableRecord):
            entry = project.store.last(f"{root}/{file}")
            if entry is not None:
                result = StepResult.from_dict(entry.data)
                found[result.name] = result
    return found


def of_record(run: PipelineRun) -> PipelineProgress:
    """Return the record of a run that has ended as its progress."""
    return PipelineProgress(
        id=run.id,
        pipeline=run.pipeline,
        status=run.status,
        started=run.started,
        ended=run.ended,
        steps=[of_result(step) for step in run.steps],
        parameters=run.parameters,
        error=run.error,
        report=run.report,
        updated=run.ended,
    )


def of_result(step: StepResult) -> StepProgress:
    """Return what became of a step as its progress."""
    return StepProgress(
        name=step.name,
        status=step.status,
        notebook=step.notebook,
        cells=step.cells,
        cells_done=step.cells_done,
        started=step.started,
        ended=step.ended,
        attempt=step.attempts,
        error=step.error,
        cached_from=step.cached_from,
        why=step.why,
    )


def _going(project: Project, name: str) -> PipelineProgress | None:
    """Return a run of which nobody has said how it has ended."""
    state = _state(project, name)
    if state is None:
        return None
    steps = list(made(project, name).values())
    seen = max([state.started, *(step.ended for step in steps if step.ended)])
    entry = project.store.last(f"{results.ROOT}/{name}/drivers")
    driver = None
    if entry is not None:
        with suppress(MlnbError):
            driver = Driver.from_dict({"format": 1, **entry.data})
    error = ""
    if driver is not None and has_vanished(driver):
        error = VANISHED
    elif now() - seen > SILENT:
        error = f"Nothing was heard of it since {seen:%Y-%m-%d %H:%M}."
    return PipelineProgress(
        id=state.id,
        pipeline=state.pipeline,
        status="KILLED" if error else "RUNNING",
        started=state.started,
        ended=seen if error else None,
        steps=[of_result(step) for step in steps],
        parameters=state.parameters,
        error=error,
        driver=driver,
        updated=seen,
    )


def _age(run: str) -> tuple[bool, str]:
    """Sort runs by the time in their ids; what CI calls its own way comes first."""
    stamped = _STAMPED.search(run)
    return (stamped is None, stamped[1] if stamped else run)


def _state(project: Project, run: str) -> RunState | None:
    with suppress(MlnbError):
        entry = _entry(project, f"{results.ROOT}/{run}/state", 1)
        return RunState.from_dict(entry.data) if entry else None
    return None


def _record(project: Project, log: str, number: int) -> PipelineRun | None:
    entry = _entry(project, log, number)
    return PipelineRun.from_dict(entry.data) if entry else None


_remembered: dict[tuple[str, str, int], Entry] = {}
_REMEMBERED = 500


def _entry(project: Project, log: str, number: int) -> Entry | None:
    """Return an entry; entries never change, so each is read once."""
    key = (project.store.url, log, number)
    if (known := _remembered.get(key)) is not None:
        return known
    entry = project.store.entry(log, number)
    if entry is not None:
        while len(_remembered) >= _REMEMBERED:
            with suppress(StopIteration, KeyError, RuntimeError):  # other threads do so, too
                del _remembered[next(iter(_remembered))]
        _remembered[key] = entry
    return entry
