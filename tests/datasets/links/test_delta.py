"""A linked Delta table is read at its pinned version, whatever is committed later."""

import json
import shutil
import time
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from mlnb import datasets
from mlnb.core.errors import BadInput, BrokenLink, UnknownName, UnsupportedData
from mlnb.core.project import Project

FIRST = pa.table({"id": [1, 2, 3], "name": ["x", "y", None]})
MORE = pa.table({"id": [4], "name": ["z"]})
TABLE = "lake/flights"
LOG = Path(TABLE) / "_delta_log"


@pytest.fixture(autouse=True)
def table(in_project: Project) -> None:
    write_deltalake(TABLE, FIRST)


def commit_more() -> None:
    """Append, delete and overwrite: three commits after the pinned one."""
    write_deltalake(TABLE, MORE, mode="append")
    DeltaTable(TABLE).delete("id = 1")
    write_deltalake(TABLE, MORE, mode="overwrite")


def files() -> list[Path]:
    return [Path(file) for file in DeltaTable(TABLE, version=0).file_uris()]


def test_the_pinned_version_is_read_after_later_commits() -> None:
    linked = datasets.link(TABLE, "flights", message="as delivered")
    assert (linked.ref, linked.kind, linked.rows) == ("flights@1", "link", 3)
    assert [(column.name, column.type) for column in linked.columns] == [
        ("id", "int64"),
        ("name", "string"),
    ]
    commit_more()
    assert datasets.load("flights", engine="arrow").equals(FIRST)
    assert datasets.load("flights", columns=["name"], engine="polars")["name"].to_list() == [
        "x",
        "y",
        None,
    ]
    expected = pd.DataFrame({"id": [1, 2, 3], "name": ["x", "y", None]})
    pd.testing.assert_frame_equal(datasets.load("flights"), expected)


def test_another_engine_reads_the_pinned_reference_after_later_commits() -> None:
    datasets.link(TABLE, "flights")
    commit_more()
    lazy = datasets.scan("flights", engine="polars")
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.select(pl.col("id").sum()).collect().item() == 6
    relation = datasets.scan("flights", engine="duckdb")
    assert relation.aggregate("count(*), sum(id)").fetchall() == [(3, 6)]
    assert datasets.scan("flights", engine="arrow").to_table().equals(FIRST)

    source = datasets.show("flights").source  # what any other program needs to read the same
    stock = pl.scan_delta(source["location"], version=int(source["version"])).collect()
    assert stock.sort("id").to_arrow().to_pylist() == FIRST.to_pylist()


def test_a_version_can_be_named_and_each_is_a_version_of_its_own() -> None:
    commit_more()
    assert datasets.link(TABLE, "flights", at=1).rows == 4
    assert datasets.link(DeltaTable(TABLE, version=2), "flights").rows == 3
    assert datasets.link(TABLE, "flights", at="2").unchanged
    assert datasets.link(TABLE, "flights").ref == "flights@3"
    assert datasets.show("flights").source["version"] == "3"
    found = datasets.diff("flights@1", "flights@2")
    assert (found.rows_added, found.rows_removed, found.rows_kept) == (0, 1, 3)


def test_a_link_copies_no_data_and_names_no_absolute_path(in_project: Project) -> None:
    datasets.link(TABLE, "flights")
    stored = "".join(
        file.read_bytes().decode(errors="replace")
        for file in Path(in_project.store.url).rglob("*")
        if file.is_file()
    )
    assert TABLE in stored
    assert str(Path.cwd()) not in stored
    assert sum(file.stat().st_size for file in files()) == datasets.resolve("flights").bytes


def test_a_table_outside_the_project_is_named_relative_to_it() -> None:
    write_deltalake("../outside", FIRST)
    datasets.link(Path("../outside").resolve(), "flights")
    assert datasets.show("flights").source["location"] == "../outside"
    assert len(datasets.load("flights")) == 3


def test_the_profile_is_made_when_the_table_is_small() -> None:
    datasets.link(TABLE, "flights")
    profile = datasets.show("flights")
    assert [(column.name, column.nulls) for column in profile.columns] == [("id", 0), ("name", 1)]


def test_a_large_table_is_linked_without_reading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlnb.datasets.links.linking.PROFILED_ROWS", 2)
    assert datasets.link(TABLE, "flights").rows == 3
    assert datasets.show("flights").columns == []


# -- what can be wrong with the source


def test_a_vacuumed_version_is_one_clear_error() -> None:
    datasets.link(TABLE, "flights")
    commit_more()
    DeltaTable(TABLE).vacuum(
        retention_hours=0, dry_run=False, enforce_retention_duration=False, full=True
    )
    for read in (datasets.load, datasets.scan):
        with pytest.raises(BrokenLink, match=r"flights@1 links Delta .* version 0: .* is gone"):
            read("flights")
    with pytest.raises(UnsupportedData, match=r"cannot be linked: .* is gone"):
        datasets.link(TABLE, "other", at=0)
    assert "other" not in datasets.names()


