"""One pandas column ↔ one Arrow array and a hint that brings its dtype back.

By default integers and booleans become numpy's dtypes, or pandas' nullable ones when there are
nulls (nothing is ever turned into floats); floats numpy's with NaN for null; text pandas' string
dtype; dictionaries categories; times ``datetime64``/``timedelta64``; everything else Python
objects. A dtype that differs from this is hinted:

``{"dtype": "Int64"}``              any dtype pandas reads from its own text
``{"string": ["python", "NA"]}``    storage and missing value of a string dtype
``{"arrow": true}``                 ``ArrowDtype``
``{"categories": hint}``            the hint of the categories' own dtype
``{"interval": "right", "of": hint}`` · ``{"period": "period[M]"}``
``{"objects": "ndarray"}``          Python objects; lists that are numpy arrays
``{"objects": "…", "null": "nan"}`` missing objects are NaN, not None
"""

import math
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from mlnb.core.errors import UnsupportedData

Hint = dict[str, Any] | None

_OBJECTS = (str, bytes, bool, int, float, Decimal, date, datetime, time, timedelta)
_NULLABLE = {
    "bool": "boolean",
    **{f"int{bits}": f"Int{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"UInt{bits}" for bits in (8, 16, 32, 64)},
}


def from_series(series: Any, name: str) -> tuple[Any, Hint]:
    """Return a column as an Arrow array, and its hint.

    Raises
    ------
    UnsupportedData
        If the values could not come back exactly.
    """
    dtype = series.dtype
    try:
        if isinstance(dtype, pd.CategoricalDtype):
            return _from_categories(series, name)
        if isinstance(dtype, pd.IntervalDtype):
            return _from_intervals(series, name)
        if isinstance(dtype, pd.PeriodDtype):
            ordinals = pa.array(series.array.asi8, pa.int64(), mask=np.asarray(series.isna()))
            return ordinals, {"period": str(dtype)}
        if dtype == np.dtype(object):
            return _from_objects(series, name)
        array = _one_chunk(_to_arrow(series, dtype))
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        raise _unsupported(name, dtype, str(error)) from None
    hint = _hint(array, dtype)
    if hint is not None and "dtype" in hint and pd.api.types.pandas_dtype(hint["dtype"]) != dtype:
        raise _unsupported(name, dtype, "pandas cannot name this dtype in text")
    return array, hint


def to_series(column: Any, hint: Hint, *, own: bool = False) -> Any:
    """Return the column that an Arrow array and a hint were made from.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        The values.
    hint : dict or None
        As `from_series` gave it.
    own : bool
        The values' memory is the caller's alone, and may become the column's.
    """
    hint = hint or {}
    if "arrow" in hint:
        return pd.Series(pd.arrays.ArrowExtensionArray(column), copy=False)
    if "string" in hint:
        storage, missing = hint["string"]
        text: Any = pd.StringDtype(storage, na_value=np.nan if missing == "nan" else pd.NA)
        return pd.Series(text.__from_arrow__(column), copy=False)
    if "period" in hint:
        ordinals = column.to_numpy() if not column.null_count else column.fill_null(_NAT).to_numpy()
        kind: Any = pd.api.types.pandas_dtype(hint["period"])
        return pd.Series(pd.arrays.PeriodArray(ordinals, dtype=kind), copy=False)
    if "interval" in hint:
        return _to_intervals(column, hint)
    if pa.types.is_dictionary(column.type):
        return _to_categories(column, hint.get("categories"))
    if "objects" in hint:
        return _to_objects(column, hint)
    series = _by_default(column, own)
    return series.astype(hint["dtype"]) if "dtype" in hint else series


_NAT = np.iinfo(np.int64).min


def _by_default(column: Any, own: bool = False) -> Any:
    kind = column.type
    if column.null_count and str(kind) in _NULLABLE:
        dtype: Any = pd.api.types.pandas_dtype(_NULLABLE[str(kind)])
        return pd.Series(dtype.__from_arrow__(column), copy=False)
    if pa.types.is_nested(kind) or _is_object(kind):
        return _to_objects(column, {})
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return pd.Series(_writable(column, np.dtype(kind.to_pandas_dtype()), own), copy=False)
    if (pa.types.is_timestamp(kind) and kind.tz is None) or pa.types.is_duration(kind):
        name = "datetime64" if pa.types.is_timestamp(kind) else "timedelta64"
        return pd.Series(_writable(column, np.dtype(f"{name}[{kind.unit}]"), own), copy=False)
    if pa.types.is_timestamp(kind) and not column.null_count:
        numbers = _writable(column, np.dtype(f"datetime64[{kind.unit}]"), own).view("i8")
        zoned = column.slice(0, 0).to_pandas().dtype  # whole numbers are read as in UTC, no copy
        return pd.Series(numbers, dtype=zoned, copy=False)
    return column.to_pandas().copy()


def _writable(column: Any, dtype: Any, own: bool) -> Any:
    """Return a column as an array that can be written to; what Arrow itself gives cannot."""
    if own and column.num_chunks == 1 and not column.null_count and dtype != np.bool_:
        chunk = column.chunk(0)
        data = chunk.buffers()[1]
        if data is not None and data.is_mutable:
            return np.frombuffer(data, dtype)[chunk.offset : chunk.offset + len(chunk)]
    made = np.empty(len(column), dtype)
    start = 0
    for chunk in column.chunks:
        made[start : start + len(chunk)] = chunk.to_numpy(zero_copy_only=False)
        start += len(chunk)
    return made


def _default_dtype(array: Any) -> Any:
    """Return the dtype that `_by_default` would give an array."""
    if array.null_count and str(array.type) in _NULLABLE:
        return pd.api.types.pandas_dtype(_NULLABLE[str(array.type)])
    if pa.types.is_dictionary(array.type):
        return array.slice(0, 0).to_pandas().dtype
    return _dtype_of(array.type)


@lru_cache(maxsize=256)
def _dtype_of(kind: Any) -> Any:
    return pa.array([], kind).to_pandas().dtype


def _to_arrow(series: Any, dtype: Any) -> Any:
    if isinstance(dtype, pd.SparseDtype):
        return pa.array(series.sparse.to_dense(), from_pandas=True)
    if isinstance(dtype, pd.StringDtype):
        return pa.array(series.array, pa.large_string(), from_pandas=True)
    if isinstance(dtype, pd.ArrowDtype):
        return series.array.__arrow_array__()
    if isinstance(dtype, pd.DatetimeTZDtype):
        naive = _from_numpy(series.array.asi8.view(f"M8[{dtype.unit}]"))  # in UTC, no copy
        return naive.view(pa.timestamp(dtype.unit, pa.lib.tzinfo_to_string(dtype.tz)))
    if isinstance(dtype, np.dtype):
        return _from_numpy(series.to_numpy())
    return pa.array(series)


def _from_numpy(values: Any) -> Any:
    """Return numbers or times as an Arrow array on the same memory; NaN and NaT are null."""
    kind = values.dtype
    if kind == np.bool_:  # eight times as quick as Arrow
        bits = pa.py_buffer(np.packbits(values, bitorder="little"))
        return pa.Array.from_buffers(pa.bool_(), len(values), [None, bits])
    if kind in (np.dtype("f4"), np.dtype("f8")):
        missing = np.isnan(values)
    elif kind.kind in "mM":
        missing = values.view("i8") == _NAT
    else:
        return pa.array(values, from_pandas=True)
    if not values.flags.c_contiguous:
        values = np.ascontiguousarray(values)
    bits = None
    if missing.any():
        bits = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    data = pa.py_buffer(values.view(f"i{kind.itemsize}"))
    return pa.Array.from_buffers(pa.from_numpy_dtype(kind), len(values), [bits, data])


def _one_chunk(array: Any) -> Any:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _hint(array: Any, dtype: Any) -> Hint:
    if isinstance(dtype, pd.ArrowDtype):
        return {"arrow": True}
    if dtype == _default_dtype(array) and str(dtype) not in _NULLABLE.values():
        return None  # but a nullable dtype is one also in rows that have no null
    if isinstance(dtype, pd.StringDtype):
        return {"string": [dtype.storage, "NA" if dtype.na_value is pd.NA else "nan"]}
    return {"dtype": str(dtype)}


# -- categories and intervals --------------------------------------------------------------------


def _from_categories(series: Any, name: str) -> tuple[Any, Hint]:
    values = series.array
    categories, hint = from_series(pd.Series(values.categories), name)
    codes = np.asarray(values.codes)
    missing = codes < 0
    indices = pa.array(codes, mask=missing) if missing.any() else pa.array(codes)
    array = pa.DictionaryArray.from_arrays(indices, categories, ordered=bool(values.ordered))
    return array, None if hint is None else {"categories": hint}


def _to_categories(column: Any, hint: Hint) -> Any:
    column = column.unify_dictionaries()
    chunk = column.chunk(0) if column.num_chunks == 1 else _one_chunk(column)
    categories = pd.Index(to_series(pa.chunked_array([chunk.dictionary]), hint))
    codes = np.asarray(chunk.indices.fill_null(-1) if chunk.null_count else chunk.indices)
    kind = pd.CategoricalDtype(categories, ordered=column.type.ordered)
    return pd.Series(pd.Categorical.from_codes(codes, dtype=kind), copy=False)


def _from_intervals(series: Any, name: str) -> tuple[Any, Hint]:
    values = series.array
    left, hint = from_series(pd.Series(values.left), name)
    right, _ = from_series(pd.Series(values.right), name)
    missing = pa.array(np.asarray(series.isna()))
    array = pa.StructArray.from_arrays([left, right], names=["left", "right"], mask=missing)
    return array, {"interval": series.dtype.closed, "of": hint or {}}


def _to_intervals(column: Any, hint: dict[str, Any]) -> Any:
    flat = _one_chunk(column)
    left, right = (to_series(pa.chunked_array([side]), hint["of"]) for side in flat.flatten())
    made = pd.arrays.IntervalArray.from_arrays(left, right, closed=hint["interval"])
    return pd.Series(made, copy=False)


# -- Python objects ------------------------------------------------------------------------------


def _from_objects(series: Any, name: str) -> tuple[Any, Hint]:
    values = list(series.array)
    missing = [value is None or value is pd.NA or _is_nan(value) for value in values]
    kinds = {type(value) for value, absent in zip(values, missing, strict=True) if not absent}
    if len(kinds) > 1:
        found = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise _unsupported(name, series.dtype, f"it mixes {found}")
    kind = next(iter(kinds), None)
    if kind not in (None, list, dict, np.ndarray, *_OBJECTS):
        raise _unsupported(name, series.dtype, f"it holds objects of {_full_name(kind)}")
    present = [None if gone else value for value, gone in zip(values, missing, strict=True)]
    array = _one_chunk(pa.array(present, pa.large_string() if kind is str else None))
    plain = [_as_list(value) for value in present] if kind in (list, np.ndarray) else present
    if kind not in (None, str, bytes, bool, int) and array.to_pylist() != plain:
        raise _unsupported(name, series.dtype, "its values would not come back as they are")
    hint = _objects_hint(array, kind, [v for v, gone in zip(values, missing, strict=True) if gone])
    return array, hint


def _objects_hint(array: Any, kind: Any, absent: list[Any]) -> Hint:
    hint: dict[str, Any] = {}
    if kind is np.ndarray:
        hint["objects"] = "ndarray"
    elif not (pa.types.is_nested(array.type) or _is_object(array.type)):
        hint["objects"] = "plain"  # by default it would get a dtype of its own
    if absent and all(_is_nan(value) for value in absent):
        hint = {"objects": hint.get("objects", "plain"), "null": "nan"}
    elif absent and all(value is pd.NA for value in absent):
        hint = {"objects": hint.get("objects", "plain"), "null": "NA"}
    return hint or None


def _to_objects(column: Any, hint: dict[str, Any]) -> Any:
    missing = {"nan": math.nan, "NA": pd.NA}.get(hint.get("null", ""))
    made = np.empty(len(column), dtype=object)
    if hint.get("objects") == "ndarray":
        kind = column.type.value_type.to_pandas_dtype()
        values = [None if item is None else np.asarray(item, kind) for item in column.to_pylist()]
    else:
        values = column.to_pylist()
    for place, value in enumerate(values):  # numpy would make lists of one length a matrix
        made[place] = missing if value is None else value
    return pd.Series(made, dtype=object, copy=False)


def _is_object(kind: Any) -> bool:
    """Tell whether an Arrow type becomes Python objects by default."""
    return bool(
        pa.types.is_date(kind)
        or pa.types.is_time(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_binary_view(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _as_list(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _full_name(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _unsupported(name: str, dtype: Any, reason: str) -> UnsupportedData:
    return UnsupportedData(
        f"Column {name!r} ({dtype}) cannot be stored exactly: {reason}.",
        "Convert it, for example with `.astype(str)`, or drop it.",
    )
