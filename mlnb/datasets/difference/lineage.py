"""What two stored tables have in common by the way they are stored.

A version that was made from another one is stored as that one's files with a selection of their
rows and patched cells. So rows that come from the same row of the same files are the same but for
what was patched, and nothing of them must be read to know it.
"""

from functools import cached_property

import numpy as np

from mlnb.datasets.difference.arrays import Positions
from mlnb.datasets.difference.sides import RecastSide, Side, StoredSide


def lineage_of(before: Side, after: Side) -> "Lineage | None":
    """Return what two tables share, or None where nothing is known."""
    recast: set[str] = set()
    if isinstance(before, RecastSide) and isinstance(after, RecastSide):
        recast = set(after.recast)
        before, after = before.side, after.side
    if not isinstance(before, StoredSide) or not isinstance(after, StoredSide):
        return None
    return Lineage(before, after, recast)


class Lineage:
    """The files, and the rows of them, that two stored tables share.

    Parameters
    ----------
    before, after : StoredSide
        The tables.
    recast : set of str
        Columns that are compared in another type than they are stored in.
    """

    def __init__(self, before: StoredSide, after: StoredSide, recast: set[str]) -> None:
        self._before = before
        self._after = after
        self._recast = recast
        self._files: dict[str, bool] = {}

    @cached_property
    def shared(self) -> int:
        """Return how many rows of the files, from the first on, are rows of both's files."""
        return min(self._before.base_rows, self._after.base_rows)

    def shares(self, name: str) -> bool:
        """Tell whether a column of both comes from the same files, as far as both have rows."""
        if name not in self._files:
            self._files[name] = (
                name not in self._recast
                and self._before.identity(name) == self._after.identity(name)
                and self._before.files(name, self.shared) == self._after.files(name, self.shared)
            )
        return self._files[name]

    def patched(self, name: str) -> Positions:
        """Return the rows of the files in which a column was patched for either."""
        rows = np.union1d(self._before.patched(name)[0], self._after.patched(name)[0])
        found: Positions = rows[rows < self.shared]
        return found

    def certain(self, name: str) -> Positions:
        """Return those of the patched rows whose cell is known to differ without reading it.

        When one side has all patches of the other and some more, a cell that these replaced once
        is another one; a cell that they replaced twice may be what it was.
        """
        one, other = sorted((self._before.layers(name), self._after.layers(name)), key=len)
        more = other[len(one) :]
        same = [layer.name for layer in one] == [layer.name for layer in other[: len(one)]]
        if not more or not same or not all(layer.fresh for layer in more):
            return np.zeros(0, np.int64)
        rows, times = np.unique(np.concatenate([layer.rows for layer in more]), return_counts=True)
        found: Positions = rows[(times == 1) & (rows < self.shared)]
        return found

    @cached_property
    def origin(self) -> Positions | None:
        """Return per row of the later table the earlier one's row from the same place, or -1.

        None means: each row in its own place, as far as both have rows.
        """
        old, new = self._before.selection, self._after.selection
        if old is None and new is None:
            return None
        new = np.arange(self._after.rows) if new is None else new
        if old is None:  # its rows are those of the files
            known = min(self._before.rows, self.shared)
            beyond = new >= known
            return np.where(beyond, -1, new) if beyond.any() else new
        inverse = np.full(self.shared, -1, np.int64)
        inside = np.flatnonzero(old < self.shared)
        inverse[old[inside]] = inside
        if int(new.max(initial=-1)) < self.shared:
            return inverse[new]
        found = np.full(len(new), -1, np.int64)
        inside = np.flatnonzero(new < self.shared)
        found[inside] = inverse[new[inside]]
        return found

    def agrees(self, origin: Positions | None) -> bool:
        """Tell whether rows that were matched are those that come from the same places."""
        if origin is None or self.origin is None:
            return origin is None and self.origin is None
        return origin is self.origin or bool(np.array_equal(origin, self.origin))

    def suspects(self, name: str) -> Positions:
        """Return the later table's rows, of those with an origin, whose cell may have changed."""
        return self._rows_from(self.patched(name))

    def told_apart(self, name: str) -> tuple[Positions, Positions]:
        """Return the suspects whose cell is known to have changed, and those to be looked at."""
        rows, known = self.patched(name), self.certain(name)
        if not len(known):
            return known, self._rows_from(rows)
        doubtful = rows[~np.isin(rows, known, assume_unique=True)]
        return self._rows_from(known), self._rows_from(doubtful)

    def _rows_from(self, rows: Positions) -> Positions:
        """Return the later table's rows, of those with an origin, that come from these places."""
        selection = self._after.selection
        if selection is None:
            rows = rows[rows < self._after.rows]
        elif len(rows):
            flags = np.zeros(max(self._after.base_rows, self.shared), np.bool_)
            flags[rows] = True
            rows = np.flatnonzero(flags[selection])
        origin = self.origin
        if origin is not None:
            return rows[origin[rows] >= 0]
        return rows[rows < self._before.rows]
