"""Could the difference be chance? Tests of one feature, and the correction for many.

The tests take the rows to be independent. Served rows often are not (a storm delays a day's
flights together), so a small p-value alone is no drift: it keeps small samples from raising
alarms, and the size of the change is judged by the population stability index.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlnb.core.extras import require

Array = NDArray[np.float64]

EXPECTED = 5.0
"""Smallest expected count of a cell in the chi-squared test (Cochran 1954)."""


class Test(NamedTuple):
    """A test statistic and its two-sided p-value."""

    statistic: float
    p_value: float


def kolmogorov_smirnov(ordered: Array, missing: int, served: Array, served_missing: int) -> Test:
    """Compare two samples by the largest distance of their distribution functions.

    Missing values count as one value above all others, so that a change of how many there are
    is seen too.

    Parameters
    ----------
    ordered, served : array of float
        The known values, sorted ascending.
    missing, served_missing : int
        How many more are missing.

    Returns
    -------
    Test
        The p-value is the asymptotic one of ``scipy.stats.ks_2samp``.
    """
    rows, others = len(ordered) + missing, len(served) + served_missing
    if not rows or not others:
        return Test(0.0, 1.0)
    distance = abs(len(ordered) / rows - len(served) / others)
    if len(served):
        # the reference rises only between served values, so the extremes lie right at them
        value, first = np.unique(served, return_index=True)
        upto = np.append(first[1:], len(served))
        right = np.searchsorted(ordered, value, side="right") / rows - upto / others
        left = np.searchsorted(ordered, value, side="left") / rows - first / others
        distance = max(distance, float(np.abs(right).max()), float(np.abs(left).max()))
    elif len(ordered):
        distance = max(distance, len(ordered) / rows)
    size = max(1.0, float(np.round(rows * others / (rows + others))))
    p_value = float(require("scipy.stats", "monitoring").kstwo.sf(distance, size))
    return Test(float(distance), min(1.0, max(0.0, p_value)))


def chi_squared(expected: Array, actual: Array) -> Test:
    """Compare two vectors of counts over the same categories (Pearson, homogeneity).

    Categories with an expected count below 5 in either sample are taken together.
    """
    counts = np.stack([expected, actual])
    counts = counts[:, counts.sum(axis=0) > 0]
    if counts.shape[1] < 2 or not counts.sum(axis=1).all():
        return Test(0.0, 1.0)
    smallest = counts.sum(axis=0) * counts.sum(axis=1).min() / counts.sum()
    thin = smallest < EXPECTED
    if thin.any():
        counts = np.column_stack([counts[:, ~thin], counts[:, thin].sum(axis=1)])
    if counts.shape[1] < 2:
        return Test(0.0, 1.0)
    result = require("scipy.stats", "monitoring").chi2_contingency(counts, correction=False)
    return Test(float(result.statistic), float(result.pvalue))


def corrected(p_values: Sequence[float]) -> list[float]:
    """Correct for many features (Benjamini and Hochberg 1995): the false discovery rate."""
    if not p_values:
        return []
    control = require("scipy.stats", "monitoring").false_discovery_control
    return [float(value) for value in control(np.asarray(p_values), method="bh")]
