"""Loading verifies what it reads; export writes whole files."""

from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlnb import datasets
from mlnb.core.errors import (
    BadInput,
    Conflict,
    ObjectCorrupt,
    ObjectMissing,
    UnknownName,
    UnsupportedData,
)
from mlnb.core.project import Project
from mlnb.datasets import versions
from mlnb.datasets.storage.stored import StoredTable

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})


def object_file(project: Project, digest: str) -> Path:
    return Path(project.store.url) / "objects" / digest[:2] / digest


@pytest.fixture(autouse=True)
def saved() -> None:
    datasets.save(FRAME, "data")


def test_each_engine_gives_its_own_kind() -> None:
    assert isinstance(datasets.load("data"), pd.DataFrame)
    assert isinstance(datasets.load("data", engine="polars"), pl.DataFrame)
    assert isinstance(datasets.load("data", engine="arrow"), pa.Table)


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(BadInput, match="Did you mean 'pandas'"):
        datasets.load("data", engine="panda")  # type: ignore[arg-type]  # what is tested


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(UnknownName, match="no column 'c'"):
        datasets.load("data", columns=["a", "c"])


def test_one_column_may_be_named_alone_but_none_is_refused() -> None:
    assert list(datasets.load("data", columns="b").columns) == ["b"]
    with pytest.raises(BadInput, match="No column"):
        datasets.load("data", columns=[])


def test_a_wide_table_is_no_trouble() -> None:
    wide = pd.DataFrame({f"column {number}": [number, 0] for number in range(1000)})
    pd.testing.assert_frame_equal(datasets.load(datasets.save(wide, "wide").ref), wide)


def objects(project: Project) -> dict[str, str]:
    stored = StoredTable(project.store, versions.find("data"))
    return {
        "table": stored.manifest.parts[0].files[0].object,
        "layout": stored.manifest.layout,
        "manifest": stored.version.manifest,
    }


@pytest.mark.parametrize("part", ["table", "layout", "manifest"])
@pytest.mark.parametrize("columns", [None, ["a"]])
def test_changed_bytes_are_found(part: str, columns: list[str] | None, in_project: Project) -> None:
    file = object_file(in_project, objects(in_project)[part])
    data = bytearray(file.read_bytes())
    data[10 if part == "table" else len(data) // 2] ^= 1  # in column a
    file.write_bytes(data)
    with pytest.raises(ObjectCorrupt, match="data@1"):
        datasets.load("data", columns=columns)


def test_a_lost_object_is_named(in_project: Project) -> None:
    object_file(in_project, objects(in_project)["table"]).unlink()
    with pytest.raises(ObjectMissing, match="data@1"):
        datasets.load("data")
    assert datasets.show("data").version.rows == 3


def test_export_writes_a_file_once() -> None:
    target = Path("out.csv")
    assert datasets.export("data", target).ref == "data@1"
    assert target.read_text() == '"a","b"\n1,"x"\n2,"y"\n3,\n'
    with pytest.raises(Conflict, match="--force"):
        datasets.export("data", target)
    datasets.export("data", target, columns=["b"], replace=True)
    assert target.read_text() == '"b"\n"x"\n"y"\n\n'


@pytest.mark.parametrize("target", ["out.xlsx", "nowhere/out.csv"])
def test_a_target_that_cannot_be_is_refused(target: str) -> None:
    with pytest.raises(BadInput):
        datasets.export("data", Path(target))
    assert not Path(target).exists()


def test_an_export_that_fails_leaves_nothing() -> None:
    datasets.save(pa.table({"a": [[1, 2]]}), "lists")
    before = set(Path().iterdir())
    with pytest.raises(BadInput, match=r"Write a \.parquet"):
        datasets.export("lists", Path("out.csv"))
    assert set(Path().iterdir()) == before


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"engine": None}, "None is no engine"),
        ({"columns": [0]}, "0 is no name of a column"),
        ({"columns": 3}, "3 is no list of columns"),
        ({"rows": 5}, "5 is no range of rows"),
        ({"rows": (4, 9)}, "has no rows 4 to 9"),
        ({"rows": (-1, 2)}, "has no rows -1 to 2"),
    ],
)
def test_what_cannot_be_loaded_is_said_clearly(asked: dict[str, object], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        datasets.load("data", **asked)  # type: ignore[arg-type]  # what is tested


def test_a_reference_that_is_no_text_is_refused() -> None:
    with pytest.raises(BadInput, match="None names no version"):
        datasets.load(None)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("size", [2.5, 0, True, "3"])
def test_the_size_of_a_batch_is_a_whole_number(size: object) -> None:
    with pytest.raises(BadInput, match="rows is none"):
        next(datasets.batches("data", size=size))  # type: ignore[arg-type]  # what is tested


def test_rows_end_with_the_last_one() -> None:
    pd.testing.assert_frame_equal(datasets.load("data", rows=(1, 1000)), FRAME[1:])
    assert len(datasets.load("data", rows=(3, 1000))) == 0


def test_some_rows_are_written_to_a_file(tmp_path: Path) -> None:
    datasets.export("data", tmp_path / "some.csv", rows=(1, 10))
    assert (tmp_path / "some.csv").read_text() == '"a","b"\n2,"y"\n3,\n'
    datasets.export("data", tmp_path / "some.parquet", rows=(0, 1), columns=["b"])
    assert pl.read_parquet(tmp_path / "some.parquet").to_dicts() == [{"b": "x"}]
    with pytest.raises(BadInput, match="all rows are written"):
        datasets.export("data", tmp_path / "delta", to="delta", rows=(0, 1))


def test_files_are_not_written_as_a_folder_with_the_name_of_a_table(tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "a.txt").write_text("a")
    datasets.save(tmp_path / "some", "some")
    with pytest.raises(UnsupportedData, match=r"some@1 is files, not a table for 'some\.csv'"):
        datasets.export("some", tmp_path / "some.csv")
    datasets.export("some", tmp_path / "some.csv", to="files")
    assert (tmp_path / "some.csv" / "a.txt").read_text() == "a"
