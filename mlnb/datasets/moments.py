"""Extremes, mean and deviation of many numbers in one pass, in pieces that can be merged."""

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

_BLOCK = 16_384
"""Numbers that are worked on at a time, so that they stay in the processor's cache."""


@dataclass
class Moments:
    """What is known of some numbers; NaN counts nowhere, infinities only as extremes.

    Means and squares are merged as in Chan, Golub and LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances" (1979), which loses no digits to large means.
    """

    finite: int = 0
    """How many are finite."""
    low: Any = None
    """The smallest, in the numbers' own type; None where there is none."""
    high: Any = None
    mean: float = 0.0
    squares: float = 0.0
    """Sum of the squared distances from the mean."""
    increasing: bool = True
    """Whether each is greater than the one before it (across merges, in their order)."""

    def merge(self, other: Self) -> None:
        """Add what is known of the numbers that follow."""
        self.increasing = (
            self.increasing
            and other.increasing
            and (self.high is None or other.low is None or bool(self.high < other.low))
        )
        if other.low is not None:
            self.low = other.low if self.low is None else min(self.low, other.low)
            self.high = other.high if self.high is None else max(self.high, other.high)
        if not other.finite:
            return
        if not self.finite:
            self.finite, self.mean, self.squares = other.finite, other.mean, other.squares
            return
        count = self.finite + other.finite
        step = other.mean - self.mean
        self.mean += step * (other.finite / count)
        self.squares += other.squares + step * step * (self.finite * other.finite / count)
        self.finite = count

    @property
    def deviation(self) -> float:
        """Return the standard deviation of the population."""
        return math.sqrt(self.squares / self.finite) if self.finite else math.nan


def moments(numbers: Any) -> Moments:
    """Return the moments of a numpy array of integers or floats."""
    found = Moments()
    with np.errstate(over="ignore", invalid="ignore"):  # seen in the result, and not finite there
        for start in range(0, len(numbers), _BLOCK):
            found.merge(_of_block(numbers[start : start + _BLOCK], ordered=found.increasing))
    return found


def _of_block(block: Any, *, ordered: bool) -> Moments:
    increasing = ordered and bool((block[1:] > block[:-1]).all())
    if block.dtype.kind == "f":
        floats = block if block.dtype.itemsize == 8 else block.astype(np.float64)
        total = float(floats.sum())
        if not math.isfinite(total):
            return _of_special(floats)
    else:
        floats = block.astype(np.float64)
        total = float(floats.sum())
    mean = total / len(block)
    apart = floats - mean
    apart *= apart  # a product by BLAS would start threads
    return Moments(
        finite=len(block),
        low=block.min(),
        high=block.max(),
        mean=mean,
        squares=float(apart.sum()),
        increasing=increasing,
    )


def _of_special(floats: Any) -> Moments:
    """Return the moments of floats among which some are not finite, or whose sum is not."""
    present = floats[~np.isnan(floats)]
    finite = present[np.isfinite(present)]
    if not len(present):
        return Moments(increasing=False)
    mean = float((finite / max(1, len(finite))).sum())
    apart = finite - mean
    apart *= apart
    return Moments(
        finite=len(finite),
        low=present.min(),
        high=present.max(),
        mean=mean if len(finite) else 0.0,
        squares=float(apart.sum()),
        increasing=False,
    )
