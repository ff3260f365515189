"""Runs as a list that is filtered by words, ordered and read page by page."""

import math
from collections.abc import Sequence
from threading import Lock, Thread
from typing import Any

from mlnb.core import project as projects
from mlnb.core import terms as search
from mlnb.core.errors import BadInput
from mlnb.core.project import Project
from mlnb.core.terms import Term
from mlnb.tracking import store
from mlnb.tracking.reading import catalog, database, listing, ordering, waiting
from mlnb.tracking.reading.catalog import Catalog, Row
from mlnb.tracking.reading.ordering import ListOrder
from mlnb.tracking.reading.records import RunList, RunSummary
from mlnb.tracking.reading.stored import StoredRun

MOST = 500
"""So many runs at once, at most."""


def browse(query: str = "", *, order: str = "", offset: int = 0, limit: int = 100) -> RunList:
    """Return some of the runs that a query finds.

    Parameters
    ----------
    query : str
        Words, ``"phrases"`` and comparisons (``roc_auc>0.8``, ``family=boosting``), all of which
        must hold. A word is looked for in names, statuses, experiments, notebooks, authors,
        datasets and parameters.
    order : str
        ``-started`` (the default), ``name``, ``status``, ``duration`` or ``metrics.NAME``; with
        ``-`` in front downwards.
    offset, limit : int
        Which of them; at most `MOST` at once.

    Raises
    ------
    BadInput
        If there is no such order, or the page is none.
    TrackingUnavailable
        If the store does not answer, and nothing waits for it either.
    """
    if not 1 <= limit <= MOST or offset < 0:
        raise BadInput(
            f"There are no {limit} runs from place {offset} on.",
            f"Ask for 1 to {MOST} runs, from place 0 or more on.",
        )
    terms, wanted = search.parse(query), ordering.parse(order)
    project = projects.current()
    if listing.nothing_recorded(project):
        return RunList(items=[], offset=offset, total=0)
    path = store.sqlite_file(project.tracking_uri)
    with database.opened(project.tracking_uri, database.TABLES) as connection:
        if connection is not None and path is not None:
            return _local(project, Catalog(connection, path), terms, wanted, offset, limit)
    return _remote(terms, wanted, offset, limit)


def _local(
    project: Project,
    opened: Catalog,
    terms: Sequence[Term],
    order: ListOrder,
    offset: int,
    limit: int,
) -> RunList:
    rows = opened.find(terms, order)
    held = {run.id: run for run in waiting.runs(project)}
    ours: dict[str, StoredRun] = {}
    if held:
        _deliver_meanwhile(project)
        ours = _joined(project, held)
        rows = _merged(rows, held, [run for run in ours.values() if _holds(run, terms)], order)
    ids = [run for run, *_ in rows[offset : offset + limit]]
    found = opened.summaries([run for run in ids if run not in ours], order.metric)
    found |= {run: _summary(ours[run], order.metric) for run in ids if run in ours}
    return RunList(
        items=[found[run] for run in ids if run in found],
        offset=offset,
        total=len(rows),
        metrics=opened.metrics(),
    )


def _joined(project: Project, held: dict[str, StoredRun]) -> dict[str, StoredRun]:
    """Return the runs that wait, with what the store has of them already."""
    with database.open_store(project.tracking_uri) as opened:
        stored = {run.id: run for run in opened.runs(list(held))} if opened else {}
    return {
        run.id: waiting.joined(stored[run.id], run) if run.id in stored else run
        for run in held.values()
    }


def _merged(
    rows: list[Row], held: dict[str, StoredRun], ours: list[StoredRun], order: ListOrder
) -> list[Row]:
    """Put the runs that wait among those of the store."""
    every = [row for row in rows if row[0] not in held]
    every += [(run.id, _key(run, order), run.start) for run in ours]
    every.sort(key=lambda row: (-row[2], row[0]))
    there = [row for row in every if row[1] is not None]
    there.sort(key=lambda row: row[1], reverse=order.descending)
    return there + [row for row in every if row[1] is None]


def _key(run: StoredRun, order: ListOrder) -> Any:
    if order.metric:
        value = run.metrics.get(order.metric)
        return None if value is None or math.isnan(value) else value
    if order.column == "duration":
        return run.end - run.start if run.end else None
    return {"started": run.start, "name": search.lowered(run.name), "status": run.status}[
        order.column
    ]


def _holds(run: StoredRun, terms: Sequence[Term]) -> bool:
    record = run.record()
    words = [
        *(record.name, record.status, record.experiment, record.notebook, record.author, run.id),
        *(*record.inputs, *record.outputs, *record.params.values()),
        *(*record.params, *record.metrics),
    ]
    values = record.params | record.metrics
    return all(term.holds(words, values) for term in terms)


def _summary(run: StoredRun, first: str) -> RunSummary:
    record = run.record()
    keys = sorted(record.metrics, key=lambda key: (key != first, key))[: catalog.METRICS_SHOWN]
    return RunSummary(
        id=record.id,
        name=record.name,
        experiment=record.experiment,
        status=record.status,
        started=record.started,
        ended=record.ended,
        metrics={key: record.metrics[key] for key in keys},
        error=catalog.first_line(record.error),
        notebook=record.notebook,
        waiting=record.waiting,
    )


def _remote(terms: Sequence[Term], order: ListOrder, offset: int, limit: int) -> RunList:
    """Ask a store that only MLflow can read; words are looked for in names there."""
    found = listing.page(
        filter=" AND ".join(_condition(term) for term in terms),
        order_by=order.for_mlflow,
        limit=limit,
        offset=offset,
    )
    stored = found.runs
    keys = sorted({key for run in stored for key in run.metrics})
    items = [
        RunSummary(
            id=run.id,
            name=run.name,
            experiment=run.experiment,
            status=run.status,
            started=run.started,
            ended=run.ended,
            metrics={
                key: run.metrics[key]
                for key in sorted(run.metrics, key=lambda key: (key != order.metric, key))[
                    : catalog.METRICS_SHOWN
                ]
            },
            error=catalog.first_line(run.error),
            notebook=run.notebook,
            waiting=run.waiting,
        )
        for run in stored
    ]
    total = found.total
    return RunList(items=items, offset=offset, total=total, metrics=keys, notice=found.notice)


def _condition(term: Term) -> str:
    if term.name and term.number is not None:
        return f"metrics.`{term.name.replace('`', '')}` {term.comparator} {term.number!r}"
    if term.name and term.comparator in ("=", "!="):
        return f"params.`{term.name.replace('`', '')}` {term.comparator} {_quoted(term.value)}"
    return f"attributes.run_name ILIKE {_quoted(f'%{term.text}%')}"


def _quoted(text: str) -> str:
    quote = '"' if "'" in text else "'"
    return f"{quote}{text.replace(quote, '')}{quote}"


_delivering = Lock()


def _deliver_meanwhile(project: Project) -> None:
    """Have delivered what waits, without anybody waiting for it; one delivery at a time."""
    if not _delivering.acquire(blocking=False):
        return

    def deliver() -> None:
        try:
            with projects.using(project):
                listing.settle(project)
        finally:
            _delivering.release()

    Thread(target=deliver, name="mlnb-delivery", daemon=True).start()
