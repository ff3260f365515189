"""What is known of pipeline runs: from the event stream here, from the store of others."""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlnb.core import redaction
from mlnb.core.errors import BadInput, MlnbError, UnknownName
from mlnb.core.project import STATE, Project
from mlnb.core.records import StepResult
from mlnb.pipelines import elsewhere, results
from mlnb.pipelines.progress import PipelineProgress, StepProgress
from mlnb.pipelines.reading import cells
from mlnb.pipelines.reading.gathering import StepReading
from mlnb.pipelines.reading.showing import StepFailure, failure_of
from mlnb.pipelines.results import RunState
from mlnb.ui.server.pipeline_records import (
    ExecutedNotebook,
    Page,
    PastRun,
    PipelineDocument,
    StepDetail,
    StepLog,
)
from mlnb.ui.server.sources import Source

LOOK_AT_STORE = 5.0
"""Seconds for which what the store tells of other machines' runs is good."""
LISTED = 30
EARLIER = 12
LONG = 2000
"""Characters of a value that are shown."""
LOG = 16_000
"""Characters of a step's log that are shown."""
LOG_CELLS = 40
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")


def listed(source: Source) -> list[PipelineProgress]:
    """Return all runs, newest first: of this machine's events and, from the store, all others.

    The store is looked at once in a while, whoever asks how often.
    """
    found = {run.id: run for run in source.feed.pipelines()}
    if not source.untouched:
        project = source.project
        state = (project.store.url, frozenset(found))
        ended = source.kept.get("ended pipelines", state, lambda: source.archive.runs(project))
        known = {run.id for run in ended}
        going = source.kept.get(
            "going pipelines",
            project.store.url,
            lambda: elsewhere.going(project, known),
            seconds=LOOK_AT_STORE,
        )
        for run in [*ended, *going]:
            found.setdefault(run.id, run)
    return sorted(found.values(), key=lambda run: run.started, reverse=True)


def document(source: Source, run: str) -> PipelineDocument:
    """Return one run.

    Raises
    ------
    UnknownName
        If neither the events nor the store know it.
    """
    project = source.project
    progress, here = _progress(source, run)
    state = results.find(project, run)
    made = _made(project, progress, state)
    path = state.path if state else ""
    progress = _complete(project, progress, made, path)
    failures = _failures(made.values())
    others = [item for item in past(source, progress.pipeline) if item.id != run]
    return PipelineDocument(
        run=progress,
        path=path,
        details=[_detail(project, step) for step in made.values()],
        failure=_failure(project, failures, progress),
        failures=sum(step.status in ("FAILED", "KILLED") for step in progress.steps),
        earlier=others[:EARLIER],
        told_by="events" if here else "store",
        author=state.author if state else "",
        asked=_asked(state) if state else "",
    )


def past(source: Source, pipeline: str, limit: int = LISTED) -> list[PastRun]:
    """Return the latest runs of a pipeline, newest first."""
    found = [run for run in listed(source) if run.pipeline == pipeline]
    return [of_progress(run) for run in found[:limit]]


