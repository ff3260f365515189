"""A SQLite store's runs as lines of a list, by SQL: found by words, ordered, page by page.

MLflow's own search takes seconds for this with ten thousand runs, and knows no search by words.
The ids that a query finds are kept for as long as the file is unchanged, so that the next page of
the same list costs only its own rows.
"""

import re
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from mlnb.core.terms import Term
from mlnb.tracking import inputs
from mlnb.tracking.reading.ordering import COLUMNS, ListOrder
from mlnb.tracking.reading.records import RunSummary
from mlnb.tracking.reading.stored import status_of

METRICS_SHOWN = 3
"""Of a run; the statement below has the number, too."""
_KEYS_SHOWN = 100
_ERROR_SHOWN = 300
_NOTEBOOK, _ERROR = "mlflow.source.name", "mlnb.error"
_TAGS_SEARCHED = (_NOTEBOOK, "mlflow.user", inputs.OUTPUTS)
_KEPT = 16
"""So many answers are remembered."""

Row = tuple[str, Any, int]
"""A run's id, what it is ordered by, and when it began (milliseconds since 1970)."""


class _Answers:
    """The latest answers, by file, state of the file and question."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, ...], list[Row]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: tuple[object, ...]) -> list[Row] | None:
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
            return self._known.get(key)

    def put(self, key: tuple[object, ...], rows: list[Row]) -> None:
        with self._lock:
            self._known[key] = rows
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)


_answers = _Answers()


class Catalog:
    """The runs of an open store as lines of a list; not for use after its block.

    Parameters
    ----------
    connection : sqlite3.Connection
        To the store, in a transaction.
    path : Path
        The store's file.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def find(self, terms: Sequence[Term], order: ListOrder) -> list[Row]:
        """Return every run for which all terms hold, in order."""
        key = (*_state(self._path), tuple(terms), order)
        known = _answers.get(key)
        if known is None:
            text, values = _statement(terms, order)
            with self._any_case():
                known = self._connection.execute(text, values).fetchall()
            if _state(self._path) == key[:-2]:
                _answers.put(key, known)
        return known

    @contextmanager
    def _any_case(self) -> Iterator[None]:
        """Let LIKE take no notice of case, which is much quicker than to compare lower cases."""
        self._connection.execute("PRAGMA case_sensitive_like = false")
        try:
            yield
        finally:
            self._connection.execute("PRAGMA case_sensitive_like = true")

    def summaries(self, ids: Sequence[str], first: str = "") -> dict[str, RunSummary]:
        """Return runs as lines of a list.

        Parameters
        ----------
        ids : sequence of str
            Which.
        first : str
            A metric that is shown before all others.
        """
        metrics: dict[str, dict[str, float]] = {run: {} for run in ids}
        for run, key, value in self._rows(
            "SELECT run_uuid, key, value FROM (SELECT run_uuid, key, "
            "CASE is_nan WHEN 1 THEN 'nan' ELSE value END AS value, row_number() OVER "
            "(PARTITION BY run_uuid ORDER BY key != ?, key) AS place "
            "FROM latest_metrics WHERE run_uuid IN {}) WHERE place <= 3",
            ids,
            first,
        ):
            metrics[run][key] = float(value)
        tags: dict[tuple[str, str], str] = {}
        for run, key, value in self._rows(
            "SELECT run_uuid, key, value FROM tags WHERE key IN (?, ?, 'mlflow.source.type') "
            "AND run_uuid IN {}",
            ids,
            _NOTEBOOK,
            _ERROR,
        ):
            tags[run, key] = value
        found = {}
        for run, name, experiment, status, start, end in self._rows(
            "SELECT run_uuid, coalesce(r.name, ''), e.name, status, coalesce(start_time, 0), "
            "end_time FROM runs r JOIN experiments e USING (experiment_id) WHERE run_uuid IN {}",
            ids,
        ):
            is_notebook = tags.get((run, "mlflow.source.type")) == "NOTEBOOK"
            found[run] = RunSummary(
                id=run,
                name=name,
                experiment=experiment,
                status=status_of(status),
                started=_moment(start),
                ended=_moment(end) if end else None,
                metrics=metrics[run],
                error=first_line(tags.get((run, _ERROR), "")),
                notebook=tags.get((run, _NOTEBOOK), "") if is_notebook else "",
            )
        return found

    def metrics(self) -> list[str]:
        """Return the names of metrics; each is looked up after the one before, in the index."""
        rows = self._connection.execute(
            "WITH RECURSIVE names(key) AS (SELECT min(key) FROM latest_metrics UNION ALL "
            "SELECT (SELECT min(key) FROM latest_metrics WHERE key > names.key) FROM names "
            "WHERE names.key IS NOT NULL) SELECT key FROM names WHERE key IS NOT NULL LIMIT ?",
            (_KEYS_SHOWN,),
        )
        return [key for (key,) in rows]

    def _rows(self, text: str, ids: Sequence[str], *before: object) -> Iterator[tuple[Any, ...]]:
        marks = ", ".join("?" * len(ids))  # all that is put into the text is question marks
        yield from self._connection.execute(text.format(f"({marks})"), (*before, *ids))


