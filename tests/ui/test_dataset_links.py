"""``dataset link`` and ``dataset export``, in a shell and in a notebook."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from deltalake import DeltaTable, write_deltalake

from mlnb import datasets
from mlnb.core.project import Project
from mlnb.testing.shell import RaisingShell, raising_shell
from mlnb.ui import render
from mlnb.ui.cli import main

FRAME = pd.DataFrame({"id": [1, 2], "size": pd.Categorical(["s", "m"])})


@pytest.fixture(autouse=True)
def in_project(project: Project) -> Project:
    write_deltalake("lake", FRAME[["id"]])
    return project


@pytest.fixture
def shell() -> Iterator[RaisingShell]:
    with raising_shell() as made:
        yield made


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main(["dataset", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_table_is_linked_and_shown_with_its_reference(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_deltalake("lake", FRAME[["id"]], mode="append")
    linked = run(capsys, "link", "lake", "flights", "--at", "0", "-m", "first", "--tag", "raw")
    assert (linked["kind"], linked["rows"], linked["tags"]) == ("link", 2, ["raw"])
    assert run(capsys, "show", "flights@raw")["source"]["version"] == "0"
    assert main(["dataset", "show", "flights"]) == 0
    shown = capsys.readouterr().out
    assert "deltalake.DeltaTable('lake', version=0)" in shown
    assert main(["dataset", "load", "flights", "--out", "out.csv"]) == 0
    assert Path("out.csv").read_text() == '"id"\n1\n2\n'
    capsys.readouterr()
    wrong = run(capsys, "link", "lake", "flights", "--at", "9", code=4)
    assert "newest version is 1" in wrong["fix"]


def test_a_large_link_shows_its_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlnb.datasets.links.linking.PROFILED_ROWS", 0)
    datasets.link("lake", "flights")
    text = render.to_text(datasets.show("flights"))
    assert "id" in text
    assert "int64" in text


def test_an_export_shows_what_is_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    datasets.save(FRAME, "sizes")
    made = run(capsys, "export", "sizes", "out.csv")
    (loss,) = made["lost"]
    assert (loss["column"], loss["was"]) == ("size", "dictionary<string>")
    assert run(capsys, "export", "sizes", "out.csv", code=4)["error"] == "Conflict"
    assert main(["dataset", "export", "sizes", "out.csv", "--force", "--columns", "size"]) == 0
    shown = capsys.readouterr().out
    assert "not kept" in shown
    assert "dictionary<string>" in shown
    assert main(["dataset", "export", "sizes", "table", "--to", "delta", "--columns", "id"]) == 0
    assert "Everything is kept." in capsys.readouterr().out
    assert DeltaTable("table").version() == 0


def test_a_statement_in_a_shell_and_a_relation_in_a_notebook(
    capsys: pytest.CaptureFixture[str], shell: RaisingShell
) -> None:
    saved = run(capsys, "link", ":memory:", "sums", "--query", "SELECT 1 + 1 AS two")
    assert (saved["kind"], saved["rows"]) == ("table", 1)
    shell.user_ns["relation"] = duckdb.sql("SELECT 5 AS five")
    shell.user_ns["lake"] = DeltaTable("lake")
    shell.run_line_magic("dataset", "link relation fives")
    assert datasets.load("fives").five.tolist() == [5]
    shell.run_line_magic("dataset", "link lake flights")
    assert datasets.show("flights").source["location"] == "lake"
