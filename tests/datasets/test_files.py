"""Files: what is read from each format, and that what was written is read back."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from mlnb import datasets
from mlnb.core.errors import UnsupportedData

ROWS = [{"a": 1, "b": "x", "c": None}, {"a": None, "b": 'ü\n,"', "c": 2.5}]


def loaded(name: str) -> pa.Table:
    return datasets.load(datasets.save(Path(name), "data").ref, engine="arrow")


def test_csv() -> None:
    text = "whole,real,text,day,missing,number with holes\n"
    Path("t.csv").write_text(text + '1,0.5,x,2020-01-01,,1\n2,,"NA",2020-01-02,NA,\n')
    table = loaded("t.csv")
    assert [str(kind) for kind in table.schema.types] == [
        "int64",
        "double",
        "string",
        "date32[day]",
        "null",
        "int64",
    ]
    assert table["text"].to_pylist() == ["x", None]
    frame = datasets.load("data")
    assert str(frame["number with holes"].dtype) == "Int64"


def test_json_is_a_list_of_objects_that_may_lack_keys() -> None:
    Path("t.json").write_text(json.dumps([{"a": 1}, {"b": "x", "a": 2}]))
    assert loaded("t.json").to_pylist() == [{"a": 1, "b": None}, {"a": 2, "b": "x"}]


def test_jsonl() -> None:
    Path("t.jsonl").write_text('{"a": 1}\n\n{"a": 2, "b": [1]}\n')
    assert loaded("t.jsonl").to_pylist() == [{"a": 1, "b": None}, {"a": 2, "b": [1]}]


def test_a_parquet_file_of_pandas_is_that_frame() -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.Index(["x", "y"], name="key"))
    frame.to_parquet("t.parquet")
    pd.testing.assert_frame_equal(datasets.load(datasets.save("t.parquet", "data").ref), frame)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "json", "jsonl", "CSV"])
def test_what_is_written_is_read_back(suffix: str) -> None:
    version = datasets.save(pa.Table.from_pylist(ROWS), "data")
    file = Path(f"out.{suffix}")
    datasets.export(version.ref, file)
    assert loaded(file.name).to_pylist() == ROWS


def test_a_parquet_file_written_and_saved_makes_no_new_version() -> None:
    frame = pd.DataFrame({"a": pd.Categorical(["x", None]), "b": pd.date_range("2020", periods=2)})
    version = datasets.save(pa.Table.from_pandas(frame), "data")
    datasets.export("data", Path("out.parquet"))
    assert datasets.save("out.parquet", "data").digest == version.digest


def test_json_holds_no_nan_and_refuses_infinity() -> None:
    datasets.save(pa.table({"a": [float("nan"), 1.0]}), "data")
    datasets.export("data", Path("out.json"))
    assert json.loads(Path("out.json").read_text()) == [{"a": None}, {"a": 1.0}]
    datasets.save(pa.table({"a": [float("inf")]}), "data")
    with pytest.raises(UnsupportedData, match="infinite"):
        datasets.export("data", Path("inf.json"))


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("bad.parquet", b"PAR1 no"),
        ("bad.csv", b"a,b\n1\n"),
        ("empty.csv", b""),
        ("twice.csv", b"a,a\n1,2\n"),
        ("bad.json", b"{"),
        ("object.json", b'{"a": 1}'),
        ("bad.jsonl", b'{"a": 1}\n{"a": \n'),
        ("mixed.jsonl", b'{"a": 1}\n{"a": "x"}\n'),
        ("latin.csv", "a\n\u00e9\n".encode("latin-1")),
    ],
)
def test_a_file_that_is_not_what_it_says_is_one_clear_error(name: str, body: bytes) -> None:
    Path(name).write_bytes(body)
    with pytest.raises(UnsupportedData):
        datasets.save(Path(name), "data")
    assert datasets.names() == []
