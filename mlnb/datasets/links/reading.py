"""Read a linked version: as a frame, or lazily by another engine."""

from collections.abc import Sequence
from typing import Any

from mlnb.datasets.links import backends
from mlnb.datasets.links.pieces import rows_of
from mlnb.datasets.records import StoredVersion
from mlnb.datasets.storage.loading import asked_columns, check_column


def table(stored: StoredVersion, columns: Sequence[str] | None = None) -> Any:
    """Return a linked table, or some of its columns in this order, as an Arrow table.

    Raises
    ------
    BrokenLink
        If what was pinned is not there as it was.
    UnknownName
        If a column is not there.
    UnsupportedData
        If it is files, not a table.
    """
    return _opened(stored).read(selected(stored, columns))


def frame(
    stored: StoredVersion,
    columns: Sequence[str] | None,
    engine: str,
    rows: tuple[int, int] | None = None,
) -> Any:
    """Return a linked table as `mlnb.datasets.load` gives it."""
    opened = _opened(stored)
    wanted = selected(stored, columns)
    if wanted is not None and engine == "pandas":
        wanted += [name for name in _index(opened.schema) if name not in wanted]
    made = opened.read(wanted) if rows is None else rows_of(opened.dataset(), wanted, *rows)
    if engine == "pandas":
        from mlnb.datasets.pandas_frames import to_pandas
        from mlnb.datasets.tables import content

        return to_pandas(content(made))
    if engine == "polars":
        import polars

        return polars.from_arrow(made)
    if engine == "duckdb":
        import duckdb

        return duckdb.from_arrow(made)
    return made


def selected(stored: StoredVersion, columns: Sequence[str] | None) -> list[str] | None:
    """Return the names of the columns that were asked for, checked."""
    if columns is None:
        return None
    wanted = asked_columns(columns)
    names = [column.name for column in stored.columns]
    for column in wanted:
        check_column(column, names)
    return wanted


def _opened(stored: StoredVersion) -> Any:
    opened = backends.of_version(stored)
    if not getattr(opened, "is_table", True):
        raise opened.no_table()
    return opened


def _index(schema: Any) -> list[str]:
    """Return the columns that pandas wrote its index to, as the file says."""
    pandas = schema.pandas_metadata or {}
    return [name for name in pandas.get("index_columns", []) if isinstance(name, str)]
