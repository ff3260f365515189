"""A linked Iceberg table is read at its pinned snapshot, whatever is committed later."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import StaticTable
from pyiceberg.utils.config import Config

from mlnb import datasets
from mlnb.core.errors import BadInput, BrokenLink, UnknownName, UnsupportedData
from mlnb.core.project import Project

FIRST = pa.table({"id": [1, 2, 3], "name": ["x", "y", None]})
MORE = pa.table({"id": [4], "name": ["z"]})


@pytest.fixture(autouse=True)
def catalog(in_project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqlCatalog]:
    """A catalog in SQLite, which pyiceberg finds by its configuration."""
    uri = f"sqlite:///{Path.cwd()}/catalog.db"
    warehouse = f"file://{Path.cwd()}/warehouse"
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__TYPE", "sql")
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__URI", uri)
    monkeypatch.setenv("PYICEBERG_CATALOG__LAKE__WAREHOUSE", warehouse)
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())  # read once, on its import
    made = SqlCatalog("lake", uri=uri, warehouse=warehouse)
    made.create_namespace("air")
    table = made.create_table("air.flights", schema=FIRST.schema)
    table.append(FIRST)
    yield made
    made.close()


def commit_more(catalog: SqlCatalog) -> None:
    """Append, delete, and rename a column: what came after the pinned snapshot."""
    table = catalog.load_table("air.flights")
    table.append(MORE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyiceberg's own, of how it deletes
        table.delete("id = 1")
    with table.update_schema() as update:
        update.rename_column("name", "called")


FOLDER = "warehouse/air/flights"


def test_the_pinned_snapshot_is_read_after_later_commits(catalog: SqlCatalog) -> None:
    linked = datasets.link(FOLDER, "flights")
    assert (linked.kind, linked.rows) == ("link", 3)
    assert [column.name for column in linked.columns] == ["id", "name"]
    commit_more(catalog)
    assert datasets.load("flights", engine="arrow").to_pylist() == FIRST.to_pylist()
    chosen = datasets.load("flights", columns=["name", "id"], engine="polars")
    assert chosen.columns == ["name", "id"]
    assert datasets.load("flights").id.tolist() == [1, 2, 3]


def test_another_engine_reads_the_pinned_reference_after_later_commits(
    catalog: SqlCatalog,
) -> None:
    datasets.link(catalog.load_table("air.flights"), "flights")
    commit_more(catalog)
    lazy = datasets.scan("flights", engine="polars")
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.select(pl.col("id").sum()).collect().item() == 6
    relation = datasets.scan("flights", engine="duckdb")
    assert relation.aggregate("count(*), sum(id), max(name)").fetchall() == [(3, 6, "y")]

    source = datasets.show("flights").source  # what any other program needs to read the same
    stock = StaticTable.from_metadata(source["location"])
    assert stock.scan(snapshot_id=int(source["snapshot"])).to_arrow().num_rows == 3


def test_deletions_and_renamed_columns_reach_every_engine(catalog: SqlCatalog) -> None:
    commit_more(catalog)
    assert datasets.link("iceberg:lake/air.flights", "flights").rows == 3
    expected = [("y", 2), (None, 3), ("z", 4)]
    for engine in ("polars", "duckdb", "arrow"):
        table: Any = datasets.scan("flights", engine=engine)
        if engine == "arrow":
            rows = [(row["called"], row["id"]) for row in table.to_table().to_pylist()]
        elif engine == "polars":
            rows = table.select("called", "id").collect().rows()
        else:
            rows = table.project("called, id").fetchall()
        assert sorted(rows, key=lambda row: row[1]) == expected, engine


def test_a_snapshot_can_be_named(catalog: SqlCatalog) -> None:
    first = catalog.load_table("air.flights").current_snapshot()
    assert first is not None
    commit_more(catalog)
    assert datasets.link(FOLDER, "flights", at=first.snapshot_id).rows == 3
    assert datasets.load("flights").iloc[:, 0].tolist() == [1, 2, 3]
    with pytest.raises(UnknownName, match="no Iceberg snapshot '5'"):
        datasets.link(FOLDER, "flights", at=5)
    with pytest.raises(BadInput, match="no Iceberg snapshot"):
        datasets.link(FOLDER, "flights", at="gold")


def test_what_is_gone_or_another_is_one_clear_error(catalog: SqlCatalog) -> None:
    datasets.link(FOLDER, "flights")
    metadata = Path(datasets.show("flights").source["location"])
    (data,) = Path(FOLDER, "data").glob("*.parquet")
    data.rename("aside")
    with pytest.raises(BrokenLink, match=r"flights@1 links Iceberg table .* is gone"):
        datasets.load("flights")
    Path("aside").rename(data)
    text = metadata.read_text()
    uuid = datasets.show("flights").source["table"]
    metadata.write_text(text.replace(uuid, "0" * 8 + uuid[8:]))
    with pytest.raises(BrokenLink, match="another table"):
        datasets.load("flights")
    metadata.write_text(text.replace("snapshot-id", "snap"))
    with pytest.raises(BrokenLink, match="flights@1"):
        datasets.load("flights")
    metadata.unlink()
    with pytest.raises(BrokenLink, match="flights@1"):
        datasets.load("flights")


def test_what_is_no_table_is_one_clear_error(catalog: SqlCatalog) -> None:
    catalog.create_table("air.empty", schema=FIRST.schema)
    with pytest.raises(UnsupportedData, match="has no snapshot"):
        datasets.link("iceberg:lake/air.empty", "flights")
    with pytest.raises(UnsupportedData, match=r"'lake' does not give 'air.fights'"):
        datasets.link("iceberg:lake/air.fights", "flights")
    with pytest.raises(UnknownName, match="no Iceberg table 'nowhere'"):
        datasets.link("iceberg:nowhere", "flights")
    with pytest.raises(UnsupportedData, match="cannot be read"):
        datasets.link("nowhere.metadata.json", "flights")
    assert datasets.names() == []