def first_line(text: str) -> str:
    """Return the first line of an error, as a list shows it."""
    return text.strip().partition("\n")[0][:_ERROR_SHOWN]


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _state(path: Path) -> tuple[object, ...]:
    """Return what changes with every change of the store.

    SQLite counts its writes at byte 24 of the file; with a write-ahead log it is the log that
    grows, or begins anew.
    """
    with path.open("rb") as file:
        count = file.read(28)[24:]
    facts = path.stat()
    log = path.with_name(f"{path.name}-wal")
    logged = log.stat() if log.exists() else None
    return (
        str(path),
        facts.st_ino,
        count,
        facts.st_mtime_ns,
        logged and (logged.st_size, logged.st_mtime_ns),
    )


def _statement(terms: Sequence[Term], order: ListOrder) -> tuple[str, list[object]]:
    """Return the statement that finds runs; all that a user writes is a value."""
    values: list[object] = []
    join, column = "", COLUMNS.get(order.column, "")
    if order.metric:
        join = (
            "LEFT JOIN latest_metrics o ON o.run_uuid = r.run_uuid AND o.key = ? AND NOT o.is_nan"
        )
        column = "o.value"
        values.append(order.metric)
    where = ["r.lifecycle_stage = 'active'", "e.lifecycle_stage = 'active'"]
    for term in terms:
        text, more = _compared(term) if term.name else _word(term.text)
        where.append(text)
        values += more
    text = (
        f"SELECT r.run_uuid, {column}, coalesce(r.start_time, 0) FROM runs r "  # noqa: S608  (ours)
        f"JOIN experiments e USING (experiment_id) {join} WHERE {' AND '.join(where)} "
        f"ORDER BY {column} IS NULL, {column} {'DESC' if order.descending else 'ASC'}, "
        "r.start_time DESC, r.run_uuid"
    )
    return text, values


def _word(word: str) -> tuple[str, list[object]]:
    """Return where a word may be: all that a person knows a run by."""
    marks = ", ".join("?" * len(_TAGS_SEARCHED))
    escaped = re.sub(r"([\\%_])", r"\\\1", word)
    like, begins = f"%{escaped}%", f"{escaped}%"
    return (
        "(r.name LIKE ? ESCAPE '\\' OR r.status LIKE ? ESCAPE '\\' OR e.name LIKE ? ESCAPE '\\' "  # noqa: S608  (ours)
        "OR r.run_uuid LIKE ? ESCAPE '\\' OR r.run_uuid IN ("
        "SELECT run_uuid FROM params WHERE value LIKE ? ESCAPE '\\' UNION ALL "
        "SELECT run_uuid FROM params WHERE key = ? UNION ALL "
        "SELECT run_uuid FROM latest_metrics WHERE key = ? UNION ALL "
        # the plus: to read all tags in their order is quicker than each by the index
        f"SELECT run_uuid FROM tags WHERE +key IN ({marks}) AND value LIKE ? ESCAPE '\\' UNION ALL "
        "SELECT i.destination_id FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id "
        "WHERE i.destination_type = 'RUN' AND d.name LIKE ? ESCAPE '\\'))",
        [like, like, like, begins, like, word, word, *_TAGS_SEARCHED, like, like],
    )


def _compared(term: Term) -> tuple[str, list[object]]:
    """Return a comparison with a metric or a parameter of the name."""
    comparator, number = term.comparator, term.number
    if number is None:
        if comparator not in ("=", "!="):
            return "0", []
        begins = "substr(lower(value), 1, length(?)) = lower(?)"
        test = f"NOT {begins}" if comparator == "!=" else begins
        return (
            f"r.run_uuid IN (SELECT run_uuid FROM params WHERE key = ? AND {test})",  # noqa: S608  (ours)
            [term.name, term.value, term.value],
        )
    return (
        "r.run_uuid IN (SELECT run_uuid FROM latest_metrics "  # noqa: S608  (ours, from a pattern)
        f"WHERE key = ? AND NOT is_nan AND value {comparator} ? UNION ALL "
        "SELECT run_uuid FROM params WHERE key = ? AND value GLOB '[-+.0-9]*' "
        f"AND CAST(value AS REAL) {comparator} ?)",
        [term.name, number, term.name, number],
    )
