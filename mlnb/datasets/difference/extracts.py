"""All rows and cells that differ, as Arrow tables."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mlnb.core.errors import BadInput, UnknownName
from mlnb.datasets.difference.arrays import Positions, decoded
from mlnb.datasets.scalars import texts

if TYPE_CHECKING:
    from mlnb.datasets.difference.comparing import Comparison
    from mlnb.datasets.difference.records import RowKind
    from mlnb.datasets.difference.sides import Side


def rows(compared: "Comparison", kind: "RowKind") -> Any:
    """Return the rows of one kind, with their numbers in the first column."""
    if kind not in ("added", "removed", "changed"):
        raise BadInput(f"{kind!r} is no kind of rows.", "Ask for added, removed or changed.")
    if kind == "removed":
        return _numbered(compared.before, compared.found.removed)
    found = compared.found.added if kind == "added" else compared.changed_rows()
    return _numbered(compared.after, found)


def _numbered(side: "Side", places: Positions) -> Any:
    names = list(side.types)
    return _table(["row", *names], [pa.array(places), *_values(side, names, places)])


def cells(compared: "Comparison", column: str | None) -> Any:
    """Return the changed cells of one column, or of all as text."""
    if not compared.key:
        raise BadInput(
            "Without a key it is not known which cells changed.", "Name one, as in key='id'."
        )
    names = list(compared.changed)
    if column is not None:
        if column not in names:
            raise UnknownName("compared column", column, names)
        return _cells_of(compared, column, compared.changed[column])
    nothing = np.zeros(0, np.int64)
    empty = _cells_of(compared, names[0] if names else compared.key[0], nothing, as_text=True)
    found = [
        _cells_of(compared, name, places, as_text=True)
        for name, places in compared.changed.items()
        if len(places)
    ]
    return pa.concat_tables([empty, *found])


def _cells_of(
    compared: "Comparison", name: str, places: Positions, *, as_text: bool = False
) -> Any:
    sources = compared.found.sources(places)
    values = [
        *_values(compared.before, [name], sources),
        *_values(compared.after, [name], places),
    ]
    if as_text:
        values = [pa.array(texts(one), pa.string()) for one in values]
        values.insert(0, pa.array([name] * len(places), pa.string()))
    keys = _values(compared.after, compared.key, places)
    names = ["row_before", "row_after", *compared.key]
    names += ["column", "before", "after"] if as_text else ["before", "after"]
    return _table(names, [pa.array(sources), pa.array(places), *keys, *values])


def changes(compared: "Comparison") -> Any:
    """Return all rows that differ: removed, added, and each changed one before and after.

    It has the columns of both; where a version lacks one there are nulls, and where their types
    cannot be brought together there is text.
    """
    changed = compared.changed_rows()
    pieces = [
        ("removed", compared.before, compared.found.removed),
        ("added", compared.after, compared.found.added),
        ("before", compared.before, compared.found.sources(changed)),
        ("after", compared.after, changed),
    ]
    names = list(dict.fromkeys([*compared.after.types, *compared.before.types]))
    incompatible = {change.name for change in compared.columns.changed}
    incompatible -= set(compared.columns.compared)
    found = []
    for word, side, places in pieces:
        columns: list[Any] = [pa.array([word] * len(places), pa.string()), pa.array(places)]
        for name in names:
            if name not in side.types:
                columns.append(pa.nulls(len(places)))
                continue
            values = _values(side, [name], places)[0]
            text = name in incompatible
            columns.append(pa.array(texts(values), pa.string()) if text else values)
        found.append(_table(["change", "row", *names], columns))
    return pa.concat_tables(found, promote_options="default")


def _values(side: "Side", names: Sequence[str], places: Positions) -> list[Any]:
    """Return some rows of columns; categories as their values."""
    if not len(places):
        return [decoded(column) for column in side.read(names, (0, 0))]
    found = side.cells(dict.fromkeys(names, places))
    return [decoded(found[name]) for name in names]


def _table(names: Sequence[str], columns: Sequence[Any]) -> Any:
    """Return a table; our own names, which come first, give way to those of the data."""
    given: list[str] = []
    for place, name in enumerate(names):
        while name in given or name in names[place + 1 :]:
            name = f"_{name}"
        given.append(name)
    return pa.table(list(columns), names=given)
