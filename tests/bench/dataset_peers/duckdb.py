"""DuckDB: the difference of two tables as a query; it keeps no versions."""

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
from dataset_frame import KEY

_COUNTS = """
    SELECT count(*) FILTER (o.{key} IS NULL), count(*) FILTER (n.{key} IS NULL),
           count(*) FILTER (o.{key} = n.{key} AND ({differs}))
    FROM {old} o FULL OUTER JOIN {new} n ON o.{key} = n.{key}
"""
_HASHED = "(SELECT {key}, hash({columns}) AS h FROM {table})"


class System:
    """Compares Parquet files: as they are, and as Arrow tables in memory; the better time counts.

    A full outer join by key, comparing all columns; and the same of rows' hashes, which joins
    narrow tables. Inner joins and counting apart are slower.
    """

    name = "DuckDB"

    def __init__(self, folder: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET enable_progress_bar = false")

    def ways(self, before: str, after: str) -> dict[str, Callable[[], dict[str, int]]]:
        """Return the queries by name; the tables in memory are there already."""
        for name, path in (("old", before), ("new", after)):
            self._connection.register(name, pq.read_table(path))
        columns = [name for name in pq.read_schema(before).names if name != KEY]
        columns = [name for name in columns if name in pq.read_schema(after).names]
        ways = {}
        for source, old, new in (
            ("Parquet", f"'{before}'", f"'{after}'"),
            ("Arrow", "old", "new"),
        ):
            ways[f"{source}, columns"] = _query(
                old, new, " OR ".join(f"o.{name} IS DISTINCT FROM n.{name}" for name in columns)
            )
            hashed = [
                _HASHED.format(key=KEY, columns=", ".join(columns), table=table)
                for table in (old, new)
            ]
            ways[f"{source}, hashes"] = _query(*hashed, "o.h <> n.h")
        return {name: lambda query=query: self._count(query) for name, query in ways.items()}

    def _count(self, query: str) -> dict[str, int]:
        row = self._connection.execute(query).fetchone()
        assert row is not None
        return dict(zip(("added", "removed", "changed"), row, strict=True))


def _query(old: str, new: str, differs: str) -> str:
    return _COUNTS.format(key=KEY, old=old, new=new, differs=differs)
