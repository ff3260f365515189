"""Values of every type that can be saved, a pool per type: tables are drawn from them by place.

A pool has the values that break things (extremes, NaN, infinities, both zeros, empty and long
text, nulls) and few of them, so that edits hit equal values, too.
"""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

TEXT = ["a", None, "", "ü\n<b>", "a" * 300, "0"]
DAY = dt.date(2020, 1, 1)
DAYS = [DAY, None, dt.date(1900, 1, 1), dt.date(2100, 12, 31)]
CLOCK = [dt.time(1, 2, 3, 4), None, dt.time(4), dt.time(23, 59, 59, 999_999)]
ISO = pd.to_datetime(["2020-01-01", None, "2021-05-05 01:02:03", "1969-12-31"], format="ISO8601")
SPANS = pd.to_timedelta(["1s", None, "3D", "-4s"])
MONEY = [Decimal("1.20"), None, Decimal("-3.00"), Decimal("0.00")]
REALS = [1.5, np.nan, -np.inf, np.inf, -0.0, 0.0, 0.1 + 0.2, 5e-324, 1e300]
NUMBERS = pa.list_(pa.int64())
UNITS = ("s", "ms", "us", "ns")
WIDTHS = (8, 16, 32, 64)


def _objects(*values: Any) -> pd.Series:
    series = pd.Series([None] * len(values), dtype=object)
    for at, value in enumerate(values):
        series.iat[at] = value
    return series


def _extremes(kind: str) -> list[int]:
    limits = np.iinfo(kind.lower())
    return [0, 1, 7, int(limits.min), int(limits.max)]


PANDAS: dict[str, pd.Series] = {
    name: pd.Series(values).reset_index(drop=True)
    for name, values in {
        **{
            kind: pd.Series(_extremes(kind), dtype=kind)
            for bits in WIDTHS
            for kind in (f"int{bits}", f"uint{bits}")
        },
        **{
            kind: pd.array([*_extremes(kind), None], dtype=kind)
            for bits in WIDTHS
            for kind in (f"Int{bits}", f"UInt{bits}")
        },
        "bool": pd.Series([True, False]),
        "boolean": pd.array([True, None, False], dtype="boolean"),
        "float16": pd.Series([1.5, np.nan, np.inf, -0.0, 0.0], dtype="float16"),
        "float32": pd.Series([1.5, np.nan, np.inf, -0.0, 0.0, 1e-45], dtype="float32"),
        "float64": pd.Series(REALS),
        "Float32": pd.array([1.5, None, 3, -0.0, 0.0], dtype="Float32"),
        "Float64": pd.array([1.5, None, 1e300, -0.0, 0.0], dtype="Float64"),
        "str": pd.Series(TEXT, dtype="str"),
        "string": pd.Series(TEXT, dtype="string"),
        "string in Python": pd.Series(TEXT, dtype=pd.StringDtype("python")),
        "text objects": _objects(*TEXT),
        "dates": _objects(*DAYS),
        "times of day": _objects(*CLOCK),
        "decimals": _objects(*MONEY),
        "bytes": _objects(b"a", None, b"", b"\x00\xff" * 50),
        "lists": _objects([1, 2], [7], [], [3]),
        "lists of text": _objects(["a", "b"], [""], ["c"]),
        "dicts": _objects({"a": 1, "b": "x"}, {"a": 2, "b": ""}, {"a": -1, "b": "ü"}),
        **{f"datetime64[{u}]": pd.Series(ISO).astype(f"datetime64[{u}]") for u in UNITS},
        **{f"timedelta64[{u}]": pd.Series(SPANS).astype(f"timedelta64[{u}]") for u in UNITS},
        "nanoseconds": pd.Series(pd.to_datetime([1, 1577836800123456789, None, -1], unit="ns")),
        "New York": pd.Series(ISO).dt.tz_localize("America/New_York"),
        "offset": pd.Series(ISO).dt.tz_localize("+05:30"),
        "category": pd.Categorical(["b", None, "a"], categories=["z", "b", "a"]),
        "ordered category": pd.Categorical(["b", None, "a"], ["z", "b", "a"], ordered=True),
        "category of numbers": pd.Categorical([3, None, 1], categories=[5, 3, 1]),
        "category of times": pd.Categorical(ISO),
        "cut": pd.cut(pd.Series([1, 2, 3, 9]), [0, 2, 5]),
        "interval": pd.arrays.IntervalArray.from_tuples([(0, 1), None, (1, 2)], closed="left"),
        "interval of times": pd.arrays.IntervalArray.from_breaks(pd.date_range("2020", periods=4)),
        "period": pd.PeriodIndex(["2020-01", "2020-02", None], freq="M"),
        "sparse": pd.arrays.SparseArray([0, 0, 1, 5]),
        "arrow integers": pd.array([1, None, 3], dtype="int64[pyarrow]"),
        "arrow text": pd.Series(TEXT, dtype=pd.ArrowDtype(pa.string())),
        "arrow lists": pd.Series(
            [[1], None, [2, 3], []], dtype=pd.ArrowDtype(pa.list_(pa.int64()))
        ),
        "arrow times": pd.Series(ISO, dtype=pd.ArrowDtype(pa.timestamp("ms", "UTC"))),
        "arrow decimals": pd.Series(MONEY, dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
    }.items()
}

INDEXES: dict[str, pd.Index] = {
    "text": pd.Index(["b", "a", "d", ""], name="key"),
    "nullable": pd.Index(pd.array([1, None, 3], dtype="Int64")),
    "objects": pd.Index([DAY, dt.date(2021, 1, 1)], dtype=object),
    "times": pd.DatetimeIndex(["2020-01-01", "2020-01-05", None], tz="Europe/Rome", name="day"),
    "durations": pd.TimedeltaIndex(["1h", "2h", "-1s"]),
    "periods": pd.period_range("2020-01", periods=4, freq="Q"),
    "intervals": pd.interval_range(0, 4),
    "categories": pd.CategoricalIndex(["a", "b", None], categories=["b", "a"], ordered=True),
    "two levels": pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None]),
    "named like a column": pd.Index([1, 2, 3, 4], name="c0"),
}

