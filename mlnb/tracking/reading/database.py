"""Runs of a SQLite store by SQL: what MLflow's search takes seconds for, in milliseconds.

The store's own tables are read, so there is nothing that could be out of date. They are MLflow's,
not ours: only tables that have exactly the columns known here are read so (`open_store` returns
None for any others, and runs are then read through MLflow), and the tests compare the answers with
those of MLflow's own search.
"""

import atexit
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlnb.core.errors import UnknownName
from mlnb.tracking import journal, store
from mlnb.tracking.reading import queries
from mlnb.tracking.reading.queries import Condition, Order, Query
from mlnb.tracking.reading.stored import StoredRun

TABLES = {
    "experiments": "experiment_id name workspace artifact_location lifecycle_stage creation_time "
    "last_update_time",
    "runs": "run_uuid name source_type source_name entry_point_name user_id status start_time "
    "end_time deleted_time source_version lifecycle_stage artifact_uri experiment_id",
    "latest_metrics": "key value timestamp step is_nan run_uuid",
    "metrics": "key value timestamp step is_nan run_uuid",
    "params": "key value run_uuid",
    "tags": "key value run_uuid",
    "datasets": "dataset_uuid experiment_id name digest dataset_source_type dataset_source "
    "dataset_schema dataset_profile",
    "inputs": "input_uuid source_type source_id destination_type destination_id step",
    "input_tags": "input_uuid name value",
}
"""The tables that are read, with the names of their columns."""
_ATTRIBUTES = {
    "run_id": "run_uuid",
    "run_name": "name",
    "status": "status",
    "artifact_uri": "artifact_uri",
    "user_id": "user_id",
    "start_time": "start_time",
    "end_time": "end_time",
    "experiment_id": "experiment_id",
    "lifecycle_stage": "lifecycle_stage",
}
_PLACES = {queries.METRIC: "latest_metrics", queries.PARAM: "params", queries.TAG: "tags"}
_AT_ONCE = 500
"""So many runs are named in a statement."""


@contextmanager
def open_store(uri: str) -> Iterator["Database | None"]:
    """Open a SQLite store for reading, all of it as it is at one moment.

    Yields
    ------
    Database or None
        None if this is no SQLite store with the tables known here.
    """
    with opened(uri, TABLES) as connection:
        yield None if connection is None else Database(connection)


@contextmanager
def opened(uri: str, tables: Mapping[str, str]) -> Iterator[sqlite3.Connection | None]:
    """Open a SQLite store for reading if it has these tables with exactly these columns.

    Parameters
    ----------
    uri : str
        The store.
    tables : mapping of str to str
        Names of columns, separated by spaces, by the names of tables.
    """
    path = store.sqlite_file(uri)
    if path is None or not path.exists() or os.environ.get("MLFLOW_ENABLE_WORKSPACES"):
        yield None
        return
    with store.failures(uri), _connections.lent(path) as connection:
        connection.execute("BEGIN")
        try:
            yield connection if _has(connection, tables) else None
        finally:
            connection.execute("ROLLBACK")


class _Connections:
    """Keeps the connection that was used last: what it has mapped or cached is half of a search."""

    def __init__(self) -> None:
        self._free: dict[tuple[object, ...], sqlite3.Connection] = {}
        atexit.register(self.close)

    @contextmanager
    def lent(self, path: Path) -> Iterator[sqlite3.Connection]:
        """Lend a connection to nobody else meanwhile; it is of this process and this thread."""
        file = path.stat()
        key = (str(path), file.st_dev, file.st_ino, os.getpid())
        is_main = threading.current_thread() is threading.main_thread()
        connection = self._free.pop(key, None) if is_main else None
        if connection is None:
            connection = _connect(path)
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if not is_main or key in self._free:
            connection.close()
            return
        self.close()
        self._free[key] = connection

    def close(self) -> None:
        """Close what is kept by this process; what a parent kept is the parent's."""
        for key in list(self._free):
            connection = self._free.pop(key)
            if key[-1] == os.getpid():
                connection.close()
            else:
                _inherited.append(connection)  # to close it here could break the parent's locks


