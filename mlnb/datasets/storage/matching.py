"""What of a new table its parent holds already: rows that stayed or moved, cells that changed.

Units with equal digests are equal and never read. Where they differ, the parent's values come
from memory (see `recent`) or from the store, and everything that is called equal was compared.
"""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from mlnb.datasets.difference.alignment import align, align_content
from mlnb.datasets.storage import recent, units
from mlnb.datasets.storage.encoding import is_text, looks_unique
from mlnb.datasets.storage.rearranging import codes, differing, taken, with_dictionary
from mlnb.datasets.storage.stored import StoredTable

Positions = np.ndarray[Any, np.dtype[np.int64]]

_MOVED = 0.5
"""Rows count as moved when more than this share of them seem to have changed in place."""


@dataclass(frozen=True)
class New:
    """A table to be stored."""

    values: Any
    """Plain values."""
    hashes: units.Units
    """With those of the rows that a parent of fewer rows has."""
    identities: list[str]
    key: list[str]

    @property
    def units(self) -> list[list[str]]:
        """Return the unit digests of each column."""
        return self.hashes.columns

    @property
    def names(self) -> list[str]:
        """Return the columns' names."""
        return list(self.values.schema.names)


@dataclass
class Match:
    """How a new table comes from its parent.

    Attributes
    ----------
    kept : int
        With ``origin`` None: the first so many rows are the parent's first ones.
    origin : array of int64 or None
        Else, per row, the parent's row, or -1 for a new one.
    sources : dict
        New column → the parent's column that it is, with changes.
    changed : dict
        New column → its rows (of those the parent has) whose value differs. Columns that are
        not in it have not changed; None means that all of it may have.
    """

    kept: int
    origin: Positions | None
    sources: dict[int, int]
    changed: dict[int, Positions | None] = field(default_factory=dict)


class Parent:
    """The parent's values, from memory when they are still there and still right."""

    def __init__(
        self, stored: StoredTable, kept: recent.Kept | None, light: Executor, pool: Executor
    ) -> None:
        self.stored = stored
        self._kept = kept
        self._light = light
        self._pool = pool
        self._read: dict[str, Any] = {}

    def columns(self, names: Sequence[str]) -> list[Any]:
        """Return whole columns."""
        missing = [name for name in names if name not in self._read]
        if missing:
            found = self._from_memory(missing) or self.stored.read(missing, pool=self._pool)
            self._read.update(zip(missing, found, strict=True))
        return [self._read[name] for name in names]

    def _from_memory(self, names: Sequence[str]) -> list[Any] | None:
        if self._kept is None:
            return None
        values = recent.plain_values(self._kept)
        table = values.select(list(names))
        expected = {name: self.stored.units(name) for name in names}
        text = {name: found for name, found in expected.items() if is_text(values[name].type)}
        if units.hash_units(table, self._light, text).columns != list(expected.values()):
            self._kept = None  # somebody wrote to this memory
            return None
        return list(table.columns)


def match(new: New, parent: Parent, pool: Executor) -> Match | None:
    """Return how a table comes from its parent, or None when they have nothing in common."""
    sources = _sources(new, parent.stored)
    if not sources or not parent.stored.rows or not new.values.num_rows:
        return None
    differ = _differing_units(new, parent.stored, sources)
    if _in_place(new, parent, sources, differ):
        kept = min(new.values.num_rows, parent.stored.rows)
        found = Match(kept, None, sources)
        _compare_in_place(new, parent, found, differ, pool)
        return found
    origin = _origin(new, parent, sources)
    if origin is None:
        return None
    found = Match(0, origin, sources)
    _compare_moved(new, parent, found, origin, pool)
    return found


def _sources(new: New, stored: StoredTable) -> dict[int, int]:
    """Return the columns that both have: same name and identity, or else the same content."""
    names = stored.names
    old = stored.manifest.identities
    places = {name: at for at, name in enumerate(names)}
    found = {}
    for at, name in enumerate(new.names):
        source = places.get(name)
        if source is not None and old[source] == new.identities[at]:
            found[at] = source
    left = set(range(len(names))) - set(found.values())
    content = {(old[at], tuple(stored.manifest.units[at])): at for at in left}
    for at in range(len(new.names)):
        source = content.get((new.identities[at], tuple(new.units[at])))
        if at not in found and source in left:
            left.discard(source)
            found[at] = source
    return found


def _differing_units(
    new: New, stored: StoredTable, sources: dict[int, int]
) -> dict[int, list[int]]:
    """Return for each column that differs in rows both have, the units in which it does."""
    step = stored.manifest.unit_rows
    rows, old_rows = new.values.num_rows, stored.rows
    common = min(rows, old_rows)
    whole, rest = divmod(common, step)
    differ = {}
    for column, source in sources.items():
        mine, old = new.units[column], stored.manifest.units[source]
        found = [unit for unit in range(whole) if mine[unit] != old[unit]]
        if rest:
            if rows == old_rows:
                same = mine[whole] == old[whole]
            elif old_rows == common:
                early = new.hashes.early[column] or units.hash_rows(
                    new.values.column(column), whole * step, common
                )
                same = early == old[whole]
            else:
                same = False  # the parent's digest is that of more rows
            if not same:
                found.append(whole)
        if found:
            differ[column] = found
    return differ


