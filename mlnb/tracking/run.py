"""The active run: opening one, logging to it, closing it."""

import atexit
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlnb.core import lineage
from mlnb.core.errors import BadInput, Conflict
from mlnb.core.lineage import Edge
from mlnb.core.project import Project
from mlnb.core.records import now
from mlnb.tracking import background, content, flushing, locating, provenance, resuming
from mlnb.tracking.capturing import ShellFacts
from mlnb.tracking.journal import DIED
from mlnb.tracking.recording import Run, sentence
from mlnb.tracking.resuming import Known

_logger = logging.getLogger("mlnb.tracking")
_stack: list[Run] = []


def start(
    name: str | None = None,
    *,
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
    note: str = "",
    nested: bool = False,
    resume: str | None = None,
    cell: tuple[int, str] | None = None,
) -> Run:
    """Open a run and make it the active one.

    Parameters
    ----------
    name : str, optional
        The run's name; MLflow makes one up when it is not given.
    experiment : str, optional
        The experiment; the project's by default.
    tags : mapping, optional
        The user's own tags.
    note : str
        A description in Markdown.
    nested : bool
        Whether the run may be a child of one that is open.
    resume : str, optional
        A run to go on with instead of a new one: its id, the beginning of it, or its name. It is
        RUNNING again, and ends as it ends here.
    cell : tuple of int and str, optional
        Execution count and source of the cell that opens it.

    Raises
    ------
    Conflict
        If a run is open already and ``nested`` is not given, or the run to resume is open here.
    BadInput
        If a tag's name is reserved, or a run to resume is given another name or experiment.
    UnknownName
        If there is no run to resume.
    """
    if _stack and not nested:
        raise Conflict(
            f"The run {_stack[-1].name!r} is open.",
            "End it first (%track stop, mlnb.tracking.end()), or open this one with nested=True.",
        )
    project = locating.current()
    known = _known(project, resume, name, experiment) if resume else None
    described = _all_tags(project, tags, note, resumed=known is not None)
    run = Run(project, name, experiment or project.experiment, described, known)
    run.open(cell)
    _stack.append(run)
    lineage.enter_run(run.id)
    _listen(project)
    _emit(project, "run.started", run, experiment=run.experiment)
    return run


def active() -> Run | None:
    """Return the open run, the innermost one when they are nested."""
    return _stack[-1] if _stack else None


def end(
    status: str = "FINISHED",
    error: BaseException | str | None = None,
    *,
    facts: ShellFacts | None = None,
) -> None:
    """Close the active run.

    Parameters
    ----------
    status : {"FINISHED", "FAILED", "KILLED"}
        How it ended.
    error : exception or str, optional
        Why it failed; with an exception the run is never FINISHED.
    facts : ShellFacts, optional
        What a shell knows of the run's cells.

    Raises
    ------
    BadInput
        If no run is open.
    """
    if status not in ("FINISHED", "FAILED", "KILLED"):
        raise BadInput(f"A run cannot end as {status!r}.", "Use FINISHED, FAILED or KILLED.")
    if not _stack:
        raise BadInput("There is no open run to end.")
    if error is not None and status == "FINISHED":
        status = _status(error)
        error = error if status != "FINISHED" else None
    run = _stack.pop()
    lineage.leave_run(run.id)
    forked = not run.is_own
    try:
        run.close(status, error, facts)
    except Exception as problem:  # whatever is wrong with the recording, the user's work stands
        _logger.warning("mlnb: the end of run %r was not recorded: %s", run.name, problem)
    if forked:  # the run goes on in the process that opened it
        return
    _emit(run.project, "run.finished", run, status=status, error=sentence(error) if error else "")


@contextmanager
def track(
    name: str | None = None,
    *,
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
    note: str = "",
    nested: bool = False,
    resume: str | None = None,
) -> Iterator[Run]:
    """Open a run for a ``with`` block; it ends FAILED when the block raises (see `start`)."""
    run = start(name, experiment=experiment, tags=tags, note=note, nested=nested, resume=resume)
    try:
        yield run
    except BaseException as error:
        close(run, error)
        raise
    close(run)


def log(
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    figures: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
    artifacts: str | Path | Iterable[str | Path] | Mapping[str, str | Path] | None = None,
    step: int | None = None,
) -> None:
    """Record something in the active run.

    Parameters
    ----------
    params : mapping, optional
        Settings; nested mappings become dotted names.
    metrics : mapping, optional
        Numbers; logging one again adds a point to its curve.
    figures, tables, text : mapping, optional
        By name: matplotlib figures or images; pandas, polars or Arrow tables; texts.
    artifacts : path, list of paths, or mapping of folder to path, optional
        Files and folders to copy.
    step : int, optional
        The step the metrics belong to.

    Raises
    ------
    BadInput
        If no run is open, or a value is of the wrong kind.
    """
    run = _stack[-1] if _stack else None
    if run is None:
        raise BadInput(
            "There is no open run to log to.",
            "Open one: %%track on the cell, %track start, or `with mlnb.track():`.",
        )
    if params is figures is tables is text is artifacts is None and metrics:
        run.log_metrics(metrics, step or 0)  # most calls are of this kind
    else:
        run.log(params, metrics, figures, tables, text, artifacts, step)


def close(
    run: Run,
    error: BaseException | None = None,
    *,
    status: str = "",
    facts: ShellFacts | None = None,
) -> None:
    """End a run and, before it, those left open inside it; nothing when it has ended already."""
    if run in _stack:
        while _stack[-1] is not run:
            end(status or "FINISHED", error)
        end(status or "FINISHED", error, facts=facts)


def _status(error: BaseException | str) -> str:
    """Return how a run ends whose code ended with an error."""
    if isinstance(error, KeyboardInterrupt):
        return "KILLED"
    if isinstance(error, SystemExit) and error.code in (None, 0):  # it was done, and said so
        return "FINISHED"
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None and isinstance(error, asyncio.CancelledError):
        return "KILLED"
    return "FAILED"


def _known(project: Project, ref: str, name: str | None, experiment: str | None) -> Known:
    if name is not None or experiment is not None:
        raise BadInput(
            "A run that is resumed keeps its name and its experiment.",
            "Leave them out, or leave out resume for a new run.",
        )
    known = resuming.find(project, ref)
    if any(run.id == known.id for run in _stack):
        raise Conflict(f"The run {known.name!r} is open here already.", "Log to it as it is.")
    return known


def _all_tags(
    project: Project, tags: Mapping[str, str] | None, note: str, *, resumed: bool
) -> dict[str, str]:
    own = {content.key("tag", key): str(value) for key, value in (tags or {}).items()}
    for key in own:
        if key.startswith(("mlnb.", "mlflow.")):
            raise BadInput(f"The tag {key!r} is reserved.", "Tags of your own need another prefix.")
    made = own if resumed else own | provenance.start_tags(project)
    if note:
        made["mlflow.note.content"] = note
    if _stack and not resumed:
        made["mlflow.parentRunId"] = _stack[-1].id
    return made


def _emit(project: Project, kind: str, run: Run, **data: Any) -> None:
    """Tell of something that happened now; written when no cell waits for it."""
    moment = now()
    data |= {
        "step": run.tags.get("mlnb.step", ""),
        "pipeline_run": run.tags.get("mlnb.pipeline_run", ""),
    }

    def emit(_round: int) -> None:
        with suppress(OSError):
            project.events.emit_at(moment, kind, run.id, name=run.name, **data)

    if data["pipeline_run"]:  # a pipeline asks what a step opened, killed or not
        emit(0)
    else:
        background.add(emit)


def _on_edge(edge: Edge, value: Any) -> None:
    if _stack:
        _stack[-1].add_edge(edge, value)


_listening: list[Callable[[], None]] = []
_projects: dict[tuple[int, Path], Project] = {}  # by the process that logs to them


def _listen(project: Project) -> None:
    _projects[os.getpid(), project.root] = project
    if not _listening:
        _listening.append(lineage.listen(_on_edge))
        atexit.register(_at_exit)


def _at_exit() -> None:
    """Close as KILLED what nobody closed, and give what was logged some time to arrive."""
    while _stack:
        end("KILLED", DIED)
    for (process, _), project in _projects.items():
        if process == os.getpid():
            flushing.at_exit(project)
