"""What each column of a table holds: nulls, distinct values, extremes, quantiles, histogram.

Computed once, when a version is saved, in a time that is small beside writing the data. Nulls,
extremes, mean and deviation are those of all rows. Quantiles, common values and histograms are
those of all rows up to `SAMPLE`, and of that many evenly spaced rows of a longer table; distinct
values are then counted where that is cheap, else estimated.
"""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlnb.datasets.difference.arrays import flat, numbers_of, taken, validity
from mlnb.datasets.moments import Moments, moments
from mlnb.datasets.records import ColumnProfile, Histogram, StoredProfile, TopValue
from mlnb.datasets.scalars import Numbers, numbers_in, short
from mlnb.datasets.tables import Content

SAMPLE = 10_000
"""Rows that order and frequency are computed on."""
CELLS = 2_000_000
"""Of a table of many columns fewer rows are taken: this many cells, but at least `FEWEST` rows."""
FEWEST = 2_000
TOP = 5
BINS = 10
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_RANGE = 2**18
"""Whole numbers within such a range are counted in a table with a place for each."""


def profile(content: Content, values: Any) -> StoredProfile:
    """Return the profile of a table.

    Parameters
    ----------
    content : Content
        The table, for its column types.
    values : pyarrow.Table
        Its plain form; dictionary columns may be kept as such.
    """
    rows = values.num_rows
    most = max(FEWEST, min(SAMPLE, CELLS // values.num_columns)) if SAMPLE >= FEWEST else SAMPLE
    chosen = None
    if rows > most:
        chosen = np.linspace(0, rows - 1, most).astype(np.int64)

    def one(item: tuple[Any, Any]) -> ColumnProfile:
        column, held = item
        return _profile_column(column.name, column.type, held, chosen)

    columns = [one(pair) for pair in zip(content.columns, values.columns, strict=True)]
    return StoredProfile(columns=columns, sampled=None if chosen is None else most)


def _profile_column(name: str, type_name: str, column: Any, chosen: Any) -> ColumnProfile:
    return ColumnProfile(
        name=name, type=type_name, nulls=int(column.null_count), **_facts(column, chosen)
    )


def _facts(column: Any, chosen: Any) -> dict[str, Any]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _dictionary_facts(column, chosen)
    if pa.types.is_nested(kind) or pa.types.is_null(kind):
        return {}
    if pa.types.is_boolean(kind):
        return _flag_facts(column)
    numbers = numbers_in(column)
    if numbers is not None:
        return _number_facts(column, numbers, chosen)
    if pa.types.is_decimal(kind):
        return _wide_decimal_facts(column, chosen)
    return _frequent(column, chosen)


# -- numbers and times ---------------------------------------------------------------------------


def _number_facts(column: Any, numbers: Numbers, chosen: Any) -> dict[str, Any]:
    present = [_present(numbers, chunk) for chunk in column.chunks if len(chunk)]
    known = Moments()
    for piece in present:
        known.merge(moments(piece))
    if not any(map(len, present)):
        return {"distinct": 0}
    if chosen is not None:
        sample = _present(numbers, taken(column, chosen))
    else:
        sample = present[0] if len(present) == 1 else np.concatenate(present)
    ordered = np.sort(sample)  # NaN comes last
    facts = _frequencies(ordered, numbers)
    if chosen is not None:
        facts |= _distinct(facts["distinct"], ordered, column, known, present)
    if known.low is not None:
        low, high = numbers.shown(np.array([known.low, known.high]))
        facts |= {"minimum": low, "maximum": high}
    if numbers.has_mean and known.finite and math.isfinite(known.deviation):
        facts |= {"mean": known.mean * numbers.unit, "deviation": known.deviation * numbers.unit}
    return facts | _shape(ordered, numbers)


def _present(numbers: Numbers, chunk: Any) -> Any:
    """Return the values that are not null."""
    values = numbers.of(chunk)
    valid = validity(chunk)
    return values if valid is None else values[valid]


def _runs(ordered: Any) -> tuple[Any, Any]:
    """Return where each different value begins in sorted numbers, and how often it occurs."""
    steps = ordered[1:] != ordered[:-1]
    if ordered.dtype.kind == "f" and len(ordered) and np.isnan(ordered[-1]):
        first = int(np.searchsorted(ordered, np.nan))
        steps[first:] = False  # NaN is one value
    starts = np.concatenate((np.zeros(min(1, len(ordered)), np.int64), np.flatnonzero(steps) + 1))
    return starts, np.diff(starts, append=len(ordered))


def _frequencies(ordered: Any, numbers: Numbers) -> dict[str, Any]:
    starts, counts = _runs(ordered)
    return {"distinct": len(starts), "top": _top(ordered, starts, counts, numbers)}


def _top(ordered: Any, starts: Any, counts: Any, numbers: Numbers) -> list[TopValue]:
    """Return the most frequent values; of many that occur once none is."""
    if len(counts) > TOP:
        often = np.flatnonzero(counts > 1)
        starts, counts = starts[often], counts[often]
    places = np.argsort(-counts, kind="stable")[:TOP]
    if not len(places):
        return []
    shown = numbers.shown(ordered[starts[places]])
    return [
        TopValue(value=str(value), count=int(count))
        for value, count in zip(shown, counts[places], strict=True)
    ]


def _distinct(
    seen: int, ordered: Any, column: Any, known: Moments, present: list[Any]
) -> dict[str, Any]:
    """Return how many different values all rows have: counted where cheap, else estimated."""
    rows = len(column) - column.null_count
    if known.increasing and known.finite == rows:
        return {"distinct": rows}
    if ordered.dtype.kind in "iu" and int(known.high) - int(known.low) < _RANGE:
        flags = np.zeros(int(known.high) - int(known.low) + 1, np.bool_)
        for piece in present:
            for start in range(0, len(piece), 65_536):
                flags[piece[start : start + 65_536].astype(np.int64) - int(known.low)] = True
        return {"distinct": int(np.count_nonzero(flags))}
    once = int(np.count_nonzero(_runs(ordered)[1] == 1))
    return {"distinct": estimated_distinct(rows, len(ordered), seen, once), "estimated": True}


def estimated_distinct(rows: int, sampled: int, seen: int, once: int) -> int:
    """Estimate how many different values a column has from those of some of its rows.

    The estimator ``Duj1`` of Haas and Stokes, "Estimating the number of classes in a finite
    population" (1998), which PostgreSQL's ``ANALYZE`` uses, too.

    Parameters
    ----------
    rows, sampled : int
        How many values there are, and how many were looked at.
    seen, once : int
        How many different ones were seen, and how many of them only once.
    """
    if not sampled:
        return 0
    estimate = sampled * seen / (sampled - once + once * sampled / rows)
    return max(seen, min(rows, round(estimate)))


def _shape(ordered: Any, numbers: Numbers) -> dict[str, Any]:
    """Return quantiles and histogram; quantiles are values that occur (type 3, nearest rank)."""
    if ordered.dtype.kind == "f":
        first = int(np.searchsorted(ordered, -np.inf, side="right"))
        ordered = ordered[first : int(np.searchsorted(ordered, np.inf))]
    if not len(ordered):
        return {}
    shown = numbers.shown(ordered[_ranks(len(ordered))])
    shape: dict[str, Any] = {"quantiles": dict(zip(map(str, QUANTILES), shown, strict=True))}
    floats = ordered.astype(np.float64) * numbers.unit if numbers.unit != 1 else ordered
    low, high = float(floats[0]), float(floats[-1])
    if math.isfinite(high - low):
        shape["histogram"] = _histogram(floats, low, high)
    return shape


def _ranks(count: int) -> list[int]:
    return [min(count - 1, int(q * count)) for q in QUANTILES]


def _histogram(ordered: Any, low: float, high: float) -> Histogram:
    edges = np.linspace(low, high, BINS + 1)
    if not (edges[1:] > edges[:-1]).all():  # one value, or too few floats between the extremes
        return Histogram(edges=[low, high], counts=[len(ordered)])
    ends = np.searchsorted(ordered.astype(np.float64), edges[1:-1])
    counts = np.diff(ends, prepend=0, append=len(ordered))
    return Histogram(edges=edges.tolist(), counts=counts.tolist())


# -- everything else -----------------------------------------------------------------------------


def _flag_facts(column: Any) -> dict[str, Any]:
    true = sum(int(np.count_nonzero(_flags(chunk))) for chunk in column.chunks if len(chunk))
    false = len(column) - column.null_count - true
    counts = [("True", true), ("False", false)]
    top = [TopValue(value=text, count=count) for text, count in counts if count]
    top.sort(key=lambda item: -item.count)
    return {"distinct": len(top), "top": top}


def _flags(chunk: Any) -> Any:
    values, valid = numbers_of(chunk), validity(chunk)
    return values if valid is None else values & valid


def _frequent(column: Any, chosen: Any) -> dict[str, Any]:
    """Return distinct and common values, for types that Arrow can count."""
    sample = column if chosen is None else taken(column, chosen)
    if sample.null_count:
        sample = sample.drop_null()
    counted = pc.value_counts(sample)
    values, counts = counted.field("values"), np.asarray(counted.field("counts"))
    facts = {"distinct": len(counts), "top": _top_of(values, counts)}
    if chosen is not None:
        rows, once = len(column) - column.null_count, int(np.count_nonzero(counts == 1))
        found = estimated_distinct(rows, len(sample), len(counts), once)
        facts |= {"distinct": found, "estimated": True}
    return facts


def _wide_decimal_facts(column: Any, chosen: Any) -> dict[str, Any]:
    """Return the facts of decimals with more digits than 64 bits hold: the order is Arrow's."""
    facts = _frequent(column, chosen)
    if column.null_count == len(column):
        return facts
    extremes = pc.min_max(column)
    facts |= {"minimum": short(extremes["min"]), "maximum": short(extremes["max"])}
    floats = column.cast(pa.float64(), safe=False)
    facts |= {"mean": pc.mean(floats).as_py(), "deviation": pc.stddev(floats).as_py()}
    sample = flat(column) if chosen is None else taken(column, chosen)
    ordered = sample.take(pc.array_sort_indices(sample)).drop_null()
    if not len(ordered):  # only rows that were not chosen have a value
        return facts
    shown = [short(ordered[place]) for place in _ranks(len(ordered))]
    facts["quantiles"] = dict(zip(map(str, QUANTILES), shown, strict=True))
    numbers = np.asarray(ordered.cast(pa.float64(), safe=False))
    return facts | {"histogram": _histogram(numbers, float(numbers[0]), float(numbers[-1]))}


def _dictionary_facts(column: Any, chosen: Any) -> dict[str, Any]:
    """Count the places in the dictionary, in all rows; numbers are profiled as numbers."""
    kind = column.type.value_type
    whole = flat(column)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        decoded = whole.dictionary.take(whole.indices)
        return _facts(pa.chunked_array([decoded]), chosen)
    places = whole.indices.drop_null() if whole.null_count else whole.indices
    counts = np.bincount(np.asarray(places), minlength=len(whole.dictionary))
    held = np.flatnonzero(counts)
    values = whole.dictionary.take(pa.array(held))
    return {"distinct": len(held), "top": _top_of(values, counts[held])}


def _top_of(values: Any, counts: Any) -> list[TopValue]:
    few = len(counts) <= TOP
    if not few:
        often = np.flatnonzero(counts > 1)
        places = often[np.argsort(-counts[often], kind="stable")[:TOP]]
    else:
        places = np.argsort(-counts, kind="stable")
    return [TopValue(value=short(values[int(at)].as_py()), count=int(counts[at])) for at in places]
