"""A stored table as a frame of some library."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.store import ObjectStore
from mlnb.datasets.records import StoredVersion
from mlnb.datasets.storage import recent
from mlnb.datasets.storage.stored import StoredTable
from mlnb.datasets.tables import Content


def load_table(
    store: ObjectStore,
    version: StoredVersion,
    columns: Sequence[str] | None,
    rows: tuple[int, int] | None,
    engine: str,
) -> Any:
    """Return a version's table, or some columns and rows of it.

    Parameters
    ----------
    store : ObjectStore
        Where its objects are.
    version : StoredVersion
        Of kind ``table``.
    columns, rows, engine
        As in `mlnb.datasets.load`.
    """
    if rows is not None and not _is_range(rows):
        raise BadInput(f"{rows!r} is no range of rows.", "Say it like (0, 1000).")
    if rows is not None and not 0 <= rows[0] <= rows[1] <= version.rows:
        raise BadInput(
            f"{version.ref} has no rows {rows[0]} to {rows[1]}.",
            f"Its rows are 0 to {version.rows}.",
        )
    whole = columns is None and rows is None
    kept = recent.kept(version.name, version.digest) if whole else None
    if kept is not None and kept.ours:
        if isinstance(kept.data, Content):
            return _convert(kept.data, None, 0, engine)
        if engine == "pandas":
            return kept.data.copy(deep=False)
    stored = StoredTable(store, version)
    wanted = None if columns is None else _wanted(stored, columns, engine)
    content = stored.content(wanted, rows)
    places = None if wanted is None else [stored.names.index(name) for name in wanted]
    frame = _convert(content, places, rows[0] if rows else 0, engine)
    if whole:
        kept_as = frame if engine == "pandas" else content
        recent.keep(version.name, version.digest, kept_as, content.table.nbytes, ours=True)
    return frame


def _is_range(rows: Any) -> bool:
    return (
        isinstance(rows, Sequence)
        and len(rows) == 2
        and all(isinstance(row, Integral) for row in rows)
    )


def _wanted(stored: StoredTable, columns: Sequence[str], engine: str) -> list[str]:
    names = stored.names
    wanted = [columns] if isinstance(columns, str) else list(dict.fromkeys(columns))
    if not wanted:
        raise BadInput("No column was asked for.", "Name some, or leave `columns` out.")
    for column in wanted:
        if column not in names:
            raise UnknownName("column", column, names)
    levels = int(stored.layout.pandas.get("index", {}).get("levels", 0))
    if engine == "pandas" and levels:
        wanted += [name for name in names[len(names) - levels :] if name not in wanted]
    return wanted


def _convert(content: Content, places: list[int] | None, first: int, engine: str) -> Any:
    if engine == "pandas":
        from mlnb.datasets.pandas_frames import to_pandas

        return to_pandas(content, places, first, own=True)
    if engine == "polars":
        import polars

        return polars.from_arrow(content.table)
    if engine == "duckdb":
        import duckdb

        return duckdb.connect().from_arrow(content.table)
    return content.table