def step_log(source: Source, run: str, step: str) -> StepLog:
    """Return the end of what a step's cells have shown so far."""
    file = _notebook_file(source.project, run, step)
    try:
        content = file.read_bytes()
        saved = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        content = _stored_notebook(source, run, step) or b""
        saved = None
    shown: list[str] = []
    for cell in reversed([item for item in cells.read(content) if item.outputs][-LOG_CELLS:]):
        text = cells.shown(cell, LOG // 4)
        if cell.verdict == "failed":
            text = f"{text}\n{cells.plain(cells.cut(cells.traceback(cell), LOG // 4))}".strip()
        if text:
            shown.insert(0, f"[cell {cell.number}]\n{text}")
        if sum(map(len, shown)) > LOG:
            break
    return StepLog(step=step, text=redaction.text("\n\n".join(shown))[-LOG:], saved=saved)


def executed(source: Source, run: str, step: str) -> ExecutedNotebook:
    """Return a step's executed notebook: of this machine, else from the store.

    Raises
    ------
    UnknownName
        If there is none.
    """
    file = _notebook_file(source.project, run, step)
    try:
        content, stamp = file.read_bytes(), file.stat().st_mtime
    except OSError:
        content, stamp = _stored_notebook(source, run, step) or b"", 0.0
    try:
        body = json.loads(content)
    except ValueError:
        raise UnknownName("executed notebook", f"{run}/{step}", fix="It has not begun.") from None
    written = datetime.fromtimestamp(stamp, UTC) if stamp else None
    return ExecutedNotebook(step=step, content=body, written=written)


def report(source: Source, run: str) -> Page:
    """Return a run's report.

    Raises
    ------
    UnknownName
        If it has none on this machine.
    """
    project = source.project
    progress, _here = _progress(source, run)
    folder = (project.root / STATE / "runs").resolve()
    file = (project.root / progress.report).resolve() if progress.report else None
    if file is None or not file.is_relative_to(folder) or not file.is_file():
        raise UnknownName("report of pipeline run", run, fix="It is written when the run ends.")
    return Page(html=file.read_text(encoding="utf-8", errors="replace"))


def of_progress(run: PipelineProgress) -> PastRun:
    """Return a run as one line."""
    return PastRun(
        id=run.id,
        pipeline=run.pipeline,
        status=run.status,
        started=run.started,
        ended=run.ended,
        steps=len(run.steps),
        done=sum(step.status == "FINISHED" for step in run.steps),
        cached=sum(bool(step.cached_from) for step in run.steps),
        failed=[step.name for step in run.steps if step.status == "FAILED"],
        error=run.error,
    )


def _progress(source: Source, run: str) -> tuple[PipelineProgress, bool]:
    """Return how far a run is, and whether this machine's events tell so."""
    here = {item.id: item for item in source.feed.pipelines()}
    if run in here:
        return here[run], True
    found = elsewhere.one(source.project, run) if _RUN_ID.fullmatch(run) else None
    if found is None:
        raise UnknownName("pipeline run", run, here)
    return found, False


def _made(
    project: Project, progress: PipelineProgress, state: RunState | None
) -> dict[str, StepResult]:
    record = None
    if state is not None and progress.status != "RUNNING":
        record = elsewhere.record_of(project, state)
    if record is not None:
        return {step.name: step for step in record.steps}
    return elsewhere.made(project, progress.id)


def _complete(
    project: Project, progress: PipelineProgress, made: dict[str, StepResult], path: str
) -> PipelineProgress:
    """Add what steps need, which only events and the pipeline file tell, and steps to come."""
    if any(step.needs for step in progress.steps) or (
        len(progress.steps) == 1 and progress.status != "RUNNING"
    ):
        return progress
    events = project.events.containing("pipeline.started", progress.id)
    needs: dict[str, list[str]] = {}
    announced: Sequence[StepProgress] = ()
    for event in events:
        if event.subject == progress.id and event.kind == "pipeline.started":
            needs |= {str(s["name"]): list(s.get("needs", [])) for s in event.data["steps"]}
    if not needs and path:
        announced = _planned(project, path, progress.parameters)
        needs = {step.name: step.needs for step in announced}
    steps = [replace(step, needs=needs.get(step.name, [])) for step in progress.steps]
    if progress.status == "RUNNING":
        there = {step.name for step in steps}
        steps += [step for step in announced if step.name not in there]
        order = {name: place for place, name in enumerate(needs)}
        steps.sort(key=lambda step: order.get(step.name, len(order)))
    return replace(progress, steps=steps)


def _planned(project: Project, path: str, parameters: dict[str, Any]) -> list[StepProgress]:
    from mlnb.pipelines.planning import plan

    try:
        planned = plan(project.root / path, parameters)
    except MlnbError:  # the file has changed since, or is not here
        return []
    return [
        StepProgress(name=step.name, notebook=step.notebook, needs=step.needs, cells=step.cells)
        for step in planned.steps
    ]


def _detail(project: Project, step: StepResult) -> StepDetail:
    there = bool(step.output_digest) or bool(step.output and (project.root / step.output).is_file())
    return StepDetail(
        name=step.name,
        parameters={name: _short(value) for name, value in step.parameters.items()},
        values={name: _short(value) for name, value in step.values.items()},
        failed_cell=step.failed_cell,
        executed=there,
        runs=step.runs,
        inputs=step.inputs,
        outputs=step.outputs,
    )


def _short(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return value if len(text) <= LONG else f"{text[:LONG]}…"


def _failures(made: Iterable[StepResult]) -> list[StepResult]:
    bad = [step for step in made if step.status in ("FAILED", "KILLED")]
    late = datetime.max.replace(tzinfo=UTC)
    return sorted(bad, key=lambda step: (step.status != "FAILED", step.ended or late))


def _failure(
    project: Project, failures: list[StepResult], progress: PipelineProgress
) -> StepFailure | None:
    if failures:
        first = failures[0]
        return failure_of(StepReading(first, cells.read(cells.notebook_of(project, first))))
    for step in progress.steps:
        if step.status == "FAILED":
            return StepFailure(step=step.name, error=step.error)
    return None


def _asked(state: RunState) -> str:
    flags = [f"--{name} {value}" for name, value in _selection(state) if value]
    return " ".join([*flags, *(f"--force {step}".removesuffix(" *") for step in state.force)])


def _selection(state: RunState) -> list[tuple[str, str]]:
    return [("only", state.only), ("until", state.until), ("from", state.since)]


def _notebook_file(project: Project, run: str, step: str) -> Path:
    """Return where this machine keeps a step's executed notebook."""
    if not _RUN_ID.fullmatch(run) or not step:
        raise BadInput(f"{run!r} is no pipeline run, or {step!r} no step.")
    from mlnb.pipelines.jobs import file_name

    return project.root / STATE / "runs" / run / file_name(step, ())


def _stored_notebook(source: Source, run: str, step: str) -> bytes | None:
    result = elsewhere.made(source.project, run).get(step)
    return cells.notebook_of(source.project, result) if result else None
