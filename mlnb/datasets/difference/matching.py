"""Which row of the earlier table each row of the later one is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from mlnb.core.errors import BadInput, UnknownName
from mlnb.datasets.difference.alignment import align, align_content, is_unique, repeated
from mlnb.datasets.difference.arrays import BLOCK, Positions
from mlnb.datasets.difference.cells import changed_cells
from mlnb.datasets.difference.lineage import Lineage
from mlnb.datasets.difference.sides import Side
from mlnb.datasets.records import ColumnProfile
from mlnb.datasets.scalars import texts

_TRIES = 3
"""So many columns are tried as a key."""
_OVERLAP = 0.5
"""A column is a key of both tables when the smaller shares this part of its values."""


@dataclass(frozen=True)
class Rows:
    """How the rows of two tables belong together.

    Attributes
    ----------
    before, after : int
        How many rows each has.
    origin : numpy.ndarray of int64 or None
        Per row of the later table the row of the earlier one, or -1; None when the rows that
        both have stand in the same places, at the beginning.
    """

    before: int
    after: int
    origin: Positions | None = None

    @cached_property
    def common(self) -> int:
        """Return how many rows belong together."""
        if self.origin is None:
            return min(self.before, self.after)
        return int(np.count_nonzero(self.origin >= 0))

    @cached_property
    def kept(self) -> Positions:
        """Return the later table's rows that the earlier one has, too."""
        if self.origin is None:
            return np.arange(self.common)
        return np.flatnonzero(self.origin >= 0)

    @cached_property
    def added(self) -> Positions:
        """Return the later table's other rows."""
        if self.origin is None:
            return np.arange(self.common, self.after)
        return np.flatnonzero(self.origin < 0)

    @cached_property
    def removed(self) -> Positions:
        """Return the earlier table's rows that the later one has not."""
        if self.origin is None:
            return np.arange(self.common, self.before)
        gone = np.ones(self.before + 1, np.bool_)
        gone[self.origin] = False  # -1 is the one beyond the last
        return np.flatnonzero(gone[:-1])

    @cached_property
    def moved(self) -> bool:
        """Tell whether rows that both have stand in another order."""
        last = -1
        for start in range(0, 0 if self.origin is None else self.after, BLOCK):
            places = self.origin[start : start + BLOCK]  # type: ignore[index]  # else no blocks
            places = places[places >= 0]
            if not len(places):
                continue
            if places[0] < last or (places[1:] < places[:-1]).any():
                return True
            last = int(places[-1])
        return False

    def sources(self, rows: Positions) -> Positions:
        """Return the earlier table's rows for some that belong together."""
        return rows if self.origin is None else self.origin[rows]


def by_key(before: Side, after: Side, key: Sequence[str], lineage: Lineage | None = None) -> Rows:
    """Match rows by a key.

    Parameters
    ----------
    before, after : Side
        With the key's columns, of the same types.
    key : sequence of str
        The columns.
    lineage : Lineage, optional
        What the tables share; only where it is known that no two rows of a table have one key.

    Raises
    ------
    BadInput
        If two rows of one table have the same key.
    """
    if lineage is not None:
        found = _by_lineage(before, after, key, lineage)
        if found is not None:
            return found
        common = min(before.rows, after.rows)
        if all(differing(before, after, name, common).size == 0 for name in key):
            return Rows(before.rows, after.rows)
    left, right = before.read(key), after.read(key)
    if lineage is None:
        for side, columns in ((before, left), (after, right)):
            _check_unique(side, key, columns)
    return _in_place_or_not(before.rows, after.rows, align(left, right))


def _by_lineage(before: Side, after: Side, key: Sequence[str], lineage: Lineage) -> Rows | None:
    """Match rows that come from one place, whose key was never patched, and the rest by key."""
    if not all(lineage.shares(name) and not len(lineage.patched(name)) for name in key):
        return None
    if lineage.origin is None:
        return Rows(before.rows, after.rows)
    return _rest_matched(before, after, key, lineage.origin, align)


def _rest_matched(
    before: Side, after: Side, names: Sequence[str], origin: Positions, align: Callable[..., Any]
) -> Rows:
    """Match the rows that have no origin with those that are nobody's, by some columns."""
    found = Rows(before.rows, after.rows, origin)
    new, gone = found.added, found.removed
    if not len(new) or not len(gone):
        return found if _has_moved(found, origin) else Rows(before.rows, after.rows)
    left = before.cells(dict.fromkeys(names, gone))  # what was removed may have come again
    right = after.cells(dict.fromkeys(names, new))
    again = align([left[name] for name in names], [right[name] for name in names])
    if (again >= 0).any():
        origin = origin.copy()
        origin[new[again >= 0]] = gone[again[again >= 0]]
        found = Rows(before.rows, after.rows, origin)
    return found if _has_moved(found, origin) else Rows(before.rows, after.rows)


def by_content(
    before: Side, after: Side, names: Sequence[str], lineage: Lineage | None = None
) -> Rows:
    """Match rows that have the same values in all of some columns.

    Rows that come from one place and were not patched since are matched without being read: it is
    all the same which of several equal rows are.
    """
    if not names:
        return Rows(before.rows, after.rows, np.full(after.rows, -1, np.int64))
    if lineage is None or not all(lineage.shares(name) for name in names):
        left, right = before.read(names), after.read(names)
        return _in_place_or_not(before.rows, after.rows, _content_aligned(left, right))
    if lineage.origin is None:
        origin = np.arange(after.rows)
        origin[before.rows :] = -1
    else:
        origin = lineage.origin.copy()
    for name in names:
        origin[lineage.suspects(name)] = -1
    return _rest_matched(before, after, names, origin, _content_aligned)