_connections = _Connections()
_inherited: list[sqlite3.Connection] = []


def _connect(path: Path) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=20.0, isolation_level=None)
    connection.execute("PRAGMA case_sensitive_like = true")  # as MLflow has it
    connection.execute("PRAGMA mmap_size = 4294967296")  # a third of the time of reading pages
    return connection


def _has(connection: sqlite3.Connection, tables: Mapping[str, str]) -> bool:
    for table, columns in tables.items():
        found = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
        if {name for (name,) in found} != set(columns.split()):
            return False
    return True


class Database:
    """An open SQLite store; not for use after its block."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def search(self, query: Query) -> tuple[list[StoredRun], int] | None:
        """Return the runs a query asks for, and how many there are without its limit.

        Returns
        -------
        tuple or None
            None if the query has something that is unknown here.

        Raises
        ------
        UnknownName
            If there is no such experiment.
        """
        conditions, orders = queries.conditions(query.filter), queries.orders(query.order)
        given = [(one.kind, one.key) for one in conditions] + [
            (one.kind, one.key) for one in orders
        ]
        if {key for kind, key in given if kind == queries.ATTRIBUTE} - set(_ATTRIBUTES):
            return None
        self._check_experiment(query.experiment)
        parts = _Parts(query.experiment)
        for condition in conditions:
            parts.add(condition)
        text, values = parts.selection(orders)
        found = [run for (run,) in self._connection.execute(text, values)]
        end = query.offset + query.limit
        return self.runs(found[query.offset : end]), len(found)

    def runs(self, ids: Sequence[str]) -> list[StoredRun]:
        """Return runs with all that is recorded of them, in the order of their ids."""
        found: dict[str, StoredRun] = {}
        for start in range(0, len(ids), _AT_ONCE):
            found |= self._some(ids[start : start + _AT_ONCE])
        return [found[run] for run in ids if run in found]

    def beginning(self, text: str) -> list[str]:
        """Return the ids of the newest runs whose id here, or else in the journal, begins so."""
        rest = (
            "AND r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active' "
            "ORDER BY r.start_time DESC, r.run_uuid LIMIT 20"
        )
        runs = "SELECT r.run_uuid FROM runs r JOIN experiments e USING (experiment_id) "
        found = self._connection.execute(
            f"{runs} WHERE r.run_uuid LIKE ? {rest}", (f"{text}%",)
        ).fetchall()
        if not found:
            found = self._connection.execute(
                f"{runs} JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = ? "
                f"WHERE t.value LIKE ? {rest}",
                (journal.ORIGIN, f"{text}%"),
            ).fetchall()
        return [run for (run,) in found]

    def named(self, name: str | None) -> list[str]:
        """Return the ids of the newest runs of a name, or of any."""
        rows = self._connection.execute(
            "SELECT r.run_uuid FROM runs r JOIN experiments e USING (experiment_id) "
            "LEFT JOIN tags t ON t.run_uuid = r.run_uuid AND t.key = 'mlflow.runName' "
            "WHERE r.lifecycle_stage = 'active' AND e.lifecycle_stage = 'active' "
            "AND (? IS NULL OR t.value = ?) ORDER BY r.start_time DESC, r.run_uuid LIMIT 20",
            (name, name),
        )
        return [run for (run,) in rows]

    def points(self, run: str, key: str) -> list[tuple[int, float, int]]:
        """Return a metric's history: step, value and time in milliseconds of each point."""
        return self._connection.execute(
            "SELECT step, CASE is_nan WHEN 1 THEN NULL ELSE value END, timestamp FROM metrics "
            "WHERE run_uuid = ? AND key = ? ORDER BY step, timestamp",
            (run, key),
        ).fetchall()

    def points_after(
        self, run: str, after: int, keys: Sequence[str] | None
    ) -> tuple[dict[str, list[tuple[int, float | None, int]]], int]:
        """Return the points of metrics that were written after others, and the last one's place.

        Parameters
        ----------
        run : str
            Its id.
        after : int
            The place that an earlier answer gave; 0 for all.
        keys : sequence of str, optional
            Only these metrics.
        """
        marks = "" if keys is None else f" AND key IN ({', '.join('?' * len(keys))})"
        rows = self._connection.execute(
            "SELECT rowid, key, step, CASE is_nan WHEN 1 THEN NULL ELSE value END, timestamp "  # noqa: S608  (question marks)
            f"FROM metrics WHERE run_uuid = ? AND rowid > ?{marks} ORDER BY step, timestamp",
            (run, after, *(keys or ())),
        )
        found: dict[str, list[tuple[int, float | None, int]]] = {}
        last = after
        for place, key, step, value, time in rows:
            last = max(last, place)
            found.setdefault(key, []).append((step, value, time))
        return found, last

    def _check_experiment(self, name: str | None) -> None:
        if name is None:
            return
        rows = self._connection.execute(
            "SELECT name FROM experiments WHERE lifecycle_stage = 'active'"
        )
        known = [found for (found,) in rows]
        if name not in known:
            raise UnknownName("experiment", name, known)

    def _some(self, ids: Sequence[str]) -> dict[str, StoredRun]:
        marks = ", ".join("?" * len(ids))

        def rows(text: str) -> Iterator[tuple[str, ...]]:
            # All that is put into the text is question marks.
            yield from self._connection.execute(text.format(f"({marks})"), tuple(ids))

        found = {
            row[0]: StoredRun(*row)  # type: ignore[arg-type]  # the columns are of these types
            for row in rows(
                "SELECT run_uuid, coalesce(r.name, ''), e.name, status, coalesce(start_time, 0), "
                "end_time, coalesce(artifact_uri, '') FROM runs r JOIN experiments e "
                "USING (experiment_id) WHERE run_uuid IN {}"
            )
        }
        for run, key, value in rows("SELECT run_uuid, key, value FROM params WHERE run_uuid IN {}"):
            found[run].params[key] = value
        for run, key, value in rows("SELECT run_uuid, key, value FROM tags WHERE run_uuid IN {}"):
            found[run].tags[key] = value
        for run, key, number in rows(
            "SELECT run_uuid, key, CASE is_nan WHEN 1 THEN 'nan' ELSE value END "
            "FROM latest_metrics WHERE run_uuid IN {}"
        ):
            found[run].metrics[key] = float(number)
        for run, name, kind, source in rows(
            "SELECT i.destination_id, d.name, dataset_source_type, dataset_source "
            "FROM inputs i JOIN datasets d ON i.source_id = d.dataset_uuid "
            "WHERE i.destination_type = 'RUN' AND i.destination_id IN {} "
            "GROUP BY i.destination_id, d.dataset_uuid ORDER BY min(i.rowid)"
        ):
            found[run].datasets.append((name, kind, source))
        return found


