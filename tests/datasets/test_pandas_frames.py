"""A pandas frame comes back as it was: every dtype, index and label."""

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import pandas as pdst

from mlnb import datasets
from mlnb.core.errors import UnsupportedData

TEXT = ["a", None, "", "ü\n<b>"]
TIMES = ["2020-01-01", None, "2021-05-05 01:02:03", "2022-01-01"]
ISO = pd.to_datetime(TIMES, format="ISO8601")
OLD = ["2020-01-01", "2021-01-01", "2020-01-01", None]


def objects(*values: Any) -> pd.Series:
    series = pd.Series([None] * len(values), dtype=object)
    for at, value in enumerate(values):
        series.iat[at] = value
    return series


COLUMNS: dict[str, Any] = {
    **{
        kind: pd.Series([0, 1, 2, np.iinfo(kind).max], dtype=kind)
        for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
    },
    **{
        kind: pd.Series([0, None, 2, 100], dtype=kind)
        for kind in ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
    },
    "Int64 beyond float": pd.Series([2**62 + 1, None, -(2**62) - 1, 0], dtype="Int64"),
    "Int64 without nulls": pd.Series([1, 2, 3, 4], dtype="Int64"),
    "bool": pd.Series([True, False, False, True]),
    "boolean": pd.Series([True, None, False, True], dtype="boolean"),
    "boolean without nulls": pd.Series([True, True, False, True], dtype="boolean"),
    "float16": pd.Series([1.5, np.nan, 3, 4], dtype="float16"),
    "float32": pd.Series([1.5, np.nan, np.inf, -0.0], dtype="float32"),
    "float64": pd.Series([1.5, np.nan, -np.inf, 0.1 + 0.2]),
    "Float32": pd.Series([1.5, None, 3, 4], dtype="Float32"),
    "Float64": pd.Series([1.5, None, 3, 4], dtype="Float64"),
    "str": pd.Series(TEXT, dtype="str"),
    "string": pd.Series(TEXT, dtype="string"),
    "string in Python": pd.Series(TEXT, dtype=pd.StringDtype("python")),
    "str in Python": pd.Series(TEXT, dtype=pd.StringDtype("python", na_value=np.nan)),
    "text objects": objects(*TEXT),
    "text objects, NaN": objects("a", np.nan, "", "b"),
    "text objects, NA": objects("a", pd.NA, "", "b"),
    "dates": objects(dt.date(2020, 1, 1), None, dt.date(1900, 1, 1), dt.date(2100, 1, 1)),
    "times of day": objects(dt.time(1, 2, 3, 4), None, dt.time(4), dt.time(5)),
    "decimals": objects(Decimal("1.20"), None, Decimal("-3.00"), Decimal("3.01")),
    "bytes": objects(b"a", None, b"", b"\x00\xff"),
    "integer objects": objects(1, 2, 3, 4),
    "boolean objects": objects(True, None, False, True),
    "float objects": objects(1.5, None, 2.0, -1.0),
    "nothing": objects(None, None, None, None),
    "lists": objects([1, 2], None, [], [3]),
    "lists of text": objects(["a", "b"], [""], None, ["c"]),
    "arrays": objects(
        np.array([1.0, 2.0], "float32"), None, np.array([], "float32"), np.ones(2, "f4")
    ),
    "dicts": objects({"a": 1}, None, {"a": 2}, {"a": None}),
    **{
        f"datetime64[{unit}]": pd.Series(ISO).astype(f"datetime64[{unit}]")
        for unit in ("s", "ms", "us", "ns")
    },
    **{
        f"timedelta64[{unit}]": pd.Series(pd.to_timedelta(["1s", None, "3D", "-4s"])).astype(
            f"timedelta64[{unit}]"
        )
        for unit in ("s", "ms", "us", "ns")
    },
    "nanoseconds": pd.Series(pd.to_datetime([1, 1577836800123456789, None, -1], unit="ns")),
    "New York": pd.Series(ISO).astype("datetime64[ns]").dt.tz_localize("America/New_York"),
    "UTC": pd.Series(ISO).dt.tz_localize("UTC"),
    "offset": pd.Series(ISO).dt.tz_localize("+05:30"),
    "category": pd.Categorical(["b", None, "a", "b"], categories=["z", "b", "a"]),
    "ordered category": pd.Categorical(
        ["b", None, "a", "b"], categories=["z", "b", "a"], ordered=True
    ),
    "category of numbers": pd.Categorical([3, None, 1, 3], categories=[5, 3, 1]),
    "category of times": pd.Categorical(pd.to_datetime(OLD)),
    "category of objects": pd.Categorical(objects("b", None, "a", "b")),
    "category of nullable": pd.Categorical(pd.array([1, 2, None, 1], dtype="Int64")),
    "category of floats": pd.Categorical([1.5, 2.5, None, 1.5]),
    "category of booleans": pd.Categorical([True, False, None, True]),
    "category without values": pd.Categorical([None] * 4, categories=["a", "b"]),
    "cut": pd.cut(pd.Series([1, 2, 3, 9]), [0, 2, 5]),
    "interval": pd.arrays.IntervalArray.from_tuples([(0, 1), None, (1, 2), (2, 4)], closed="left"),
    "interval of times": pd.arrays.IntervalArray.from_breaks(pd.date_range("2020", periods=5)),
    "period": pd.Series(pd.PeriodIndex(["2020-01", "2020-02", None, "2021-01"], freq="M")),
    "sparse": pd.arrays.SparseArray([0, 0, 1, 0]),
    "arrow integers": pd.Series([1, None, 3, 4], dtype="int64[pyarrow]"),
    "arrow text": pd.Series(TEXT, dtype=pd.ArrowDtype(pa.string())),
    "arrow lists": pd.Series([[1], None, [2, 3], []], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "arrow times": pd.Series(ISO, dtype=pd.ArrowDtype(pa.timestamp("ms", "UTC"))),
    "arrow decimals": pd.Series(
        [Decimal("1.2"), None, Decimal("0.1"), Decimal("9.9")],
        dtype=pd.ArrowDtype(pa.decimal128(5, 2)),
    ),
}

INDEXES: dict[str, pd.Index] = {
    "range": pd.RangeIndex(4),
    "named range": pd.RangeIndex(4, name="row"),
    "other range": pd.RangeIndex(10, 2, -2),
    "numbers": pd.Index([7, 3, 3, 1]),
    "numbers like a range": pd.Index([0, 1, 2, 3]),
    "text": pd.Index(["b", "a", "d", "c"], name="key"),
    "nullable": pd.Index(pd.array([1, None, 3, 4], dtype="Int64")),
    "objects": pd.Index([dt.date(2020, 1, 1)] * 4, dtype=object),
    "times": pd.DatetimeIndex(["2020-01-01", "2020-01-05", None, "2020-01-02"]),
    "daily": pd.date_range("2020-01-01", periods=4, freq="D", tz="Europe/Rome", name="day"),
    "business days": pd.date_range("2020-01-01", periods=4, freq="B"),
    "durations": pd.timedelta_range("1h", periods=4, freq="h"),
    "periods": pd.period_range("2020-01", periods=4, freq="Q"),
    "intervals": pd.interval_range(0, 4),
    "categories": pd.CategoricalIndex(["a", "b", "a", None], categories=["b", "a"], ordered=True),
    "two levels": pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", None]),
    "name of a column": pd.Index([1, 2, 3, 4], name="value"),
    "number for a name": pd.Index(["a", "b", "c", "d"], name=0),
}

LABELS: dict[str, pd.Index] = {
    "text": pd.Index(["a", "b"]),
    "named": pd.Index(["a", "b"], name="kind"),
    "hostile": pd.Index(["<script>alert(1)</script>", "a/b\\c\n'\""]),
    "range": pd.RangeIndex(2),
    "numbers": pd.Index([5, 3]),
    "objects": pd.Index(["a", "b"], dtype=object),
    "mixed objects": pd.Index(["a", "b"], dtype="string"),
    "times": pd.date_range("2020", periods=2),
    "levels": pd.MultiIndex.from_tuples([("a", 1), ("b", 2)], names=["letter", "number"]),
}


def round_trip(frame: pd.DataFrame, **options: Any) -> pd.DataFrame:
    loaded: pd.DataFrame = datasets.load(datasets.save(frame, "data").ref, **options)
    return loaded


def assert_same(found: pd.DataFrame, frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(
        found,
        frame,
        check_exact=True,
        check_freq=True,
        check_column_type="exact",
        check_index_type="exact",
    )
    for name in range(frame.shape[1]):
        made, given = found.iloc[:, name], frame.iloc[:, name]
        assert made.dtype == given.dtype
        if given.dtype == object:
            assert [type(value) for value in made] == [type(value) for value in given]


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_every_dtype_comes_back(kind: str) -> None:
    frame = pd.DataFrame({"value": COLUMNS[kind]})
    assert_same(round_trip(frame), frame)


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_without_rows_comes_back(kind: str) -> None:
    frame = pd.DataFrame({"value": COLUMNS[kind]}).iloc[:0]
    assert_same(round_trip(frame), frame)


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_column_of_nulls_comes_back(kind: str) -> None:
    frame = pd.DataFrame({"value": COLUMNS[kind]})
    frame = frame[frame["value"].isna()]
    assert_same(round_trip(frame), frame)


@pytest.mark.parametrize("kind", INDEXES)
def test_every_index_comes_back(kind: str) -> None:
    frame = pd.DataFrame({"value": [1, 2, 3, 4], "other": ["a", "b", "c", None]}, INDEXES[kind])
    assert_same(round_trip(frame), frame)


@pytest.mark.parametrize("kind", INDEXES)
def test_a_selection_of_columns_keeps_the_index(kind: str) -> None:
    frame = pd.DataFrame({"value": [1, 2, 3, 4], "other": ["a", "b", "c", None]}, INDEXES[kind])
    assert_same(round_trip(frame, columns=["other"]), frame[["other"]])


@pytest.mark.parametrize("kind", LABELS)
def test_all_column_labels_come_back(kind: str) -> None:
    frame = pd.DataFrame([[1, "a"], [2, "b"]])
    frame.columns = LABELS[kind]
    assert_same(round_trip(frame), frame)


def test_columns_come_in_the_order_asked_for() -> None:
    frame = pd.DataFrame(COLUMNS)
    chosen = ["nanoseconds", "Int64", "ordered category", "str"]
    assert_same(round_trip(frame, columns=chosen), frame[chosen])


def test_a_frame_of_everything_comes_back() -> None:
    frame = pd.DataFrame(COLUMNS, index=INDEXES["two levels"])
    for series in frame:
        frame[series] = pd.Series(COLUMNS[series]).set_axis(INDEXES["two levels"])
    assert_same(round_trip(frame), frame)


def test_loading_gives_a_frame_of_its_own() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [1.0, 2.0], "c": ["x", "y"]})
    loaded = round_trip(frame)
    loaded.loc[0, "a"] = 7
    loaded["b"] += 1
    loaded.loc[1, "c"] = "z"
    assert_same(datasets.load("data"), frame)


