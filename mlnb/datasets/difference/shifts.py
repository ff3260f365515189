"""How far a column's distribution moved, from its stored profiles."""

from typing import Any

import numpy as np

from mlnb.datasets.records import ColumnProfile, Histogram

_BINS = 10
_FLOOR = 1e-4
"""A share of none counts as this, as is customary: its logarithm is finite."""


def psi(before: ColumnProfile, after: ColumnProfile, rows: tuple[int, int]) -> float | None:
    """Return the population stability index of a column: Σ (q - p) · ln(q / p).

    Over ten bins of equal width that span both histograms (within a bin of a histogram values
    count as evenly spread), or over all values where there are few; nulls are a bin of their own.

    Parameters
    ----------
    before, after : ColumnProfile
        What the column held.
    rows : tuple of int
        How many rows there were.

    Returns
    -------
    float or None
        None where the profiles do not tell.
    """
    if not all(rows):
        return None
    shares = _shares(before, after)
    if shares is None:
        return None
    missing = [one.nulls / count for one, count in zip((before, after), rows, strict=True)]
    old, new = (
        np.append(share * (1 - gone), gone) for share, gone in zip(shares, missing, strict=True)
    )
    old, new = np.maximum(old, _FLOOR), np.maximum(new, _FLOOR)
    both_none = (old == _FLOOR) & (new == _FLOOR)
    return float(np.where(both_none, 0, (new - old) * np.log(new / old)).sum())


def _shares(before: ColumnProfile, after: ColumnProfile) -> tuple[Any, Any] | None:
    if before.histogram and after.histogram:
        low = min(before.histogram.edges[0], after.histogram.edges[0])
        high = max(before.histogram.edges[-1], after.histogram.edges[-1])
        edges = np.linspace(low, high, _BINS + 1)
        return _rebinned(before.histogram, edges), _rebinned(after.histogram, edges)
    if _is_complete(before) and _is_complete(after):
        values = {item.value for item in (*before.top, *after.top)}
        return _of_values(before, values), _of_values(after, values)
    return None


def _rebinned(histogram: Histogram, edges: Any) -> Any:
    below = np.concatenate(([0], np.cumsum(histogram.counts))) / max(1, sum(histogram.counts))
    if histogram.edges[0] == histogram.edges[-1]:  # one value: all of it in one bin
        place = np.searchsorted(edges, histogram.edges[0], side="right") - 1
        return np.eye(len(edges) - 1)[min(int(place), len(edges) - 2)]
    return np.diff(np.interp(edges, histogram.edges, below))


def _is_complete(profile: ColumnProfile) -> bool:
    return bool(profile.top) and not profile.estimated and profile.distinct == len(profile.top)


def _of_values(profile: ColumnProfile, values: set[str]) -> Any:
    counts = {item.value: item.count for item in profile.top}
    found = np.array([counts.get(value, 0) for value in sorted(values)], float)
    return found / max(1.0, found.sum())
