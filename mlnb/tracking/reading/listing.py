"""Runs listed: those of the store, and those that wait in the journal."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, TrackingUnavailable, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import RunRecord
from mlnb.tracking import flushing, journal, shipper, store
from mlnb.tracking.reading import client as through_mlflow
from mlnb.tracking.reading import database, waiting
from mlnb.tracking.reading.queries import Query
from mlnb.tracking.reading.stored import StoredRun, of_mlflow

if TYPE_CHECKING:
    import pandas as pd

_PATIENCE = 3.0
"""Seconds for the shipper, before this process delivers itself (and imports MLflow for it)."""


@dataclass(frozen=True)
class Page:
    """Some of the runs that were asked for."""

    runs: list[RunRecord]
    offset: int
    total: int | None
    """How many there are in all; None where a server does not say."""
    more: bool
    """Whether there are more behind these."""
    notice: str = ""
    """What the reader must know: that the store did not answer."""


def list_runs(
    *,
    experiment: str | None = None,
    filter: str = "",
    order_by: Sequence[str] | str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[RunRecord]:
    """Return runs, newest first.

    Parameters
    ----------
    experiment : str, optional
        Only this experiment's.
    filter : str
        MLflow's search syntax: ``metrics.auc > 0.7 and params.family = 'boosting'``.
    order_by : str or list of str, optional
        Such as ``metrics.auc DESC``.
    limit : int
        At most this many.
    offset : int
        Without the first so many.

    Raises
    ------
    UnknownName
        If there is no such experiment.
    BadInput
        If the filter or the order cannot be read.
    TrackingUnavailable
        If the store does not answer, and nothing waits for it either.
    """
    return page(
        experiment=experiment, filter=filter, order_by=order_by, limit=limit, offset=offset
    ).runs


def frame(
    *,
    experiment: str | None = None,
    filter: str = "",
    order_by: Sequence[str] | str | None = None,
    limit: int = 1_000_000,
) -> "pd.DataFrame":
    """Return runs as a pandas frame; parameters as in `list_runs`, by default all there are.

    Returns
    -------
    pandas.DataFrame
        A row per run. Columns ``run_id``, ``name``, ``experiment``, ``status``, ``started``,
        ``ended`` and ``seconds``, then ``metrics.…``, ``params.…`` (text), ``tags.…`` and
        ``inputs`` (a list of dataset versions).
    """
    return as_frame(list_runs(experiment=experiment, filter=filter, order_by=order_by, limit=limit))


def as_frame(runs: Sequence[RunRecord]) -> "pd.DataFrame":
    """Return runs as the rows of a pandas frame; see `frame`."""
    import pandas as pd

    def took(run: RunRecord) -> float | None:
        return (run.ended - run.started).total_seconds() if run.ended else None

    columns: dict[str, Any] = {
        "run_id": [run.id for run in runs],
        "name": [run.name for run in runs],
        "experiment": [run.experiment for run in runs],
        "status": [run.status for run in runs],
        "started": _moments([run.started for run in runs]),
        "ended": _moments([run.ended for run in runs]),
        "seconds": pd.Series([took(run) for run in runs], dtype="float64"),
    }
    for kind in ("metrics", "params", "tags"):
        for key in sorted({key for run in runs for key in getattr(run, kind)}):
            values = [getattr(run, kind).get(key) for run in runs]
            whole = pd.Series(values, dtype="float64" if kind == "metrics" else "object")
            columns[f"{kind}.{key}"] = whole
    columns["inputs"] = pd.Series([run.inputs for run in runs], dtype="object")
    return pd.DataFrame(columns)


def _moments(found: "Sequence[datetime | None]") -> "pd.Series[Any]":
    import pandas as pd

    return pd.Series(found, dtype="datetime64[ms, UTC]")


def page(
    *,
    experiment: str | None = None,
    filter: str = "",
    order_by: Sequence[str] | str | None = None,
    limit: int = 50,
    offset: int = 0,
) -> Page:
    """Return runs as `list_runs` does, with how many there are."""
    if limit < 1:
        raise BadInput(f"A limit of {limit} runs shows none.", "Give a positive number.")
    if offset < 0:
        raise BadInput(f"There is nothing before the first run: {offset}.", "Give 0 or more.")
    order = (order_by,) if isinstance(order_by, str) else tuple(order_by or ())
    query = Query(experiment, filter, order, limit, offset)
    project = projects.current()
    if nothing_recorded(project):
        if experiment is not None:
            raise UnknownName("experiment", experiment)
        return Page([], offset, 0, more=False)
    settle(project)
    held = waiting.runs(project)
    if not held:
        return _shown(*_stored(project, query), query)
    return _with_waiting(project, query, held)


def settle(project: Project) -> None:
    """Have delivered what waits, by the shipper if it is there: it has imported MLflow already."""
    if shipper.is_running(project) and journal.trouble(project) is None:
        flushing.wait(project, _PATIENCE)
    flushing.settle(project)


def nothing_recorded(project: Project) -> bool:
    """Tell whether there are no runs, not even waiting ones; to look must create no database."""
    return store.absent(project.tracking_uri) and not journal.files(project)


def _stored(project: Project, query: Query) -> tuple[list[StoredRun], int | None, bool]:
    """Return runs of the store, how many there are if that is known, and whether more follow."""
    with database.open_store(project.tracking_uri) as opened:
        answer = opened.search(query) if opened is not None else None
    if answer is not None:
        found, total = answer
        return found, total, total > query.offset + len(found)
    store.check(project.tracking_uri)
    found, more = through_mlflow.search(store.connection(project.tracking_uri), query)
    return found, None if more else query.offset + len(found), more


def _shown(found: list[StoredRun], total: int | None, more: bool, query: Query) -> Page:
    return Page([run.record() for run in found], query.offset, total, more)


def _with_waiting(project: Project, query: Query, held: list[StoredRun]) -> Page:
    """Return runs of the store and the journal together.

    This is rare: the store does not answer, or does not take some runs. As many of the store's are
    read as could be shown, and MLflow's own filter and sort choose among all of them.
    """
    end = query.offset + query.limit
    notice = ""
    try:
        wide = Query(query.experiment, query.filter, query.order, end + len(held))
        found, total, more = _stored(project, wide)
        by_id = {run.id: run for run in _all_of(project, held)}
    except TrackingUnavailable as error:
        found, total, more, by_id = [], None, False, {}
        notice = f"{error.message} Shown are the runs that wait on this machine."
    held = [waiting.joined(by_id[run.id], run) if run.id in by_id else run for run in held]
    ids = {run.id for run in held}
    others = [run for run in found if run.id not in ids]
    ours = waiting.chosen(held, query)
    merged = waiting.chosen([*others, *ours], Query(query.experiment, "", query.order))
    if total is not None:
        total += len(ours) - (len(found) - len(others))
    shown = merged[query.offset : end]
    more = more or len(merged) > end
    return Page([run.record() for run in shown], query.offset, total, more, notice)


def _all_of(project: Project, held: Sequence[StoredRun]) -> list[StoredRun]:
    """Return what the store has of runs that are delivered in part."""
    with database.open_store(project.tracking_uri) as opened:
        if opened is not None:
            return opened.runs([run.id for run in held])
    client = store.connection(project.tracking_uri)
    names = through_mlflow.experiments(client, None)
    found = []
    for run in held:
        with suppress(BadInput), store.failures():
            found.append(of_mlflow(client.get_run(run.id), names))
    return found