DATA = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"])),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    pdst.data_frames(
        columns=[
            pdst.column("whole", dtype="int64"),
            pdst.column("real", dtype="float64"),
            pdst.column("flag", dtype="bool"),
            pdst.column("when", dtype="datetime64[ns]"),
            pdst.column(
                "text", elements=st.none() | st.text(st.characters(exclude_categories=["Cs"]))
            ),
            pdst.column("date", elements=st.none() | st.dates(), dtype=object),
        ],
        index=pdst.indexes(dtype="int64", max_size=8) | pdst.range_indexes(max_size=8),
    )
)
def test_any_frame_comes_back(frame: pd.DataFrame) -> None:
    assert_same(round_trip(frame), frame)


def test_the_digest_of_a_frame_is_the_one_of_its_copy() -> None:
    frame = pd.DataFrame(COLUMNS)
    first = datasets.save(frame, "data")
    again = datasets.save(frame.copy(deep=True), "data")
    assert again == first


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (objects(1, "a"), "mixes int and str"),
        (objects(1, 2.5), "mixes float and int"),
        (objects(uuid.uuid4()), "uuid.UUID"),
        (objects({"a": 1}, {"b": 2}), "would not come back"),
        (objects([1, "a"]), "cannot be stored exactly"),
        (objects("\ud800"), "cannot be stored exactly"),
        (objects(2**70), "cannot be stored exactly"),
        (pd.Series([1j]), "cannot be stored exactly"),
    ],
)
def test_what_could_not_come_back_is_refused_by_name(values: pd.Series, reason: str) -> None:
    with pytest.raises(UnsupportedData, match="Column 'bad'.*" + reason):
        datasets.save(pd.DataFrame({"good": 1, "bad": values}), "data")
    assert datasets.names() == []


def test_two_columns_of_one_name_are_refused() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(UnsupportedData, match="Two columns are called 'a'"):
        datasets.save(frame, "data")


def test_a_frame_without_columns_is_refused() -> None:
    with pytest.raises(UnsupportedData, match="no columns"):
        datasets.save(pd.DataFrame(index=[1, 2]), "data")
