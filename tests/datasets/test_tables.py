"""Arrow and polars tables come back as they were; files hold ordinary Parquet."""

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from mlnb import datasets
from mlnb.core.errors import UnsupportedData
from mlnb.core.project import Project
from mlnb.datasets import versions
from mlnb.datasets.storage.stored import StoredTable
from mlnb.datasets.tables import type_name

DAY = dt.date(2020, 1, 1)
WHEN = dt.datetime(2020, 1, 1, 1, 2, 3)
WORDS = ["a", None, "", "ü"]
MAP = pa.map_(pa.string(), pa.int64())

ARRAYS: dict[str, pa.Array] = {
    "null": pa.nulls(4),
    "bool": pa.array([True, None, False, True]),
    "int8": pa.array([1, None, -128, 127], pa.int8()),
    "uint64": pa.array([1, None, 0, 2**64 - 1], pa.uint64()),
    "half": pa.array([1.5, None, 2, 3], pa.float16()),
    "double": pa.array([1.5, None, float("nan"), float("inf")]),
    "string": pa.array(WORDS, pa.string()),
    "large_string": pa.array(WORDS, pa.large_string()),
    "string_view": pa.array(WORDS, pa.string_view()),
    "binary": pa.array([b"a", None, b"", b"\x00"], pa.binary()),
    "binary_view": pa.array([b"a", None, b"", b"\x00"], pa.binary_view()),
    "fixed": pa.array([b"ab", None, b"cd", b"ef"], pa.binary(2)),
    "date32": pa.array([DAY, None, DAY, DAY], pa.date32()),
    "date64": pa.array([DAY, None, DAY, DAY], pa.date64()),
    "time32": pa.array([1, None, 2, 3], pa.time32("s")),
    "time64": pa.array([1, None, 2, 86_399_999_999_999], pa.time64("ns")),
    **{f"timestamp {u}": pa.array([1, None, -1, 10**9 + 1], pa.timestamp(u)) for u in ("s", "ns")},
    "timestamp Rome": pa.array([1, None, -1, 2], pa.timestamp("s", "Europe/Rome")),
    **{f"duration {u}": pa.array([1, None, -1, 2], pa.duration(u)) for u in ("s", "ns")},
    "decimal": pa.array([Decimal("1.20"), None, Decimal("0.01"), Decimal("-9")]),
    "decimal256": pa.array([Decimal(10**50), None, Decimal(1), Decimal(2)], pa.decimal256(60)),
    "list": pa.array([[1, None], None, [], [2]]),
    "large_list": pa.array([["a"], None, [], ["b", None]], pa.large_list(pa.string())),
    "fixed list": pa.array([[1, 2], None, [3, None], [4, 5]], pa.list_(pa.int64(), 2)),
    "struct": pa.array([{"a": 1, "b": "x"}, None, {"a": None, "b": "y"}, {"a": 2, "b": None}]),
    "list of fixed lists": pa.array(
        [[[1, 2], None], None, [], [[None, 4]]], pa.list_(pa.list_(pa.int64(), 2))
    ),
    "nested": pa.array([[{"a": [1]}], None, [None], [{"a": None}]]),
    "map": pa.array([[("a", 1)], None, [], [("b", None)]], MAP),
    "dictionary": pa.DictionaryArray.from_arrays(pa.array([1, None, 0, 1]), ["z", "y", "unused"]),
    "ordered": pa.DictionaryArray.from_arrays(
        pa.array([1, None, 0, 1], pa.int8()), pa.array([5, 3, 1]), ordered=True
    ),
    "run ends": pa.RunEndEncodedArray.from_arrays([1, 3, 4], ["a", None, "b"]),
    "uuid": pa.array([b"0" * 16, None, b"1" * 16, b"2" * 16], pa.uuid()),
}


def saved(table: Any, name: str = "data") -> Any:
    return datasets.load(datasets.save(table, name).ref, engine="arrow")


@pytest.mark.parametrize("kind", ARRAYS)
def test_a_column_of_every_type_comes_back(kind: str) -> None:
    table = pa.table({"value": ARRAYS[kind]})
    found = saved(table)
    assert found.schema.equals(table.schema, check_metadata=True)
    assert repr(found.to_pylist()) == repr(table.to_pylist())
    found.validate(full=True)


@pytest.mark.parametrize("kind", ARRAYS)
def test_a_column_without_rows_or_chunks_comes_back(kind: str) -> None:
    schema = pa.table({"value": ARRAYS[kind]}).schema
    for table in (schema.empty_table(), pa.table({"value": ARRAYS[kind]}).slice(0, 0)):
        found = saved(table)
        assert found.schema == schema
        assert found.num_rows == 0


def test_categories_keep_their_order_and_the_unused_ones() -> None:
    for kind in ("dictionary", "ordered"):
        found = saved(pa.table({"value": ARRAYS[kind]}))["value"].combine_chunks()
        assert found.dictionary.equals(ARRAYS[kind].dictionary)


def test_metadata_of_schema_and_fields_comes_back() -> None:
    field = pa.field("a", pa.int64(), nullable=False, metadata={"unit": "m"})
    table = pa.table({"a": [1]}, schema=pa.schema([field], metadata={"source": "sensor"}))
    assert saved(table).schema.equals(table.schema, check_metadata=True)


def test_a_table_that_pyarrow_made_from_pandas_loads_as_that_frame() -> None:
    import pandas as pd

    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    version = datasets.save(pa.Table.from_pandas(frame), "data")
    pd.testing.assert_frame_equal(datasets.load(version.ref), frame)


