"""Linked Parquet files are read only while each is the file that was linked."""

import os
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlnb import datasets
from mlnb.core.errors import BadInput, BrokenLink, UnknownName, UnsupportedData
from mlnb.datasets.loading import batches

FRAME = pd.DataFrame({"id": [1, 2, 3], "name": ["x", "y", None]})


@pytest.fixture
def folder() -> Path:
    """Two partitions in Hive's style, and what is no part of a table."""
    root = Path("lake")
    for year in (2012, 2013):
        (root / f"year={year}").mkdir(parents=True)
        FRAME.assign(id=FRAME.id + year).to_parquet(root / f"year={year}" / "part.parquet")
    (root / "_SUCCESS").touch()
    (root / "_temporary.parquet").write_text("no table")
    (root / "notes.txt").write_text("no table")
    return root


def test_a_file_comes_back_as_pandas_wrote_it() -> None:
    frame = FRAME.set_index("id").astype({"name": "category"})
    frame.to_parquet("data.parquet")
    assert datasets.link("data.parquet", "data").rows == 3
    pd.testing.assert_frame_equal(datasets.load("data"), frame)
    pd.testing.assert_frame_equal(datasets.load("data", columns=["name"]), frame[["name"]])


def test_a_folder_is_one_table_with_the_columns_of_its_folders(folder: Path) -> None:
    linked = datasets.link(folder, "data")
    assert [column.name for column in linked.columns] == ["id", "name", "year"]
    assert datasets.load("data").year.tolist() == [2012] * 3 + [2013] * 3
    assert datasets.load("data", columns=["year", "id"], engine="arrow").column_names == [
        "year",
        "id",
    ]
    lazy = datasets.scan("data").filter(pl.col("year") == 2013).select("id")
    assert lazy.collect()["id"].to_list() == [2014, 2015, 2016]
    relation = datasets.scan("data", engine="duckdb")
    assert relation.filter("year = 2013").aggregate("sum(id)").fetchall() == [(6045,)]


def test_files_that_come_later_are_no_part_of_the_version(folder: Path) -> None:
    datasets.link(folder, "data")
    FRAME.to_parquet(folder / "year=2013" / "more.parquet")
    assert len(datasets.load("data")) == 6
    assert len(datasets.scan("data").collect()) == 6
    assert datasets.link(folder, "data").rows == 9
    assert len(datasets.load("data@1")) == 6


@pytest.mark.parametrize("read", [datasets.load, datasets.scan])
def test_a_changed_file_is_named(folder: Path, read: object) -> None:
    datasets.link(folder, "data")
    file = folder / "year=2013" / "part.parquet"
    before = file.read_bytes()
    times = file.stat()
    data = bytearray(before)
    data[20] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # as if nothing had happened
    with pytest.raises(BrokenLink, match=r"'year=2013/part.parquet' has changed.*another hash"):
        read("data")  # type: ignore[operator]
    file.write_bytes(before[:-1])
    with pytest.raises(BrokenLink, match=r"'year=2013/part.parquet' has changed.*another size"):
        read("data")  # type: ignore[operator]
    file.unlink()
    with pytest.raises(BrokenLink, match=r"'year=2013/part.parquet' is gone"):
        read("data")  # type: ignore[operator]
    file.write_bytes(before)
    read("data")  # type: ignore[operator]


def test_an_old_file_is_hashed_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlnb.datasets.links.verified.SETTLED", -1.0)
    datasets.link(folder, "data")

    def refuse(_path: Path) -> str:
        raise AssertionError("read again")

    monkeypatch.setattr("mlnb.datasets.links.verified.digest_file", refuse)
    assert len(datasets.load("data")) == 6
    with (folder / "year=2012" / "part.parquet").open("ab") as file:
        file.write(b"x")
    with pytest.raises(BrokenLink, match="another size"):
        datasets.load("data")


def test_a_damaged_record_of_hashes_is_made_anew(folder: Path) -> None:
    from mlnb.core import project

    datasets.link(folder, "data")
    (project.current().local / "hashes.json").write_text('{"a": 1')
    assert len(datasets.load("data")) == 6


