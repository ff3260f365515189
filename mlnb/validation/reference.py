"""What one feature looked like in the reference data, prepared once to be compared often.

The population stability index is ``Σ (a − e) · ln(a / e)`` over bins, with ``e`` the reference's
and ``a`` the served data's share of a bin (Siddiqi 2006, *Credit Risk Scorecards*; it is the
symmetric divergence of Jeffreys 1946 and of Kullback and Leibler 1951). Bins of a number are the
reference's deciles, or its values when there are at most ten; bins of a category are its
categories, with those below 1 % of the reference and those it has never seen together as one.
Missing is a bin of its own. Shares below 0.0001 count as that, so that an empty bin weighs much
but not infinitely.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlnb.validation.significance import Test, chi_squared, kolmogorov_smirnov

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]

BINS = 10
RARE = 0.01
"""Categories with a smaller share of the reference are taken together."""
FLOOR = 1e-4


@dataclass(frozen=True)
class Comparison:
    """One feature of served data against the reference."""

    psi: float
    test: Literal["ks", "chi2"]
    statistic: float
    p_value: float


def psi(expected: Array, actual: Array) -> float:
    """Return the population stability index of two vectors of counts over the same bins."""
    share = np.maximum(expected / expected.sum(), FLOOR)
    served = np.maximum(actual / actual.sum(), FLOOR)
    return float(np.sum((served - share) * np.log(served / share)))


@dataclass(frozen=True)
class NumericReference:
    """A number's bins, and its values sorted for the Kolmogorov–Smirnov test."""

    edges: Array
    """Upper edges, inclusive, of all bins but the last."""
    counts: Array
    """Rows per bin; the last is the missing ones."""
    ordered: Array

    kind: Literal["numeric"] = "numeric"

    def compare(self, values: "pd.Series[Any]") -> Comparison:
        """Compare served values."""
        served = numbers(values)
        known = np.sort(served[~np.isnan(served)])
        missing = len(served) - len(known)
        counts = _binned(known, self.edges, missing)
        result: Test = kolmogorov_smirnov(self.ordered, int(self.counts[-1]), known, missing)
        return Comparison(psi(self.counts, counts), "ks", result.statistic, result.p_value)


@dataclass(frozen=True)
class CategoricalReference:
    """A category's common values and how often they occur."""

    common: list[str]
    counts: Array
    """Rows per common value, then of all others, then missing."""

    kind: Literal["categorical"] = "categorical"

    def compare(self, values: "pd.Series[Any]") -> Comparison:
        """Compare served values."""
        counts = _tallied(values, self.common)
        result: Test = chi_squared(self.counts, counts)
        return Comparison(psi(self.counts, counts), "chi2", result.statistic, result.p_value)


Reference = NumericReference | CategoricalReference


def prepare(values: "pd.Series[Any]") -> Reference:
    """Prepare a column of the reference data."""
    import pandas as pd

    kind = values.dtype
    numeric = pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
    if numeric or pd.api.types.is_datetime64_any_dtype(kind):
        every = numbers(values)
        ordered = np.sort(every[~np.isnan(every)])
        edges = _edges(ordered)
        counts = _binned(ordered, edges, len(every) - len(ordered))
        return NumericReference(edges, counts, ordered)
    shares = values.value_counts(normalize=True, dropna=True)
    common = sorted(str(name) for name in shares.index[shares >= RARE])
    return CategoricalReference(common, _tallied(values, common))


def numbers(values: "pd.Series[Any]") -> Array:
    """Return a column as floats, missing as NaN; times as seconds, words as missing."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        seconds = pd.to_datetime(values, utc=True).dt.tz_localize(None)
        known = seconds.to_numpy(dtype="datetime64[us]")
        return np.where(np.isnat(known), np.nan, known.astype("int64") / 1e6)
    if not pd.api.types.is_numeric_dtype(values.dtype):
        values = pd.to_numeric(values, errors="coerce")
    return values.to_numpy(dtype=float, na_value=np.nan)


def _edges(ordered: Array) -> Array:
    """Return inclusive upper edges: of deciles, or of the values when there are few."""
    if not len(ordered):
        return np.empty(0)
    distinct = np.unique(ordered)
    if len(distinct) <= BINS:
        return distinct[:-1]
    ranks = -(-len(ordered) * np.arange(1, BINS) // BINS)  # rounded up, in whole numbers
    edges = ordered[ranks - 1]
    # the largest value is no edge: a mass there is a bin, set off from what lies below it
    return np.unique(np.where(edges == distinct[-1], distinct[-2], edges))


def _binned(known: Array, edges: Array, missing: int) -> Array:
    """Count sorted values per bin; missing come last."""
    upto = np.searchsorted(known, edges, side="right")
    bounds = np.concatenate([[0], upto, [len(known)]])
    return np.append(np.diff(bounds), missing).astype(float)


def _tallied(values: "pd.Series[Any]", common: list[str]) -> Array:
    counts = values.value_counts(dropna=True)
    by_name: dict[str, int] = {}
    for name, count in zip(counts.index, counts, strict=True):
        by_name[str(name)] = by_name.get(str(name), 0) + int(count)
    known = [by_name.get(name, 0) for name in common]
    total = int(counts.sum())
    return np.array([*known, total - sum(known), len(values) - total], dtype=float)