def _content_aligned(left: Sequence[Any], right: Sequence[Any]) -> Positions:
    labels = [str(place) for place in range(len(left))]
    return align_content(pa.table(list(left), labels), pa.table(list(right), labels))


def differing(before: Side, after: Side, name: str, common: int) -> Positions:
    """Return in which of the first rows a column differs, reading only units that do."""
    found = [
        changed_cells(before.read([name], span)[0], after.read([name], span)[0]) + span[0]
        for span in _spans(before, after, name, common)
    ]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def _spans(before: Side, after: Side, name: str, common: int) -> list[tuple[int, int]]:
    """Return the ranges of rows that the units of a column do not show to be equal."""
    left, right, step = before.units(name), after.units(name), after.unit_rows
    if not left or not right or before.unit_rows != step:
        return [(0, common)] if common else []
    spans: list[tuple[int, int]] = []
    for unit, start in enumerate(range(0, common, step)):
        stop = min(start + step, common)
        whole = stop == start + step or before.rows == after.rows
        if whole and left[unit] == right[unit]:
            continue
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        spans.append((start, stop))
    return spans


def _in_place_or_not(before: int, after: int, origin: Positions) -> Rows:
    found = Rows(before, after, origin)
    return found if _has_moved(found, origin) else Rows(before, after)


def _has_moved(rows: Rows, origin: Positions) -> bool:
    """Tell whether any row is not in its own place, as far as both tables have rows."""
    common = min(rows.before, rows.after)
    for start in range(0, rows.after, BLOCK):
        stop = min(start + BLOCK, rows.after)
        places = np.arange(start, stop)
        places[max(0, common - start) :] = -1
        if (origin[start:stop] != places).any():
            return True
    return False


def _check_unique(side: Side, key: Sequence[str], columns: Sequence[Any]) -> None:
    if is_unique(columns):
        return
    later = repeated(columns)
    examples = []
    for row in later[:3].tolist():
        values = [texts(column.slice(row, 1))[0] for column in columns]
        examples.append(", ".join(f"{n}={v}" for n, v in zip(key, values, strict=True)))
    shown = "; ".join(dict.fromkeys(examples))
    raise BadInput(
        f"The key does not identify the rows of {side.ref}: {len(later):,} "
        f"{'row repeats' if len(later) == 1 else 'rows repeat'} an earlier one's ({shown}).",
        "Give more columns (--key a,b), or none to compare rows by content (--by-content).",
    )


# -- which key -----------------------------------------------------------------------------------


def check_key(key: Sequence[str], before: Side, after: Side, compared: Sequence[str]) -> None:
    """Raise if a key that was given cannot be one.

    Raises
    ------
    UnknownName
        If a version has no such column.
    BadInput
        If its types in the two versions cannot be compared.
    """
    for name in key:
        for side in (before, after):
            if name not in side.types:
                raise UnknownName(f"column of {side.ref}", name, side.types)
        if name not in compared:
            raise BadInput(
                f"The key column {name!r} is {before.types[name]} in {before.ref} and "
                f"{after.types[name]} in {after.ref}.",
                "Choose a column of one type.",
            )


def recorded_key(before: Side, after: Side, compared: Sequence[str]) -> list[str]:
    """Return the key that both versions were saved with, or none."""
    if before.key != after.key or not all(name in compared for name in after.key):
        return []
    return list(after.key)


def detected(
    before: Side,
    after: Side,
    compared: Sequence[str],
    profiles: tuple[dict[str, ColumnProfile], dict[str, ColumnProfile]],
) -> tuple[list[str], Rows | None]:
    """Return a column that identifies the rows of both tables, and how these belong together.

    It has no nulls, no value twice, and is no measurement: whole numbers, text or times.

    Parameters
    ----------
    before, after : Side
        The tables.
    compared : sequence of str
        Columns that can be compared.
    profiles : tuple of dict
        What is known of the columns of each, by name.
    """
    if not before.rows or not after.rows:
        return [], None
    likely = [
        name
        for name in compared
        if all(
            _may_be_unique(found.get(name), side, name)
            for found, side in zip(profiles, (before, after), strict=True)
        )
    ]
    likely.sort(key=lambda name: (not _sounds_like_key(name), _rank(after.types[name])))
    for name in likely[:_TRIES]:
        left, right = before.read([name])[0], after.read([name])[0]
        if left.null_count or right.null_count or not (is_unique(left) and is_unique(right)):
            continue
        rows = _in_place_or_not(before.rows, after.rows, align(left, right))
        if rows.common >= _OVERLAP * min(before.rows, after.rows):
            return [name], rows
    return [], None


_KINDS = ("int", "uint", "string", "date", "timestamp")


def _rank(kind: str) -> int:
    return next(
        (place for place, start in enumerate(_KINDS) if kind.startswith(start)), len(_KINDS)
    )


def _may_be_unique(found: ColumnProfile | None, side: Side, name: str) -> bool:
    if _rank(side.types[name]) == len(_KINDS):
        return False
    if found is None:  # what was linked has no profile
        return True
    if found.nulls or found.distinct is None:
        return False
    return found.distinct >= (0.9 * side.rows if found.estimated else side.rows)


def _sounds_like_key(name: str) -> bool:
    words = name.lower().replace("-", "_").split("_")
    return bool({"id", "key", "uuid", "guid"} & {words[0], words[-1]})
