"""`dataset diff` with its options, in a shell."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from mlnb import datasets
from mlnb.ui.cli import main

pytestmark = pytest.mark.usefixtures("versions")

BEFORE = pd.DataFrame({"day": [1, 1, 2, 2], "line": ["a", "b", "a", "b"], "n": [1, 2, 3, 4]})


@pytest.fixture
def versions(project: object) -> None:
    datasets.save(BEFORE, "data")
    datasets.save(BEFORE.assign(n=[1, 2, 3, 9]).iloc[1:].reset_index(drop=True), "data")


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main(["dataset", "diff", "data@1", "data@2", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_a_key_of_several_columns(capsys: pytest.CaptureFixture[str]) -> None:
    found = run(capsys, "--key", "day, line", "--rows", "1", "--sample", "1")
    assert (found["key"], found["key_source"]) == (["day", "line"], "given")
    assert (found["rows_removed"], found["rows_changed"], found["cells_changed"]) == (1, 1, 1)
    samples = found["columns"][0]["samples"]
    assert samples == [{"place": "day=2, line=b", "before": "4", "after": "9"}]
    assert [row["change"] for row in found["row_samples"]] == ["removed", "changed"]


def test_by_content(capsys: pytest.CaptureFixture[str]) -> None:
    found = run(capsys, "--by-content")
    assert (found["rows_added"], found["rows_removed"], found["rows_changed"]) == (1, 2, None)


def test_all_that_differs_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    run(capsys, "--key", "day,line", "--out", "changes.parquet")
    table = pq.read_table("changes.parquet")
    assert table["change"].to_pylist() == ["removed", "before", "after"]
    assert table["n"].to_pylist() == [1, 4, 9]
    assert table["row"].to_pylist() == [0, 3, 2]
    again = ["--key", "day,line", "--out", "changes.parquet"]
    assert "exists" in run(capsys, *again, code=4)["message"]
    run(capsys, *again, "--force")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--key", "day"], "does not identify the rows of data@1: 2 rows repeat"),
        (["--key", "dya"], "Did you mean 'day'?"),
        (["--key", "n", "--by-content"], "exclude each other"),
        (["--out", "changes.xlsx"], "no known table format"),
        (["--rows", "-1"], "-1"),
    ],
)
def test_bad_input_is_one_clear_error_and_writes_nothing(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files = set(Path().iterdir())
    assert main(["dataset", "diff", "data@1", "data@2", *options]) == 4
    shown = capsys.readouterr()
    assert message in " ".join(shown.err.split())
    assert shown.out == ""
    assert set(Path().iterdir()) == files


def test_rows_in_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dataset", "diff", "data@1", "data@2", "--key", "day,line", "--rows", "2"]) == 0
    shown = capsys.readouterr().out
    assert "−     0   day=1, line=a, n=1" in shown
    assert "~     2   day=2, line=b, n=9" in shown


def test_files_and_tables_are_not_compared(capsys: pytest.CaptureFixture[str]) -> None:
    Path("folder").mkdir()
    Path("folder", "note.txt").write_text("x")
    datasets.save("folder", "notes")
    assert main(["dataset", "diff", "data@1", "notes"]) == 4
    assert "cannot be compared" in capsys.readouterr().err