def test_symbolic_links_to_files_are_followed_and_others_refused(folder: Path) -> None:
    FRAME.to_parquet("elsewhere.parquet")
    (folder / "more.parquet").symlink_to(Path("elsewhere.parquet").absolute())
    assert datasets.link("parquet:elsewhere.parquet", "one").rows == 3
    (folder / "gone.parquet").symlink_to("nowhere")
    with pytest.raises(UnsupportedData, match=r"'gone.parquet' is a symbolic link to nothing"):
        datasets.link(folder, "data")
    (folder / "gone.parquet").unlink()
    (folder / "around").symlink_to(folder.absolute(), target_is_directory=True)
    with pytest.raises(UnsupportedData, match="'around' is a symbolic link to a folder"):
        datasets.link(folder, "data")


def test_what_cannot_be_linked_is_one_clear_error(folder: Path) -> None:
    Path("empty").mkdir()
    Path("bad.parquet").write_text("no parquet")
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), "twice.parquet")
    with pytest.raises(UnsupportedData, match="no Parquet file in 'empty'"):
        datasets.link("empty", "data")
    with pytest.raises(UnsupportedData, match=r"file bad.parquet cannot be linked: it cannot"):
        datasets.link("bad.parquet", "data")
    with pytest.raises(UnsupportedData, match=r"twice.parquet cannot be linked: .* duplicate"):
        datasets.link("twice.parquet", "data")
    with pytest.raises(UnknownName, match="Did you mean 'lake'"):
        datasets.link("lak", "data")
    with pytest.raises(UnsupportedData, match=r"'notes.txt' cannot be linked"):
        datasets.link(folder / "notes.txt", "data")
    with pytest.raises(UnsupportedData, match="A DataFrame cannot be linked"):
        datasets.link(FRAME, "data")
    with pytest.raises(BadInput, match="no versions"):
        datasets.link(folder, "data", at=1)
    assert datasets.names() == []


def test_an_unknown_column_or_engine_is_refused(folder: Path) -> None:
    datasets.link(folder, "data")
    with pytest.raises(UnknownName, match="no column 'nam'"):
        datasets.load("data", columns=["nam"])
    with pytest.raises(BadInput, match="No column"):
        datasets.load("data", columns=[])
    with pytest.raises(BadInput, match="Did you mean 'duckdb'"):
        datasets.scan("data", engine="duckbd")  # type: ignore[arg-type]  # what is tested


def test_a_saved_version_can_be_scanned_too() -> None:
    datasets.save(FRAME, "data")
    assert datasets.scan("data").select(pl.col("id").sum()).collect().item() == 6
    assert datasets.scan("data", engine="duckdb").aggregate("sum(id)").fetchall() == [(6,)]
    assert datasets.scan("data", engine="arrow").count_rows() == 3


def test_some_rows_are_read_from_their_row_groups_alone() -> None:
    Path("parts").mkdir()
    for part in range(3):
        table = pa.table({"id": range(part * 10, part * 10 + 10), "name": ["x"] * 10})
        pq.write_table(table, f"parts/{part}.parquet", row_group_size=4)
    datasets.link("parts", "data")
    assert datasets.load("data", rows=(7, 23)).id.tolist() == list(range(7, 23))
    assert datasets.load("data", rows=(7, 7), columns=["name"]).shape == (0, 1)
    assert datasets.load("data", rows=(29, 30), engine="polars")["id"].to_list() == [29]
    pieces = list(batches("data", columns=["id"], size=8))
    assert [len(piece) for piece in pieces] == [8, 8, 8, 6]
    assert pd.concat(pieces).id.tolist() == list(range(30))
    with pytest.raises(BadInput, match="rows are 0 to 30"):
        datasets.load("data", rows=(31, 32))
    assert len(datasets.load("data", rows=(0, 31))) == 30


def test_a_link_can_be_restored_pushed_and_removed(tmp_path: Path) -> None:
    FRAME.to_parquet("data.parquet")
    datasets.link("data.parquet", "data")
    FRAME.head(1).to_parquet("other.parquet")
    datasets.link("other.parquet", "data")
    assert datasets.restore("data@1").ref == "data@3"
    assert len(datasets.load("data@3")) == 3
    assert datasets.verify().damaged == []
    report = datasets.push((), (tmp_path / "shared").as_uri())
    assert report.versions == ["data@1", "data@2", "data@3"]
    datasets.save(FRAME, "data")
    assert datasets.diff("data@3", "data@4").rows_kept == 3
