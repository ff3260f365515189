"""Past and present pipeline runs: records from the store, running ones from the event stream."""

from collections.abc import Iterator
from contextlib import suppress

from mlnb.core import project
from mlnb.core.errors import (
    Interrupted,
    InvalidReference,
    MlnbError,
    StepFailed,
    UnknownName,
    UnreadableRecord,
)
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines import progress

LOG = "pipelines"


def runs(*, limit: int | None = None) -> list[PipelineRun]:
    """Return the pipeline runs of this project, newest first, running ones included.

    So are those whose steps other machines carry out, as far as the store knows their results.

    Parameters
    ----------
    limit : int, optional
        At most this many, the newest.
    """
    opened = project.current()
    found: dict[str, PipelineRun] = {}
    for name in opened.store.logs(LOG):
        for entry in opened.store.entries(f"{LOG}/{name}"):
            run = PipelineRun.from_dict(entry.data)
            found[run.id] = run
    for seen in progress.fold(opened.events.read()[0]).values():
        if seen.id not in found or seen.status == "RUNNING":  # it may be resumed
            found[seen.id] = seen.as_run()
    found |= {run.id: run for run in _open(opened, set(found))}
    newest = sorted(found.values(), key=lambda run: run.started, reverse=True)
    return newest if limit is None else newest[:limit]


def _open(opened: Project, known: set[str]) -> Iterator[PipelineRun]:
    """Yield the runs that CI jobs or containers carry out, and that nobody has closed.

    One with a driver is told of by the events of the driver's machine, and only by these.
    """
    from mlnb.pipelines import closing, results  # seldom needed, and they need much

    for name in opened.store.logs(results.ROOT):
        if name not in known and not results.driver(opened, name):
            with suppress(UnreadableRecord):
                if (state := results.find(opened, name)) is not None:
                    yield closing.as_far(opened, state)


def show(run: str = "latest") -> PipelineRun:
    """Return one pipeline run.

    Parameters
    ----------
    run : str
        Its id, the beginning of its id, a pipeline's name (its newest run) or ``latest``.

    Raises
    ------
    UnknownName
        If there is none.
    InvalidReference
        If the beginning of an id fits several runs of several pipelines.
    """
    known = runs()
    if run == "latest" and known:
        return known[0]
    for exact in (item for item in known if run in (item.id, item.pipeline)):
        return exact
    fitting = [item for item in known if item.id.startswith(run)]
    if not fitting:
        raise UnknownName("pipeline run", run, [item.id for item in known])
    if len(fitting) > 1:
        ids = ", ".join(item.id for item in fitting[:5])
        raise InvalidReference("pipeline run", run, f"more of the id; it fits {ids}")
    return fitting[0]


def earlier(run: PipelineRun, limit: int = 20) -> list[PipelineRun]:
    """Return runs of the same pipeline that began before this one and have ended, newest first.

    Parameters
    ----------
    run : PipelineRun
        The run; it may still be going on.
    limit : int
        At most this many, of the newest entries in the store.
    """
    store, log = project.current().store, f"{LOG}/{run.pipeline}"
    damaged: dict[int, UnreadableRecord] = {}
    newest = store.numbers(log)[-(limit + 1) :]
    entries = store.entries(log, numbers=newest, damaged=damaged)
    found = {item.id: item for item in (PipelineRun.from_dict(entry.data) for entry in entries)}
    older = [item for item in found.values() if item.id != run.id and item.started < run.started]
    return sorted(older, key=lambda item: item.started, reverse=True)[:limit]


def failure(run: PipelineRun) -> MlnbError | None:
    """Return the error that a run amounts to, or None when it finished."""
    if run.status == "KILLED":
        return Interrupted(f"Pipeline run {run.id} was stopped.", _where(run))
    if run.status != "FAILED":
        return None
    bad = [step for step in run.steps if step.status in ("FAILED", "KILLED")]
    failed = [step for step in bad if step.status == "FAILED"] or bad
    if not failed:
        return MlnbError(run.error)
    more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
    output = f"See {failed[0].output}. " if failed[0].output else ""
    return StepFailed(failed[0].name, f"{failed[0].error}{more}", f"{output}{_where(run)}")


def _where(run: PipelineRun) -> str:
    return f"The report is {run.report}." if run.report else ""
