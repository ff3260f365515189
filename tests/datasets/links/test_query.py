"""Results of SQL are saved as ordinary versions that name the source and the statement."""

import sqlite3
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core.errors import BadInput, UnknownName, UnsupportedData


@pytest.fixture(autouse=True)
def databases(in_project: Any) -> None:
    with duckdb.connect("lake.duckdb") as connection:
        connection.execute("CREATE TABLE flights AS SELECT range AS id, 'x' AS name FROM range(3)")
    connected = sqlite3.connect("lake.db")
    connected.execute("CREATE TABLE flights (id INTEGER, name TEXT)")
    connected.executemany("INSERT INTO flights VALUES (?, ?)", [(1, "x"), (None, "y")])
    connected.commit()
    connected.close()


def test_the_result_is_kept_whatever_becomes_of_the_database() -> None:
    statement = "SELECT id * 2 AS twice FROM flights ORDER BY id;"
    saved = datasets.link("lake.duckdb", "flights", query=statement, message="doubled")
    assert (saved.kind, saved.rows, saved.message) == ("table", 3, "doubled")
    assert datasets.show("flights").source == {
        "type": "duckdb",
        "location": "lake.duckdb",
        "statement": "SELECT id * 2 AS twice FROM flights ORDER BY id",
    }
    with duckdb.connect("lake.duckdb") as connection:
        connection.execute("DELETE FROM flights WHERE id = 0")
    assert datasets.load("flights").twice.tolist() == [0, 2, 4]
    again = datasets.link("lake.duckdb", "flights", query=statement)
    assert (again.number, again.rows) == (2, 2)
    assert datasets.link("lake.duckdb", "flights", query=statement).unchanged
    Path("lake.duckdb").unlink()
    assert len(datasets.load("flights@1")) == 3


def test_a_table_is_named_alone() -> None:
    datasets.link("lake.duckdb", "flights", query="main.flights")
    assert datasets.show("flights").source["statement"] == "SELECT * FROM main.flights"
    assert datasets.load("flights").columns.tolist() == ["id", "name"]


def test_a_relation_and_a_connection_of_a_notebook() -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    relation = duckdb.from_df(frame).filter("a > 1")
    datasets.link(relation, "flights")
    assert datasets.load("flights").a.tolist() == [2]
    assert "a > 1" in datasets.show("flights").source["statement"]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE own AS SELECT 5 AS five")
        datasets.link(connection, "flights", query="own")
    assert datasets.load("flights").five.tolist() == [5]
    with pytest.raises(BadInput, match="its own query"):
        datasets.link(relation, "flights", query="SELECT 1")


def test_files_can_be_queried() -> None:
    pd.DataFrame({"a": [1, 2]}).to_parquet("data.parquet")
    datasets.link(":memory:", "sums", query="SELECT sum(a) AS s FROM 'data.parquet'")
    assert datasets.load("sums").s.tolist() == [3]


def test_sqlalchemy_reads_any_database() -> None:
    datasets.link("sqlite:///lake.db", "flights", query="SELECT * FROM flights")
    expected = pd.DataFrame({"id": pd.array([1, None], "Int64"), "name": ["x", "y"]})
    pd.testing.assert_frame_equal(datasets.load("flights"), expected)
    assert datasets.show("flights").source["location"] == "sqlite:///lake.db"
    datasets.link(f"sqlite:///{Path('lake.db').absolute()}", "again", query="flights")
    assert datasets.show("again").source["location"] == "sqlite:///lake.db"


@pytest.mark.parametrize(
    ("source", "query", "reason"),
    [
        ("lake.duckdb", "DROP TABLE flights", "read-only"),
        ("lake.duckdb", "SELECT 1; SELECT 2", "gives no rows. Give one SELECT"),
        ("lake.duckdb", "CREATE TABLE x (a INT)", "read-only"),
        ("lake.duckdb", "nowhere", "nowhere does not exist"),
        ("lake.duckdb", "selec", "selec"),
        ("lake.duckdb", " ; ", "The query is empty"),
        ("lake.duckdb", "SELECT 1 AS a, 2 AS a", "Two columns"),
        ("lake.db", "flights", "Write sqlite:///lake.db"),
        ("no.duckdb", "flights", "no database file 'no.duckdb'"),
        ("mlnb.toml", "flights", "'mlnb.toml' cannot be opened"),
        ("sqlite:///no.db", "flights", "no database file 'no.db'"),
        ("sqlite:///lake.db", "DELETE FROM flights", "gives no rows"),
        ("sqlite:///lake.db", "SELECT nope FROM flights", "no such column"),
        ("sqlite:///lake.db", "SELECT id, id FROM flights", "Two columns"),
        ("nosuch://user:secret@host/db", "flights", "cannot be opened"),
        ("s3://bucket/data.parquet", "flights", "is no database"),
    ],
)
def test_what_cannot_be_queried_is_one_clear_error(source: str, query: str, reason: str) -> None:
    with pytest.raises((UnsupportedData, UnknownName, BadInput), match=reason) as caught:
        datasets.link(source, "flights", query=query)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert datasets.names() == []


def test_a_statement_changes_nothing_in_the_database() -> None:
    with pytest.raises(UnsupportedData):
        datasets.link("sqlite:///lake.db", "flights", query="DELETE FROM flights")
    connected = sqlite3.connect("lake.db")
    assert connected.execute("SELECT count(*) FROM flights").fetchone() == (2,)
    connected.close()
    assert not Path("no.db").exists()


def test_a_login_in_a_statement_is_not_recorded() -> None:
    statement = "SELECT 'postgres://someone:hunter2@host/db' AS url"
    datasets.link(":memory:", "urls", query=statement)
    assert "hunter2" not in str(datasets.show("urls").source)


def test_a_database_has_no_versions() -> None:
    with pytest.raises(BadInput, match="no versions to pin"):
        datasets.link("lake.duckdb", "flights", query="flights", at=1)
