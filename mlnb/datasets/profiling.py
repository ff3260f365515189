"""What each column of a table holds: nulls, distinct values, extremes, quantiles, histogram.

Computed once, when a version is saved. Nulls, extremes, mean and deviation are exact; the rest
is computed on all rows up to `SAMPLE` and on evenly spaced rows of a larger table, so that time
and memory are bounded.
"""

import math
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlnb.datasets.records import ColumnProfile, Histogram, Scalar, StoredProfile, TopValue
from mlnb.datasets.tables import Content

SAMPLE = 1_000_000
TOP = 5
BINS = 12
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
        facts.update(_frequencies(sample))
        if _is_number(kind) or pa.types.is_temporal(kind):
            facts.update(_extremes(column))
            facts.update(_shape(sample))
        if _is_number(kind):
            facts.update(_moments(column))
    return ColumnProfile(name=name, type=type_name, nulls=int(column.null_count), **facts)


def _frequencies(column: Any) -> dict[str, Any]:
    counted = pc.value_counts(column.drop_null())
    values, counts = counted.field("values"), counted.field("counts")
    order = np.argsort(-np.asarray(counts), kind="stable")[:TOP]
    top = [
        TopValue(value=_short(values[int(at)]), count=int(counts[int(at)].as_py()))
        for at in order
        if counts[int(at)].as_py() > 1 or len(counts) <= TOP
    ]
    return {"distinct": len(counts), "top": top}


def _extremes(column: Any) -> dict[str, Any]:
    found = pc.min_max(column)
    return {"minimum": _scalar(found["min"]), "maximum": _scalar(found["max"])}


def _moments(column: Any) -> dict[str, Any]:
    finite = _finite(column)
    if not len(finite):
        return {}
    floats = finite.cast(pa.float64(), safe=False)
    mean, deviation = pc.mean(floats).as_py(), pc.stddev(floats).as_py()
    if not (math.isfinite(mean) and math.isfinite(deviation)):
        return {}
    return {"mean": mean, "deviation": deviation}


def _shape(column: Any) -> dict[str, Any]:
    """Return quantiles and histogram; quantiles are values that occur (type 3, nearest rank)."""
    finite = _finite(column)
    if not len(finite):
        return {}
    numbers = np.asarray(_as_numbers(finite))
    places = [min(len(numbers) - 1, int(q * len(numbers))) for q in QUANTILES]
    order = pc.array_sort_indices(finite)
    quantiles = {
        str(q): _scalar(finite[order[place].as_py()])
        for q, place in zip(QUANTILES, places, strict=True)
    }
    shape: dict[str, Any] = {"quantiles": quantiles}
    low, high = float(numbers.min()), float(numbers.max())
    if math.isfinite(high - low):
        bins = BINS if high > low else 1
        counts, edges = np.histogram(numbers.astype(np.float64), bins=bins)
        shape["histogram"] = Histogram(
            edges=[float(edge) for edge in edges], counts=[int(count) for count in counts]
        )
    return shape


def _finite(column: Any) -> Any:
    present = column.drop_null()
    if pa.types.is_floating(present.type):
        present = present.filter(pc.is_finite(present))
    return present.combine_chunks() if isinstance(present, pa.ChunkedArray) else present


def _as_numbers(column: Any) -> Any:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return pc.divide(
            column.cast(pa.int64()).cast(pa.float64(), safe=False), _PER_SECOND[kind.unit]
        )
    if pa.types.is_duration(kind) or pa.types.is_time(kind):
        whole = column.cast(pa.int64() if kind.bit_width == 64 else pa.int32())
        return pc.divide(whole.cast(pa.float64(), safe=False), _PER_SECOND[kind.unit])
    if pa.types.is_date(kind):
        return pc.divide(
            column.cast(pa.timestamp("ms")).cast(pa.int64()).cast(pa.float64(), safe=False), 1e3
        )
    return column.cast(pa.float64(), safe=False)


_PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def _scalar(value: Any) -> Scalar:
    """Return an Arrow scalar as a JSON value: numbers as they are, the rest as text."""
    if not value.is_valid:
        return None
    if pa.types.is_integer(value.type):
        return int(value.as_py())
    if pa.types.is_floating(value.type):
        number = float(value.as_py())
        return number if math.isfinite(number) else str(number)
    if pa.types.is_decimal(value.type):
        return str(value.as_py())
    return _short(value)


def _short(value: Any) -> str:
    """Return an Arrow scalar's text, cut to a length worth showing."""
    if pa.types.is_timestamp(value.type) and value.type.unit == "ns":
        text = str(value.cast(pa.timestamp("us", value.type.tz), safe=False).as_py())
    else:
        plain = value.as_py()
        text = plain.isoformat(" ") if isinstance(plain, datetime) else str(plain)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _is_number(kind: Any) -> bool:
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )
