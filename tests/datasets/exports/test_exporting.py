"""Exports are whole, replace nothing unasked, and say what the format does not keep."""

import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from mlnb import datasets
from mlnb.core.errors import BadInput, Conflict, UnknownName, UnsupportedData
from mlnb.core.project import Project
from mlnb.datasets.exports import losses
from mlnb.datasets.tables import content

PLAIN = pl.DataFrame({"id": [1, 2], "name": ["x", "y"], "share": [0.5, 1.5]})
RICH = pd.DataFrame(
    {
        "n": pd.array([1, None, 3], "Int64"),
        "size": pd.Categorical(["s", "m", "s"], categories=["l", "m", "s"], ordered=True),
        "at": pd.to_datetime(["2020-01-01 00:00:00.000000001"] * 3).tz_localize("Europe/Zurich"),
        "code": ["001", "", "b"],
        "month": pd.period_range("2020", periods=3, freq="M"),
    },
    index=pd.Index(["q", "r", "s"], name="key"),
)


def lost(export: datasets.DatasetExport) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for loss in export.lost:
        found.setdefault(loss.column, []).append((loss.was, loss.now))
    return found


@pytest.fixture(autouse=True)
def saved(in_project: Project) -> None:
    datasets.save(PLAIN, "plain")
    datasets.save(RICH, "rich")


@pytest.mark.parametrize("to", ["parquet", "csv", "json", "jsonl", "delta"])
def test_a_plain_table_loses_nothing_in_any_format(to: Any) -> None:
    made = datasets.export("plain", f"out.{to}", to=to)
    assert (made.ref, made.lost, made.checked) == ("plain@1", [], None)
    assert made.bytes > 0
    assert not Path(made.path).is_absolute()


def test_parquet_gives_pandas_its_frame_back() -> None:
    assert datasets.export("rich", "out.parquet").lost == []
    pd.testing.assert_frame_equal(pd.read_parquet("out.parquet"), RICH)


def test_nan_stays_nan_and_null_null_in_parquet() -> None:
    table = pa.table({"x": pa.array([1.0, float("nan"), None])})
    datasets.save(table, "floats")
    assert datasets.export("floats", "out.parquet").lost == []
    assert pl.read_parquet("out.parquet")["x"].null_count() == 1


def test_csv_says_what_it_does_not_keep() -> None:
    found = lost(datasets.export("rich", "out.csv"))
    assert found["size"] == [("dictionary<string, ordered>", "string")]
    assert found["at"] == [("timestamp[ns, tz=Europe/Zurich]", "timestamp[ns, tz=UTC]")]
    assert found["code"] == [("3 values", "1 differ: '' is null")]
    assert found["month"] == [("pandas dtype period[M]", "int64")]
    assert found[""] == [("pandas index", "ordinary columns: key")]
    assert found["n"] == [("pandas dtype Int64", "int64")]


def test_text_of_digits_is_found_to_become_numbers() -> None:
    datasets.save(pl.DataFrame({"code": ["001", "002"]}), "codes")
    found = lost(datasets.export("codes", "out.csv"))
    assert found["code"][0] == ("string", "int64")
    assert "'001' is '1'" in found["code"][1][1]


def test_json_says_what_it_does_not_keep() -> None:
    datasets.save(pa.table({"x": [float("nan"), 1.0], "d": pa.array([1, 2], pa.date32())}), "odd")
    found = lost(datasets.export("odd", "out.json"))
    assert found["x"] == [("2 values", "1 differ: nan is null")]
    assert found["d"] == [("date32[day]", "string")]


def test_delta_says_what_it_does_not_keep() -> None:
    made = datasets.export("rich", "table", to="delta")
    found = lost(made)
    assert found["size"] == [("dictionary<string, ordered>", "string")]
    assert found["at"][0] == ("timestamp[ns, tz=Europe/Zurich]", "timestamp[us, tz=UTC]")
    assert "00.000000001" in found["at"][1][1]
    assert found[""] == [("pandas index", "ordinary columns: key")]
    assert made.notes == ["Version 0 of the Delta table."]
    assert pl.read_delta("table")["code"].to_list() == ["001", "", "b"]
    assert DeltaTable("table").history()[0]["mlnb"] == "rich@1"


def test_delta_gets_unsigned_numbers_that_fit() -> None:
    table = pa.table({"small": pa.array([200], pa.uint8()), "big": pa.array([2**40], pa.uint64())})
    datasets.save(table, "unsigned")
    found = lost(datasets.export("unsigned", "table", to="delta"))
    assert found == {"small": [("uint8", "int16")], "big": [("uint64", "int64")]}
    assert pl.read_delta("table").row(0) == (200, 2**40)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([2**63], pa.uint64()),
        pa.array([1], pa.duration("s")),
        pa.array([1], pa.time64("us")),
    ],
)
def test_delta_names_a_column_that_it_cannot_hold(column: Any) -> None:
    datasets.save(pa.table({"fine": [1], "odd": column}), "odd")
    with pytest.raises(
        UnsupportedData, match=r"Column 'odd' .* cannot be in a Delta table"
    ) as caught:
        datasets.export("odd", "table", to="delta")
    assert "\n" not in caught.value.message
    assert not Path("table").exists()
    datasets.export("odd", "table", to="delta", columns=["fine"])


def test_a_delta_table_that_is_there_gets_a_version() -> None:
    datasets.export("plain", "table", to="delta")
    with pytest.raises(Conflict, match="Delta table already"):
        datasets.export("rich", "table", to="delta")
    made = datasets.export("rich", "table", to="delta", replace=True)
    assert made.notes == ["Version 1 of the Delta table."]
    assert pl.read_delta("table", version=0).equals(PLAIN)
    assert pl.read_delta("table").columns[0] == "n"


def test_of_a_large_table_the_first_rows_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(losses, "CHECKED", 2)
    for to in ("csv", "delta"):
        made = datasets.export("rich", f"large.{to}", to=to)  # type: ignore[arg-type]
        assert made.checked == 2
        assert "size" in lost(made)
    assert len(Path("large.csv").read_text().splitlines()) == 4
    assert {path.name for path in Path().iterdir()} >= {"large.csv", "large.delta"}
    assert not list(Path().glob(".large*"))


def test_categories_that_no_row_has_are_found_to_be_gone() -> None:
    listed = pa.DictionaryArray.from_arrays(pa.array([0]), pa.array(["a", "b"]))
    back = pa.table({"c": pa.array(["a"]).dictionary_encode()})
    found = losses.found(content(pa.table({"c": listed})), back, pandas=losses.layout_lost)
    assert [(loss.was, loss.now) for loss in found] == [("2 categories", "1 categories")]


def test_a_link_can_be_exported_too() -> None:
    PLAIN.write_delta("lake")
    datasets.link("lake", "linked")
    assert datasets.export("linked", "out.parquet", columns=["name"]).lost == []
    assert pl.read_parquet("out.parquet").equals(PLAIN.select("name"))


def test_files_are_written_as_they_are() -> None:
    Path("images/more").mkdir(parents=True)
    Path("images/1.png").write_bytes(b"one")
    Path("images/more/2.png").write_bytes(b"two")
    datasets.save("images", "images")
    made = datasets.export("images", "copy")
    assert (made.to, made.bytes) == ("files", 6)
    assert Path("copy/more/2.png").read_bytes() == b"two"
    with pytest.raises(UnsupportedData, match="images@1 is files, not a table"):
        datasets.export("images", "out.csv", to="csv")
    with pytest.raises(BadInput, match="no columns"):
        datasets.export("images", "again", columns=["a"])
    with pytest.raises(UnsupportedData, match="plain@1 is a table"):
        datasets.export("plain", "again", to="files")


def test_linked_files_are_written_whole_and_never_over_a_folder(elsewhere: Any) -> None:
    elsewhere.track("images", {"1.png": b"one", "more/2.png": b"two"})
    elsewhere.commit("v1")
    datasets.link("../elsewhere/images", "images")
    datasets.link("../elsewhere/images/1.png", "image")
    datasets.export("images", "copy")
    assert Path("copy/more/2.png").read_bytes() == b"two"
    assert os.access("copy/1.png", os.W_OK)
    with pytest.raises(Conflict, match="remove it first"):
        datasets.export("images", "copy", replace=True)
    datasets.export("image", "one")
    assert Path("one/1.png").read_bytes() == b"one"
    for file in (elsewhere.root / ".dvc" / "cache").rglob("*"):
        if file.is_file() and file.read_bytes() == b"two":
            file.write_bytes(b"2")
    with pytest.raises(Exception, match="damaged"):
        datasets.export("images", "partly")
    assert not Path("partly").exists()
    assert not list(Path().glob(".partly*"))


# -- targets


def test_nothing_is_replaced_unasked() -> None:
    Path("out.csv").write_text("mine")
    Path("folder.csv").mkdir()
    with pytest.raises(Conflict, match="--force"):
        datasets.export("plain", "out.csv")
    assert Path("out.csv").read_text() == "mine"
    datasets.export("plain", "out.csv", replace=True)
    assert Path("out.csv").read_text().startswith('"id"')
    with pytest.raises(Conflict, match="remove it first"):
        datasets.export("plain", "folder.csv", replace=True)
    with pytest.raises(Conflict, match="remove it first"):
        datasets.export("plain", "folder.csv", to="delta", replace=True)


def test_a_symbolic_link_is_replaced_not_followed() -> None:
    Path("mine.csv").write_text("mine")
    Path("out.csv").symlink_to("mine.csv")
    with pytest.raises(Conflict):
        datasets.export("plain", "out.csv")
    datasets.export("plain", "out.csv", replace=True)
    assert Path("mine.csv").read_text() == "mine"
    assert not Path("out.csv").is_symlink()


def test_an_export_that_fails_leaves_nothing() -> None:
    datasets.save(pa.table({"a": [[1, 2]]}), "lists")
    before = sorted(Path().iterdir())
    with pytest.raises(UnsupportedData, match=r"Write a \.parquet"):
        datasets.export("lists", "out.csv")
    assert sorted(Path().iterdir()) == before


def test_what_cannot_be_exported_is_one_clear_error() -> None:
    with pytest.raises(UnsupportedData, match="no known table format"):
        datasets.export("plain", "out.xlsx")
    with pytest.raises(UnsupportedData, match="no folder 'nowhere'"):
        datasets.export("plain", "nowhere/out.csv")
    with pytest.raises(BadInput, match="Did you mean 'parquet'"):
        datasets.export("plain", "out", to="parket")  # type: ignore[arg-type]  # what is tested
    with pytest.raises(UnknownName, match="no column 'nam'"):
        datasets.export("plain", "out.csv", columns=["nam"])
    with pytest.raises(UnknownName, match="no dataset 'plan'"):
        datasets.export("plan", "out.csv")
    assert list(Path().glob("out*")) == []


def test_the_record_is_json() -> None:
    made = datasets.export("rich", "out.csv")
    assert json.loads(json.dumps(made.to_dict()))["lost"][0]["column"] == "size"