POLARS: dict[str, pl.Series] = {
    "int": pl.Series([1, None, 3]),
    "uint8": pl.Series([1, None, 255], dtype=pl.UInt8),
    "float": pl.Series([1.5, None, float("nan")]),
    "text": pl.Series(["a", None, "ü"]),
    "categorical": pl.Series(["b", None, "a"], dtype=pl.Categorical),
    "enum": pl.Series(["b", None, "a"], dtype=pl.Enum(["z", "b", "a"])),
    "date": pl.Series([DAY, None, DAY]),
    "datetime": pl.Series([WHEN, None, WHEN], dtype=pl.Datetime("ns", "Europe/Rome")),
    "milliseconds": pl.Series([WHEN, None, WHEN], dtype=pl.Datetime("ms")),
    "time": pl.Series([dt.time(1), None, dt.time(2)]),
    "duration": pl.Series([dt.timedelta(1), None, dt.timedelta(2)]),
    "decimal": pl.Series(["1.20", None, "3.00"]).cast(pl.Decimal(10, 2)),
    "binary": pl.Series([b"a", None, b""]),
    "list": pl.Series([[1], None, []]),
    "array": pl.Series([[1, 2], None, [3, 4]], dtype=pl.Array(pl.Int64, 2)),
    "struct": pl.Series([{"a": 1, "b": "x"}, {"a": None, "b": None}, {"a": 2, "b": "y"}]),
    "null": pl.Series([None, None, None]),
    "bool": pl.Series([True, None, False]),
}


@pytest.mark.parametrize("kind", POLARS)
def test_a_polars_column_of_every_dtype_comes_back(kind: str) -> None:
    frame = pl.DataFrame({"value": POLARS[kind], "place": [0, 1, 2]})
    found = datasets.load(datasets.save(frame, "data").ref, engine="polars")
    assert_frame_equal(found, frame, check_exact=True)
    assert found.schema == frame.schema
    empty = datasets.load(datasets.save(frame.clear(), "data").ref, engine="polars")
    assert empty.schema == frame.schema


def test_a_polars_categorical_has_one_digest_whatever_was_seen_before() -> None:
    first = datasets.save(pl.DataFrame({"a": POLARS["categorical"]}), "data")
    other = pl.Series(["unrelated", "a", "b"], dtype=pl.Categorical("scope"))
    frame = pl.DataFrame({"a": pl.Series(["b", None, "a"], dtype=pl.Categorical("scope"))})
    assert len(other) == 3
    assert datasets.save(frame, "other").columns == first.columns


def test_integers_with_nulls_stay_integers_in_pandas() -> None:
    version = datasets.save(pa.table({"a": [1, None, 2**62 + 1], "b": [True, None, False]}), "data")
    frame = datasets.load(version.ref)
    assert [str(dtype) for dtype in frame.dtypes] == ["Int64", "boolean"]
    assert frame["a"].tolist()[2] == 2**62 + 1


def test_the_object_is_a_parquet_file_that_others_read(in_project: Project) -> None:
    table = pa.table({"plain": [1, 2], "value": pa.array(["a", "b"]).dictionary_encode()})
    stored = StoredTable(in_project.store, versions.find(datasets.save(table, "data").ref))
    (part,) = stored.manifest.parts
    (stored_file,) = part.files
    file = pq.ParquetFile(io.BytesIO(in_project.store.get(stored_file.object)))
    assert file.metadata.row_group(0).column(1).compression == "ZSTD"
    assert file.read().to_pylist() == [{"plain": 1, "value": "a"}, {"plain": 2, "value": "b"}]


def test_types_that_differ_in_memory_only_have_one_name() -> None:
    names = {type_name(kind) for kind in (pa.string(), pa.large_string(), pa.string_view())}
    assert names == {"string"}
    assert type_name(pa.large_list(pa.list_(pa.large_binary()))) == "list<list<binary>>"
    assert type_name(pa.dictionary(pa.int8(), pa.large_string(), True)) == (
        "dictionary<string, ordered>"
    )
    assert type_name(pa.struct([("a", pa.int8())])) == "struct<a: int8>"
    assert type_name(MAP) == "map<string, int64>"


UNION = pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])])


NESTED_DICTIONARY = pa.array([["a"]], pa.list_(pa.dictionary(pa.int8(), pa.string())))
REFUSED: dict[str, tuple[Any, str]] = {
    "union": (pa.table({"bad": UNION}), "'bad'.*Parquet does not hold"),
    "list view": (pa.table({"bad": pa.array([[1]], pa.list_view(pa.int8()))}), "does not hold"),
    "empty struct": (pa.table({"bad": pa.array([{}], pa.struct([]))}), "'bad'.*without fields"),
    "nested dictionary": (pa.table({"bad": NESTED_DICTIONARY}), "'bad'.*plain types"),
    "one name twice": (pa.table([[1], [2]], names=["a", "a"]), "Two columns"),
    "no columns": (pa.table({}), "no columns"),
    "objects": (pl.DataFrame({"bad": pl.Series([{1}], dtype=pl.Object)}), "Python objects"),
    "128 bits": (pl.DataFrame({"bad": pl.Series([1], dtype=pl.Int128)}), "cannot be stored"),
    "lazy": (pl.LazyFrame({"a": [1]}), "collect"),
    "series": (pl.Series([1]), "to_frame"),
    "list": ([1, 2], "of type list"),
    "none": (None, "NoneType"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_storable_table_is_refused(kind: str) -> None:
    table, reason = REFUSED[kind]
    with pytest.raises(UnsupportedData, match=reason):
        datasets.save(table, "data")
    assert datasets.names() == []
