"""What each column of a table holds: nulls, distinct values, extremes, quantiles, histogram.

Computed once, when a version is saved. Nulls, extremes, mean and deviation are exact; the rest
is computed on all rows up to `SAMPLE` and on evenly spaced rows of a larger table, so that time
and memory are bounded.
"""

import math
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlnb.datasets.records import ColumnProfile, Histogram, Scalar, StoredProfile, TopValue
from mlnb.datasets.tables import Content

SAMPLE = 1_000_000
TOP = 5
BINS = 10
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_LONGEST = 80


def profile(content: Content, values: Any) -> StoredProfile:
    """Return the profile of a table.

    Parameters
    ----------
    content : Content
        The table, for its column types.
    values : pyarrow.Table
        Its plain form.
    """
    rows = values.num_rows
    sample = values
    if rows > SAMPLE:
        sample = values.take(pa.array(np.linspace(0, rows - 1, SAMPLE).astype(np.int64)))
    with ThreadPoolExecutor(max_workers=4) as pool:  # Arrow releases the GIL
        columns = list(
            pool.map(
                lambda item: _profile_column(item[0].name, item[0].type, item[1], item[2]),
                zip(content.columns, values.columns, sample.columns, strict=True),
            )
        )
    return StoredProfile(columns=columns, sampled=SAMPLE if rows > SAMPLE else None)


def _profile_column(name: str, type_name: str, column: Any, sample: Any) -> ColumnProfile:
    facts: dict[str, Any] = {}
    kind = column.type
    if not pa.types.is_nested(kind) and not pa.types.is_null(kind):
        comparable, sample = _comparable(column), _comparable(sample)
        facts.update(_frequencies(sample, kind))
        if _is_number(kind) or pa.types.is_temporal(kind):
            facts.update(_extremes(comparable, kind))
            facts.update(_shape(sample, kind))
        if _is_number(kind):
            facts.update(_moments(comparable))
    return ColumnProfile(name=name, type=type_name, nulls=int(column.null_count), **facts)


def _comparable(column: Any) -> Any:
    """Return a column in a type that Arrow can count and order."""
    if pa.types.is_float16(column.type):
        return column.cast(pa.float32())
    return column.cast(pa.int64()) if pa.types.is_duration(column.type) else column


def _frequencies(column: Any, kind: Any) -> dict[str, Any]:
    counted = pc.value_counts(column.drop_null())
    values, counts = counted.field("values"), counted.field("counts")
    order = np.argsort(-np.asarray(counts), kind="stable")[:TOP]
    top = [
        TopValue(value=_short(values[int(at)], kind), count=int(counts[int(at)].as_py()))
        for at in order
        if counts[int(at)].as_py() > 1 or len(counts) <= TOP
    ]
    return {"distinct": len(counts), "top": top}


def _extremes(column: Any, kind: Any) -> dict[str, Any]:
    found = pc.min_max(column)
    return {"minimum": _scalar(found["min"], kind), "maximum": _scalar(found["max"], kind)}


def _moments(column: Any) -> dict[str, Any]:
    finite = _finite(column)
    if not len(finite):
        return {}
    floats = finite.cast(pa.float64(), safe=False)
    mean, deviation = pc.mean(floats).as_py(), pc.stddev(floats).as_py()
    if not (math.isfinite(mean) and math.isfinite(deviation)):
        return {}
    return {"mean": mean, "deviation": deviation}


def _shape(column: Any, kind: Any) -> dict[str, Any]:
    """Return quantiles and histogram; quantiles are values that occur (type 3, nearest rank)."""
    finite = _finite(column)
    if not len(finite):
        return {}
    numbers = np.asarray(_as_numbers(finite, kind))
    places = [min(len(numbers) - 1, int(q * len(numbers))) for q in QUANTILES]
    order = pc.array_sort_indices(finite)
    quantiles = {
        str(q): _scalar(finite[order[place].as_py()], kind)
        for q, place in zip(QUANTILES, places, strict=True)
    }
    shape: dict[str, Any] = {"quantiles": quantiles}
    low, high = float(numbers.min()), float(numbers.max())
    if math.isfinite(high - low):
        shape["histogram"] = _histogram(numbers, low, high)
    return shape


def _histogram(numbers: Any, low: float, high: float) -> Histogram:
    edges = np.linspace(low, high, BINS + 1)
    if np.any(np.diff(edges) <= 0):  # one value, or too few floats between the extremes
        return Histogram(edges=[low, high], counts=[len(numbers)])
    counts = np.histogram(numbers, bins=edges)[0]
    return Histogram(edges=edges.tolist(), counts=counts.tolist())


def _finite(column: Any) -> Any:
    present = column.drop_null()
    if pa.types.is_floating(present.type):
        present = present.filter(pc.is_finite(present))
    return present.combine_chunks() if isinstance(present, pa.ChunkedArray) else present


def _as_numbers(column: Any, kind: Any) -> Any:
    """Return numbers as float64; times as seconds."""
    if pa.types.is_temporal(kind):
        if pa.types.is_date(kind):
            column = column.cast(pa.timestamp("ms"))
        unit = "ms" if pa.types.is_date(kind) else kind.unit
        whole = column.cast(pa.int64() if column.type.bit_width == 64 else pa.int32())
        return pc.divide(whole.cast(pa.float64(), safe=False), _PER_SECOND[unit])
    return column.cast(pa.float64(), safe=False)


_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def _scalar(value: Any, kind: Any) -> Scalar:
    """Return an Arrow scalar as a JSON value: numbers as they are, the rest as text."""
    if not value.is_valid:
        return None
    if pa.types.is_integer(kind):
        return int(value.as_py())
    if pa.types.is_floating(kind):
        number = float(value.as_py())
        return number if math.isfinite(number) else str(number)
    return _short(value, kind)


def _short(value: Any, kind: Any) -> str:
    """Return an Arrow scalar's text, cut to a length worth showing."""
    if pa.types.is_duration(kind):
        text = _duration(value.as_py() / _PER_SECOND[kind.unit])
    elif pa.types.is_temporal(kind):  # by Arrow: Python knows neither nanoseconds nor year 10,000
        text = re.sub(r"(\.\d*?)0+(?=$|Z|[+-])", r"\1", str(value.cast(pa.string())))
        text = re.sub(r"\.(?=$|Z|[+-])", "", text)
    else:
        text = str(value.as_py())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _duration(seconds: float) -> str:
    try:
        return str(timedelta(seconds=seconds))
    except OverflowError:
        return f"{seconds:g} s"


def _is_number(kind: Any) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )
