"""The record of a comparison: counts, samples, how distributions moved."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mlnb.datasets import versions
from mlnb.datasets.difference.arrays import Positions
from mlnb.datasets.difference.records import (
    CellSample,
    ColumnDifference,
    DatasetDiff,
    RowKind,
    RowSample,
)
from mlnb.datasets.difference.shifts import psi
from mlnb.datasets.scalars import texts

if TYPE_CHECKING:
    from mlnb.datasets.difference.comparing import Comparison
    from mlnb.datasets.difference.sides import Side

_WIDEST = 50
"""Rows are shown with so many columns, the key first."""


def summary(compared: "Comparison", *, cells: int, rows: int) -> DatasetDiff:
    """Return the record of a comparison.

    Parameters
    ----------
    compared : Comparison
        The two tables.
    cells, rows : int
        So many samples of the changed cells of a column, and of the rows of each kind.
    """
    old, new = compared.versions
    found, columns = compared.found, compared.columns
    changed = len(compared.changed_rows())
    shown = _shown_columns(compared)
    return DatasetDiff(
        before=versions.public(old),
        after=versions.public(new),
        identical=compared.identical,
        columns_added=columns.added,
        columns_removed=columns.removed,
        columns_changed=columns.changed,
        columns_renamed=columns.renamed,
        columns_reordered=columns.reordered,
        compared=columns.compared,
        key=compared.key,
        key_source=compared.key_source,
        rows_added=len(found.added),
        rows_removed=len(found.removed),
        rows_changed=changed if compared.key else None,
        rows_kept=found.common - changed,
        order_changed=found.moved,
        cells_changed=sum(map(len, compared.changed.values())) if compared.key else None,
        columns=_columns(compared, cells),
        sample_columns=shown if rows else [],
        row_samples=_row_samples(compared, shown, rows) if rows else [],
    )


def _columns(compared: "Comparison", cells: int) -> list[ColumnDifference]:
    """Return the columns in which cells or values differ, those with the most changes first."""
    chosen = _chosen(compared, cells)
    every = np.unique(np.concatenate(list(chosen.values()) or [np.zeros(0, np.int64)]))
    places = dict(zip(every.tolist(), _places(compared, every), strict=True))
    samples = {
        name: [
            CellSample(place=places[row], before=before, after=after)
            for row, before, after in zip(chosen[name].tolist(), old, new, strict=True)
        ]
        for name, (old, new) in _texts(compared, chosen).items()
    }
    found = []
    for name in compared.columns.compared:
        profiles = [side.get(name) for side in compared.profiles]
        shift = _shift(compared, name)
        changed = len(compared.changed.get(name, ()))
        if not changed and profiles[0] == profiles[1]:
            continue
        found.append(
            ColumnDifference(
                name=name,
                type=compared.after.types[name],
                cells=changed if compared.key else None,
                samples=samples.get(name, []),
                psi=shift,
                before=profiles[0],
                after=profiles[1],
            )
        )
    return sorted(found, key=lambda item: (-(item.cells or 0), -(item.psi or 0)))


def _shift(compared: "Comparison", name: str) -> float | None:
    before, after = (side.get(name) for side in compared.profiles)
    if before is None or after is None or before.type != after.type:
        return None
    return psi(before, after, (compared.before.rows, compared.after.rows))


def _texts(
    compared: "Comparison", chosen: dict[str, Positions]
) -> dict[str, tuple[list[str | None], list[str | None]]]:
    """Return what some cells of each column hold before and after."""
    found, unread = {}, {}
    for name, rows in chosen.items():
        if name not in compared.read:
            unread[name] = rows
            continue
        where, old, new = compared.read[name]
        at = pa.array(np.searchsorted(where, rows))
        found[name] = texts(old.take(at)), texts(new.take(at))
    before = compared.before.cells({n: compared.found.sources(r) for n, r in unread.items()})
    after = compared.after.cells(unread)
    return found | {name: (texts(before[name]), texts(after[name])) for name in unread}


def _chosen(compared: "Comparison", count: int) -> dict[str, Positions]:
    """Return some rows of each column that changed.

    They are spread over those that were read already. Of other columns they are taken from one
    unit each, the same one if it can be, because units are read whole.
    """
    changed = {name: rows for name, rows in compared.changed.items() if len(rows)}
    found = {name: _spread(changed.pop(name), count) for name in compared.read if name in changed}
    offered = {
        name: np.bincount(rows // compared.after.unit_rows).clip(max=count)
        for name, rows in changed.items()
    }
    width = max(map(len, offered.values()), default=0)
    offers = np.zeros(width, np.int64)
    for counts in offered.values():
        offers[: len(counts)] += counts
    for name, rows in changed.items():
        counts = offered[name]
        unit = int(np.argmax(counts * (int(offers.max()) + 1) + offers[: len(counts)]))
        found[name] = _spread(rows[rows // compared.after.unit_rows == unit], count)
    return {name: found[name] for name in compared.changed if name in found}


def _spread(rows: Positions, count: int) -> Positions:
    """Return some of many rows, evenly spread over them."""
    if len(rows) <= count:
        return rows
    chosen: Positions = rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]
    return chosen


def _places(compared: "Comparison", rows: Positions) -> list[str]:
    """Return how some rows of the later table are called: by their key."""
    if not len(rows):
        return []
    values = compared.after.cells(dict.fromkeys(compared.key, rows))
    parts = [texts(values[name]) for name in compared.key]
    return [
        ", ".join(f"{name}={value}" for name, value in zip(compared.key, row, strict=True))
        for row in zip(*parts, strict=True)
    ]


def _shown_columns(compared: "Comparison") -> list[str]:
    changed = sorted(compared.changed, key=lambda name: -len(compared.changed[name]))
    changed = [name for name in changed if len(compared.changed[name])]
    names = dict.fromkeys([*compared.key, *changed, *compared.after.types, *compared.before.types])
    return list(names)[:_WIDEST]


def _row_samples(compared: "Comparison", names: Sequence[str], count: int) -> list[RowSample]:
    kinds: list[tuple[RowKind, Side, Positions]] = [
        ("added", compared.after, compared.found.added),
        ("removed", compared.before, compared.found.removed),
        ("changed", compared.after, compared.changed_rows()),
    ]
    samples = []
    for kind, side, rows in kinds:
        some = _spread(rows, count)
        if not len(some):
            continue
        held = side.cells({name: some for name in names if name in side.types})
        columns: list[Any] = [
            texts(held[name]) if name in held else [None] * len(some) for name in names
        ]
        samples += [
            RowSample(change=kind, row=row, values=list(values))
            for row, *values in zip(some.tolist(), *columns, strict=True)
        ]
    return samples
