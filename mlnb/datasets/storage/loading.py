"""A stored table as a frame of some library."""

from collections.abc import Iterable, Sequence
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
    columns, engine
        As in `mlnb.datasets.load`.
    rows : tuple of int, optional
        From row to before row; they are there.
    """
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


def asked_columns(columns: Sequence[str]) -> list[str]:
    """Return the columns that were asked for, each once.

    Raises
    ------
    BadInput
        If there is none.
    """
    if not isinstance(columns, Iterable):
        raise BadInput(f"{columns!r} is no list of columns.", "Give their names: ['a', 'b'].")
    wanted = [columns] if isinstance(columns, str) else list(dict.fromkeys(columns))
    if not wanted:
        raise BadInput("No column was asked for.", "Name some, or leave `columns` out.")
    return wanted


def check_column(column: str, names: Sequence[str]) -> None:
    """Raise what is wrong with a column that was asked for, if there is none of this name."""
    if not isinstance(column, str):
        shown = ", ".join(map(repr, names[:3]))
        raise BadInput(
            f"{column!r} is no name of a column.", f"Columns are named as text, such as {shown}."
        )
    if column not in names:
        raise UnknownName("column", column, names)


def _wanted(stored: StoredTable, columns: Sequence[str], engine: str) -> list[str]:
    names = stored.names
    wanted = asked_columns(columns)
    for column in wanted:
        check_column(column, names)
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