class _Parts:
    """A statement that selects the ids of runs, while it is put together.

    Names of tables and columns are from the tables above, comparators from MLflow's parser; all
    that a user writes is a value.
    """

    def __init__(self, experiment: str | None) -> None:
        self._joins: list[str] = []
        self._join_values: list[object] = []
        self._where = [
            "r.lifecycle_stage = 'active'",
            "r.experiment_id IN (SELECT experiment_id FROM experiments "
            "WHERE lifecycle_stage = 'active' AND name = coalesce(?, name))",
        ]
        self._values: list[object] = [experiment]

    def add(self, condition: Condition) -> None:
        """Add one comparison."""
        if condition.kind == queries.DATASET:
            self._dataset(condition)
        elif condition.comparator in ("IS NULL", "IS NOT NULL"):
            there = "NOT EXISTS" if condition.comparator == "IS NULL" else "EXISTS"
            table = _PLACES[condition.kind]
            self._where.append(
                f"{there} (SELECT 1 FROM {table} x WHERE x.run_uuid = r.run_uuid AND x.key = ?)"  # noqa: S608  (names of ours)
            )
            self._values.append(condition.key)
        elif condition.kind == queries.ATTRIBUTE and condition.key != "run_name":
            text, values = _compared(f"r.{_ATTRIBUTES[condition.key]}", condition)
            self._where.append(text)
            self._values += values
        else:
            self._entry(condition)

    def _entry(self, condition: Condition) -> None:
        """Compare a metric, a parameter, a tag or the name, which MLflow looks for in a tag."""
        is_name = condition.kind == queries.ATTRIBUTE
        table = "tags" if is_name else _PLACES[condition.kind]
        alias = f"c{len(self._joins)}"
        text, values = _compared(f"{alias}.value", condition)
        if condition.kind == queries.METRIC:  # one that is no number has the value 0
            text = (
                f"({text} OR {alias}.is_nan = 1)"
                if condition.comparator == "!="
                else f"{text} AND {alias}.is_nan = 0"
            )
        self._joins.append(
            f"JOIN {table} {alias} ON {alias}.run_uuid = r.run_uuid AND {alias}.key = ? AND {text}"
        )
        self._join_values += ["mlflow.runName" if is_name else condition.key, *values]

    def _dataset(self, condition: Condition) -> None:
        if condition.key == "context":
            text, values = _compared("t.value", condition)
            tags = (
                "JOIN input_tags t ON t.input_uuid = i.input_uuid "
                "AND t.name = 'mlflow.data.context' "
            )
        else:
            text, values = _compared(f"d.{condition.key}", condition)
            tags = ""
        self._where.append(
            "r.run_uuid IN (SELECT i.destination_id FROM inputs i "  # noqa: S608  (names of ours)
            f"JOIN datasets d ON d.dataset_uuid = i.source_id {tags}WHERE {text})"
        )
        self._values += values

    def selection(self, orders: Sequence[Order]) -> tuple[str, list[object]]:
        """Return the statement with its values."""
        keys: list[str] = []
        for place, order in enumerate(orders):
            direction = "ASC" if order.ascending else "DESC"
            if order.kind == queries.ATTRIBUTE:
                column = f"r.{_ATTRIBUTES[order.key]}"
                missing = f"{column} IS NULL"
            else:
                alias = f"o{place}"
                column = f"{alias}.value"
                self._joins.append(
                    f"LEFT JOIN {_PLACES[order.kind]} {alias} "
                    f"ON {alias}.run_uuid = r.run_uuid AND {alias}.key = ?"
                )
                self._join_values.append(order.key)
                missing = f"{column} IS NULL"
                if order.kind == queries.METRIC:
                    missing = (
                        f"CASE WHEN {alias}.is_nan = 1 THEN 1 WHEN {column} IS NULL THEN 2 "
                        "ELSE 0 END"
                    )
            keys += [missing, f"{column} {direction}"]
        if not any((one.kind, one.key) == (queries.ATTRIBUTE, "start_time") for one in orders):
            keys.append("r.start_time DESC")
        keys.append("r.run_uuid")
        text = (
            f"SELECT r.run_uuid FROM runs r {' '.join(self._joins)} "  # noqa: S608  (see the class)
            f"WHERE {' AND '.join(self._where)} ORDER BY {', '.join(keys)}"
        )
        return text, [*self._join_values, *self._values]


def _compared(column: str, condition: Condition) -> tuple[str, list[object]]:
    """Return a comparison of a column as SQL, with its values."""
    comparator, value = condition.comparator, condition.value
    if comparator in ("IN", "NOT IN"):
        return f"{column} {comparator} ({', '.join('?' * len(value))})", list(value)
    if comparator == "ILIKE":
        return f"lower({column}) LIKE lower(?)", [value]
    return f"{column} {comparator} ?", [value]