ARROW: dict[str, pa.Array] = {
    "null": pa.nulls(2),
    "bool": pa.array([True, None, False]),
    **{
        kind: pa.array([*_extremes(kind), None], getattr(pa, kind)())
        for bits in WIDTHS
        for kind in (f"int{bits}", f"uint{bits}")
    },
    "half": pa.array(np.array([1.5, -0.0, 0.0, np.nan], np.float16)),
    "float": pa.array([1.5, None, float("nan"), -0.0, 0.0], pa.float32()),
    "double": pa.array([1.5, None, float("nan"), float("inf"), -0.0, 0.0]),
    "string": pa.array(TEXT, pa.string()),
    "large_string": pa.array(TEXT, pa.large_string()),
    "string_view": pa.array(TEXT, pa.string_view()),
    "binary": pa.array([b"a", None, b"", b"\x00" * 40], pa.binary()),
    "fixed": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "date32": pa.array(DAYS, pa.date32()),
    "date64": pa.array(DAYS, pa.date64()),
    "time32": pa.array([1, None, 2], pa.time32("s")),
    "time64": pa.array([1, None, 86_399_999_999_999], pa.time64("ns")),
    **{f"timestamp {u}": pa.array([1, None, -1, 10**9 + 1], pa.timestamp(u)) for u in UNITS},
    "timestamp Rome": pa.array([1, None, -1], pa.timestamp("s", "Europe/Rome")),
    **{f"duration {u}": pa.array([1, None, -1], pa.duration(u)) for u in UNITS},
    "decimal": pa.array(MONEY),
    "decimal256": pa.array([Decimal(10**50), None, Decimal(1)], pa.decimal256(60)),
    "list": pa.array([[1, None], None, [], [2]]),
    "large_list": pa.array([["a"], None, [], ["b", None]], pa.large_list(pa.string())),
    "fixed list": pa.array([[1, 2], None, [3, None]], pa.list_(pa.int64(), 2)),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}]),
    "nested": pa.array([[{"a": [1]}], None, [None], [{"a": None}]]),
    "map": pa.array([[("a", 1)], None, [], [("b", None)]], pa.map_(pa.string(), pa.int64())),
    "dictionary": pa.DictionaryArray.from_arrays(pa.array([1, None, 0]), ["z", "y", "unused"]),
    "ordered": pa.DictionaryArray.from_arrays(
        pa.array([1, None, 0, 1], pa.int8()), pa.array([5, 3, 1]), ordered=True
    ),
    "uuid": pa.array([b"0" * 16, None, b"1" * 16], pa.uuid()),
}

POLARS: dict[str, pl.Series] = {
    "int": pl.Series([1, None, -(2**63)]),
    "uint8": pl.Series([1, None, 255], dtype=pl.UInt8),
    "float": pl.Series([1.5, None, float("nan"), -0.0, 0.0]),
    "float32": pl.Series([1.5, None, float("inf")], dtype=pl.Float32),
    "text": pl.Series(TEXT),
    "categorical": pl.Series(["b", None, "a"], dtype=pl.Categorical),
    "enum": pl.Series(["b", None, "a"], dtype=pl.Enum(["z", "b", "a"])),
    "date": pl.Series(DAYS),
    "datetime": pl.Series(
        [dt.datetime(2020, 1, 1, 1), None, dt.datetime(1950, 1, 1)],
        dtype=pl.Datetime("ns", "Europe/Rome"),
    ),
    "milliseconds": pl.Series([dt.datetime(2020, 1, 1, 1), None], dtype=pl.Datetime("ms")),
    "time": pl.Series(CLOCK),
    "duration": pl.Series([dt.timedelta(1), None, dt.timedelta(seconds=-2)]),
    "decimal": pl.Series(["1.20", None, "3.00"]).cast(pl.Decimal(10, 2)),
    "binary": pl.Series([b"a", None, b""]),
    "list": pl.Series([[1], None, []]),
    "array": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int64, 2)),
    "struct": pl.Series([{"a": 1, "b": "x"}, {"a": None, "b": None}, {"a": 2, "b": "y"}]),
    "null": pl.Series([None, None]),
    "bool": pl.Series([True, None, False]),
}