def _in_place(
    new: New, parent: Parent, sources: dict[int, int], differ: dict[int, list[int]]
) -> bool:
    """Tell whether the rows that both have stand where they stood."""
    if not differ:
        return True
    names = new.names
    by_name = {names[column]: column for column in sources}
    key = new.key or parent.stored.manifest.key
    if key and all(name in by_name for name in key):
        moved = {by_name[name]: differ[by_name[name]] for name in key if by_name[name] in differ}
        return not moved or _mostly_same(new, parent, sources, moved)
    steady = [column for column in sources if column not in differ]
    if any(looks_unique(new.values.column(column)) for column in steady):
        return True
    return _mostly_same(new, parent, sources, differ)


def _mostly_same(
    new: New, parent: Parent, sources: dict[int, int], differ: dict[int, list[int]]
) -> bool:
    """Tell whether most rows of a unit that differs in many columns have not changed at all."""
    counts: dict[int, int] = {}
    for found in differ.values():
        for unit in found:
            counts[unit] = counts.get(unit, 0) + 1
    unit = max(counts, key=lambda item: (counts[item], item))
    step = parent.stored.manifest.unit_rows
    start = unit * step
    stop = min(start + step, new.values.num_rows, parent.stored.rows)
    columns = [column for column, found in differ.items() if unit in found]
    old = parent.columns([parent.stored.names[sources[column]] for column in columns])
    changed = np.zeros(stop - start, np.bool_)
    for column, before in zip(columns, old, strict=True):
        after = new.values.column(column).slice(start, stop - start)
        places = differing(before.slice(start, stop - start), after)
        if places is not None:
            changed[places] = True
    return bool(changed.mean() <= _MOVED) if len(changed) else True


def _compare_in_place(
    new: New, parent: Parent, found: Match, differ: dict[int, list[int]], pool: Executor
) -> None:
    columns = list(differ)
    old = parent.columns([parent.stored.names[found.sources[column]] for column in columns])
    step = parent.stored.manifest.unit_rows

    def compare(column: int, before: Any) -> Positions | None:
        after = new.values.column(column)
        pieces = []
        for unit in differ[column]:
            start = unit * step
            size = min(step, found.kept - start)
            places = differing(before.slice(start, size), after.slice(start, size))
            if places is None:
                return None
            pieces.append(places + start)
        return np.concatenate(pieces)

    compared = pool.map(compare, columns, old)
    found.changed.update(zip(columns, compared, strict=True))


def _origin(new: New, parent: Parent, sources: dict[int, int]) -> Positions | None:
    """Return for each row of the new table the parent's row that it is, or -1."""
    names = new.names
    by_name = {names[column]: column for column in sources}
    key = new.key or parent.stored.manifest.key
    candidates = [[by_name[name] for name in key]] if all(n in by_name for n in key) else []
    if not key:
        candidates = [[at] for at in sources if looks_unique(new.values.column(at))]
        candidates.sort(key=lambda columns: not _is_whole(new.values.column(columns[0]).type))
    for columns in filter(None, candidates[:2]):
        before = parent.columns([parent.stored.names[sources[column]] for column in columns])
        rows = align(before, [new.values.column(column) for column in columns])
        if _usable(rows, parent.stored.rows):
            return rows
    comparable = [at for at in sources if not pa.types.is_nested(new.values.column(at).type)]
    if not comparable:
        return None
    before = parent.columns([parent.stored.names[sources[column]] for column in comparable])
    labels = [str(at) for at in range(len(comparable))]
    rows = align_content(
        pa.table(before, names=labels),
        pa.table([new.values.column(column) for column in comparable], names=labels),
    )
    return rows if _usable(rows, parent.stored.rows) else None


def _usable(rows: Positions, old_rows: int) -> bool:
    """Tell whether at least half of the rows were found, each once."""
    found = rows[rows >= 0]
    if 2 * len(found) < len(rows):
        return False
    if (found[1:] > found[:-1]).all():
        return True
    return bool(np.bincount(found, minlength=old_rows).max(initial=0) <= 1)


def _compare_moved(
    new: New, parent: Parent, found: Match, origin: Positions, pool: Executor
) -> None:
    columns = list(found.sources)
    old = parent.columns([parent.stored.names[found.sources[column]] for column in columns])
    rows = np.flatnonzero(origin >= 0)
    if len(rows) < len(origin):
        origin = origin[rows]

    def compare(column: int, before: Any) -> Positions | None:
        after = new.values.column(column)
        if len(rows) < len(after):
            after = take_any(after, rows)
        places = differing(before, after, origin)
        return None if places is None else rows[places]

    for column, places in zip(columns, pool.map(compare, columns, old), strict=True):
        if places is None or len(places):
            found.changed[column] = places


def take_any(column: Any, rows: Positions) -> Any:
    """Return some rows of a plain or dictionary column."""
    if not pa.types.is_dictionary(column.type):
        return taken(column, rows)
    return with_dictionary(taken(codes(column), rows), column.chunk(0).dictionary)


def _is_whole(kind: Any) -> bool:
    return bool(pa.types.is_integer(kind))