def test_a_table_made_anew_in_its_place_is_noticed() -> None:
    datasets.link(TABLE, "flights")
    shutil.rmtree(TABLE)
    with pytest.raises(BrokenLink, match=f"{TABLE} at version 0"):
        datasets.load("flights")
    write_deltalake(TABLE, MORE)
    with pytest.raises(BrokenLink, match="another table has taken its place"):
        datasets.load("flights")


def test_a_log_written_over_is_noticed() -> None:
    datasets.link(TABLE, "flights")
    entry = LOG / f"{0:020}.json"
    lines = entry.read_text().splitlines()
    entry.write_text("\n".join(line for line in lines if '"add"' not in line) + "\n")
    with pytest.raises(BrokenLink, match="lists other files"):
        datasets.load("flights")


def test_a_damaged_log_or_file_is_one_clear_error() -> None:
    datasets.link(TABLE, "flights")
    data = bytearray(files()[0].read_bytes())
    files()[0].write_bytes(data[:-1])
    with pytest.raises(BrokenLink, match="another size"):
        datasets.load("flights")
    data[-4:] = b"none"
    files()[0].write_bytes(data)
    with pytest.raises(BrokenLink, match="flights@1"):
        datasets.load("flights")
    (LOG / f"{0:020}.json").write_text("no json{")
    with pytest.raises(BrokenLink, match="flights@1") as caught:
        datasets.load("flights")
    assert "\n" not in caught.value.message
    with pytest.raises(UnsupportedData, match="cannot be read"):
        datasets.link(TABLE, "again")


def test_a_version_or_a_table_that_is_not_there_is_named() -> None:
    with pytest.raises(UnknownName, match="newest version is 0"):
        datasets.link(TABLE, "flights", at=7)
    with pytest.raises(BadInput, match="no version of a Delta table"):
        datasets.link(TABLE, "flights", at="gold")
    with pytest.raises(UnknownName, match="no Delta table 'nowhere'"):
        datasets.link("delta:nowhere", "flights")
    with pytest.raises(UnknownName, match="Did you mean 'flights'"):
        datasets.link("lake/flight", "flights")
    assert datasets.names() == []


def test_rows_come_in_the_order_in_which_they_were_written() -> None:
    for number in range(5):
        part = pa.table({"part": [f"a {number % 2}/ü", None], "id": [number * 2, number * 2 + 1]})
        write_deltalake("lake/parts", part, partition_by=["part"], mode="append")
        time.sleep(0.002)  # Delta's times are milliseconds
    datasets.link("lake/parts", "parts")
    ids = datasets.load("parts").id.tolist()
    assert [number // 2 for number in ids] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    assert [datasets.load("parts").id.tolist() for _ in range(3)] == [ids] * 3
    assert datasets.load("parts", rows=(2, 6)).id.tolist() == ids[2:6]
    assert set(datasets.load("parts").part.dropna()) == {"a 0/ü", "a 1/ü"}


def test_a_table_with_mapped_columns_is_read_by_their_names() -> None:
    """Written by hand, as Spark writes it: Arrow alone would give the physical names."""
    folder = Path("lake/mapped")
    (folder / "_delta_log").mkdir(parents=True)
    physical = pa.table({"col-1": [1, 2], "col-2": ["x", "y"]})
    pq.write_table(physical, folder / "part.parquet")
    fields = [
        {
            "name": name,
            "type": kind,
            "nullable": True,
            "metadata": {
                "delta.columnMapping.id": number,
                "delta.columnMapping.physicalName": f"col-{number}",
            },
        }
        for number, name, kind in ((1, "id", "long"), (2, "name", "string"))
    ]
    actions = [
        {"protocol": {"minReaderVersion": 2, "minWriterVersion": 5}},
        {
            "metaData": {
                "id": "8f1c3c39-7d2c-4f0c-9f0e-0c3f5f4f1a11",
                "format": {"provider": "parquet", "options": {}},
                "schemaString": json.dumps({"type": "struct", "fields": fields}),
                "partitionColumns": [],
                "configuration": {"delta.columnMapping.mode": "name"},
                "createdTime": 0,
            }
        },
        {
            "add": {
                "path": "part.parquet",
                "partitionValues": {},
                "size": (folder / "part.parquet").stat().st_size,
                "modificationTime": 0,
                "dataChange": True,
                "stats": json.dumps({"numRecords": 2}),
            }
        },
    ]
    log = folder / "_delta_log" / f"{0:020}.json"
    log.write_text("".join(json.dumps(action) + "\n" for action in actions))
    linked = datasets.link(folder, "mapped")
    assert ([column.name for column in linked.columns], linked.rows) == (["id", "name"], 2)
    assert datasets.load("mapped", columns=["name"]).name.tolist() == ["x", "y"]
    assert datasets.load("mapped", rows=(1, 2)).id.tolist() == [2]
    assert datasets.scan("mapped").collect()["id"].to_list() == [1, 2]
    assert datasets.scan("mapped", engine="duckdb").aggregate("sum(id)").fetchall() == [(3,)]
