"""Columns as numbers to compute with, and single values as JSON and as short text.

Numbers, times and decimals of up to 18 digits are computed with as they lie in memory: times are
whole numbers of their unit, decimals of their last digit.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa

from mlnb.datasets.difference.arrays import numbers_of, raw_of, validity
from mlnb.datasets.records import Scalar

LONGEST = 80
"""Characters of a value that are shown."""
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


@dataclass(frozen=True)
class Numbers:
    """How a column's values are numbers."""

    of: Callable[[Any], Any]
    """Arrow array of the column → numpy numbers in the same order; those of nulls mean nothing."""
    shown: Callable[[Any], list[Scalar]]
    """Some of these numbers → JSON values: numbers as they are, times and decimals as text."""
    unit: float = 1
    """What one of them is in a histogram: of times, in seconds; of decimals, of the value."""
    has_mean: bool = True


def numbers_in(column: Any) -> Numbers | None:
    """Return how a column's values are numbers, or None where they are not.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Of a plain type.
    """
    kind = column.type
    if pa.types.is_float16(kind):
        return Numbers(lambda array: numbers_of(array).astype(np.float32), _floats)
    if pa.types.is_floating(kind):
        return Numbers(numbers_of, _floats)
    if pa.types.is_integer(kind):
        return Numbers(numbers_of, lambda numbers: numbers.tolist())
    if pa.types.is_temporal(kind):
        return Numbers(numbers_of, _times(kind), _seconds(kind), has_mean=False)
    if pa.types.is_decimal(kind) and all(_fits(chunk) for chunk in column.chunks):
        scale = kind.scale
        return Numbers(_digits, lambda numbers: _decimals(numbers, scale), 10.0**-scale)
    return None


def short(value: Any) -> str:
    """Return a Python value's text, cut to a length worth showing."""
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _floats(numbers: Any) -> list[Scalar]:
    return [one if math.isfinite(one) else str(one) for one in numbers.astype(float).tolist()]


def _times(kind: Any) -> Callable[[Any], list[Scalar]]:
    if pa.types.is_duration(kind):
        return lambda numbers: [_duration(one / _PER_SECOND[kind.unit]) for one in numbers.tolist()]

    def shown(numbers: Any) -> list[Scalar]:
        # By Arrow: Python knows neither nanoseconds nor the year 10,000.
        texts = pa.array(numbers).view(kind).cast(pa.string()).to_pylist()
        return [_without_zeros(text) for text in texts]

    return shown


def _without_zeros(text: str) -> str:
    if "." not in text:
        return text
    text = re.sub(r"(\.\d*?)0+(?=$|Z|[+-])", r"\1", text)
    return re.sub(r"\.(?=$|Z|[+-])", "", text)


def _duration(seconds: float) -> str:
    try:
        return str(timedelta(seconds=seconds))
    except OverflowError:
        return f"{seconds:g} s"


def _seconds(kind: Any) -> float:
    if pa.types.is_date(kind):
        return 86_400.0 if pa.types.is_date32(kind) else 1e-3
    return 1 / _PER_SECOND[kind.unit]


def _fits(chunk: Any) -> bool:
    """Tell whether every decimal of an array is its last 64 bits."""
    if chunk.type.bit_width <= 64 or (chunk.type.precision <= 18 and chunk.type.bit_width == 128):
        return True
    raw = raw_of(chunk).view(np.int64)
    valid = validity(chunk)
    raw = raw if valid is None else raw[valid]
    return bool((raw[:, 1:] == (raw[:, :1] >> 63)).all())


def _digits(chunk: Any) -> Any:
    raw = raw_of(chunk)
    if raw.ndim == 1:
        return raw.view(f"i{raw.itemsize}")
    return np.ascontiguousarray(raw).reshape(-1).view(np.int64)[:: raw.shape[1] // 8]


def _decimals(numbers: Any, scale: int) -> list[Scalar]:
    return [short(Decimal(one).scaleb(-scale)) for one in numbers.tolist()]


def texts(values: Any) -> list[str | None]:
    """Return the short text of each value of an Arrow array; None for null.

    Parameters
    ----------
    values : pyarrow.Array or pyarrow.ChunkedArray
        A few values, of any type.
    """
    kind = values.type
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        # By Arrow: Python knows neither nanoseconds nor the year 10,000.
        shown = values.cast(pa.string()).to_pylist()
        return [None if text is None else _without_zeros(text) for text in shown]
    if pa.types.is_duration(kind):
        seconds = values.cast(pa.int64()).to_pylist()
        unit = _PER_SECOND[kind.unit]
        return [None if one is None else _duration(one / unit) for one in seconds]
    found = values.to_pylist()
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):  # not with a double's digits
        number = kind.to_pandas_dtype()
        return [None if value is None else str(number(value)) for value in found]
    return [None if value is None else short(value) for value in found]
