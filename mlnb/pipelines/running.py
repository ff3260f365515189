"""Run a pipeline: notebooks in the order of their needs, a record and a report at the end."""

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

from mlnb.core import project as projects
from mlnb.core.errors import InvalidSetting
from mlnb.core.events import Event
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, now
from mlnb.pipelines import ending, executors, progress, results
from mlnb.pipelines.attaching import Attacher
from mlnb.pipelines.driving import drive
from mlnb.pipelines.executors import Place
from mlnb.pipelines.planning import Prepared, prepare
from mlnb.pipelines.progress import PipelineProgress
from mlnb.pipelines.results import RunState
from mlnb.pipelines.selection import Selection, Wishes, wishes
from mlnb.pipelines.stepping import Stepper
from mlnb.pipelines.stopping import stop_on_signals
from mlnb.pipelines.triggers.notifications import tell

OnProgress = Callable[[PipelineProgress], None]


def run(
    path: Path | str,
    *,
    parameters: Mapping[str, Any] | None = None,
    workers: int | None = None,
    executor: str | Executor = "threads",
    selection: Selection | None = None,
    on_progress: OnProgress | None = None,
) -> PipelineRun:
    """Run a pipeline to its end, whatever that is.

    Steps that do not need a failed one still run. Ctrl-C and SIGTERM interrupt the running
    notebooks and end the run as KILLED. The source notebooks are only read.

    Parameters
    ----------
    path : path
        Pipeline file, or the folder of a ``pipeline.yaml``.
    parameters : mapping, optional
        Values for parameters that the pipeline declares.
    workers : int, optional
        Steps at a time; by default the setting ``workers``, on a cluster as many as it has
        threads.
    executor : str or Executor
        Where steps are performed: ``threads`` of this process, ``processes``,
        ``dask://host:port``, or any `concurrent.futures.Executor`, which is left open.
    selection : Selection, optional
        Which steps take part, and which run though nothing they depend on has changed.
    on_progress : callable, optional
        Called with the progress whenever it changes, from several threads but never at once.

    Returns
    -------
    PipelineRun
        With status FINISHED, FAILED or KILLED; `mlnb.pipelines.failure` makes an error of it.

    Raises
    ------
    BadInput
        Before anything starts or is written, as `mlnb.pipelines.plan` does.
    """
    prepared = prepare(path, parameters)
    project, wanted = prepared.project, selection or Selection()
    with projects.using(project):
        chosen = wishes(project, prepared.plan, wanted)
        with _opened(project, executor, workers) as (place, width):  # before anything is written
            started = now()
            name = _new_folder(project, prepared.plan.pipeline, started)
            state = state_of(prepared, name, started, wanted)
            return _run(prepared, state, chosen, place, width, on_progress)


def carry_on(
    prepared: Prepared,
    state: RunState,
    chosen: Wishes,
    *,
    workers: int | None,
    executor: str | Executor,
    on_progress: OnProgress | None,
) -> PipelineRun:
    """Carry out a run that is new, or what is left of one.

    Parameters
    ----------
    prepared : Prepared
        The plan.
    state : RunState
        Which run.
    chosen : Wishes
        What is decided about its steps already.
    workers, executor, on_progress
        As `run` takes them.
    """
    with (
        projects.using(prepared.project) as project,
        _opened(project, executor, workers) as (place, width),
    ):
        return _run(prepared, state, chosen, place, width, on_progress)


@contextmanager
def _opened(
    project: Project, executor: str | Executor, workers: int | None
) -> Iterator[tuple[Place, int]]:
    """Open the place where steps are performed; give how many at a time, too."""
    if workers is not None and workers < 1:
        raise InvalidSetting("workers", workers, "it must be at least 1", "The call")
    limit = project.settings.workers if workers is None else workers
    with executors.opened(executor, limit) as place:
        yield place, place.width(workers, limit)


def _run(
    prepared: Prepared,
    state: RunState,
    chosen: Wishes,
    place: Place,
    workers: int,
    on_progress: OnProgress | None,
) -> PipelineRun:
    project, plan, name = prepared.project, prepared.plan, state.id
    stop = threading.Event()
    attacher = Attacher()
    results.begin(project, state)
    stepper = Stepper(
        prepared,
        name,
        stop,
        attacher,
        threads=share_of_cores(workers),
        wishes=chosen,
        driver=results.take_over(project, name, progress.this_driver().to_dict()),
    )
    with stop_on_signals(stop), _watched(project, name, on_progress):
        announce(prepared, name, workers)
        made = drive(stepper, plan.steps, place, workers=workers)
        attacher.close()
        # with the jobs that were not known before
        ended = ending.ended(stepper.prepared, state, made, stopped=stop.is_set())
        ending.record(project, ended)
    tell(ended, prepared.pipeline.notify, project=project)
    return ended


def state_of(
    prepared: Prepared, run: str, started: datetime, wanted: Selection | None = None
) -> RunState:
    """Return what a run of a plan is asked to do, as the store keeps it."""
    plan, wanted = prepared.plan, wanted or Selection()
    return RunState(
        id=run,
        pipeline=plan.pipeline,
        path=plan.path,
        parameters=plan.parameters,
        started=started,
        author=prepared.project.settings.author,
        only=wanted.only,
        until=wanted.until,
        since=wanted.since,
        force=list(wanted.force),
    )


def announce(prepared: Prepared, name: str, workers: int) -> None:
    """Tell the event stream of a run that begins; with no worker, of one that others carry out."""
    plan = prepared.plan
    shown = ("name", "notebook", "needs", "cells")
    prepared.project.events.emit(
        "pipeline.started",
        name,
        pipeline=plan.pipeline,
        path=plan.path,
        parameters=plan.parameters,
        workers=workers,
        driver=progress.this_driver().to_dict() if workers else None,
        steps=[{key: getattr(step, key) for key in shown} for step in plan.steps],
    )


def share_of_cores(workers: int) -> dict[str, str]:
    """Return the thread limits of a notebook that runs beside others.

    OpenMP threads spin while they wait: two notebooks with a thread per core each slow one
    another down many times over. A limit that the user has set is kept.
    """
    share = str(max(1, (os.cpu_count() or 1) // workers))
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return {name: os.environ.get(name, share) for name in names}


@contextmanager
def _watched(project: Project, run: str, on_progress: OnProgress | None) -> Iterator[None]:
    """Tell a listener how far a run is, from the events of this process."""
    if on_progress is None:
        yield
        return
    lock = threading.Lock()
    seen: dict[str, PipelineProgress] = {}
    broken = False

    def listen(event: Event) -> None:
        nonlocal broken
        with lock:
            if progress.advance(seen, event) != run or broken:
                return
            try:
                on_progress(seen[run])
            except Exception as error:  # a display must not break the run that it shows
                broken = True
                warnings.warn(f"The progress display failed: {error!r}", stacklevel=2)

    silence = project.events.listen(listen)
    try:
        yield
    finally:
        silence()


def _new_folder(project: Project, pipeline: str, started: datetime) -> str:
    """Make the folder of a new run, and return the run's id."""
    while True:
        name = f"{pipeline}-{started:%Y%m%d-%H%M}-{token_hex(2)}"
        folder = project.state / "runs" / name
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return name
