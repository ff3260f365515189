"""Which rows of a base a version, or a range of it, is made of."""

from typing import Any

import numpy as np
import pyarrow as pa


class Rows:
    """Which base rows a column is made of: a range, some of a range, or any in any order.

    Parameters
    ----------
    picked : numpy.ndarray of int or None
        The base rows, each once; None for all from `start` to before `stop`.
    start, stop : int
        The range.

    Attributes
    ----------
    low, high : int
        All are between these base rows.
    count : int
        How many there are.
    places : numpy.ndarray of int or None
        Where they stand behind `low`, when they are not in the order of the base.
    size : int
        Rows that are put together: all between `low` and `high` when they are to be taken in
        another order, else `count`.
    """

    def __init__(self, picked: Any, start: int, stop: int) -> None:
        self.low, self.high, self.count = start, stop, stop - start
        self.places: Any = None
        self._rising: Any = None
        self._mask: Any = None
        if picked is not None:
            self._of(picked)
        self.size = self.count if self.places is None else self.high - self.low

    def _of(self, picked: Any) -> None:
        self.count = len(picked)
        self.low, self.high = 0, 0
        if self.count:
            self.low, self.high = int(picked.min()), int(picked.max()) + 1
        span = self.high - self.low
        behind = picked - self.low if self.low else picked
        if not (picked[1:] > picked[:-1]).all():
            # Half the memory to read, over and over.
            self.places = behind.astype(np.int32) if span < 2**31 else behind
        elif self.count < span:
            mask = np.zeros(span, np.bool_)
            mask[behind] = True
            self._rising, self._mask = behind, pa.array(mask)

    def chosen(self, piece: Any, first: int) -> tuple[Any, int]:
        """Return what is wanted of a piece, and its place in what is put together.

        Parameters
        ----------
        piece : pyarrow.Array
            Values of base rows.
        first : int
            The first one's base row.
        """
        start = max(first, self.low)
        stop = min(first + len(piece), self.high)
        piece = piece.slice(start - first, max(stop - start, 0))
        start -= self.low
        if self._mask is None:
            return piece, start
        wanted = self._mask.slice(start, len(piece))
        return piece.filter(wanted), int(np.searchsorted(self._rising, start))

    def positions(self, base: Any) -> tuple[Any, Any]:
        """Return where some base rows are put together, and which of them are (None for all)."""
        behind = base - self.low
        if self._rising is None:
            there = (behind >= 0) & (behind < self.high - self.low)
            found = behind
        else:
            found = np.searchsorted(self._rising, behind)
            there = found < self.count
            there[there] = self._rising[found[there]] == behind[there]
        return (found, None) if there.all() else (found[there], there)
