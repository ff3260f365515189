"""mlnb runs and %runs: list, show, compare; the table in the notebook."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from mlnb import tracking
from mlnb.core.project import Project
from mlnb.testing.shell import raising_shell
from mlnb.tracking import runs
from mlnb.ui.cli import main
from mlnb.ui.widgets import runs_table

MODULE = Path(runs_table.__file__).parent / "static" / "runs_table.js"


@pytest.fixture
def three(project: Project) -> list[str]:
    """Make three runs; the second fails."""
    made = []
    for number in range(3):
        with tracking.track(f"run-{number}") as run:
            tracking.log({"rate": number, "seed": 1}, {"auc": 0.5 + number / 10})
            if number == 1:
                tracking.end("FAILED", "ValueError: <script>alert(1)</script>")
        made.append(run.id)
    return made


def test_without_a_verb_it_lists(three: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    shown = capsys.readouterr().out
    assert [name in shown for name in ("run-0", "run-1", "run-2")] == [True] * 3
    for arguments in (["runs", "--json"], ["runs", "list", "--json"]):
        assert main(arguments) == 0
        found = json.loads(capsys.readouterr().out)
        assert [item["id"] for item in found] == three[::-1]


def test_list_options(three: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "list", "--filter", "metrics.auc > 0.65", "--json"]) == 0
    assert [item["name"] for item in json.loads(capsys.readouterr().out)] == ["run-2"]
    assert main(["runs", "list", "--order-by", "metrics.auc ASC", "-n", "1", "--json"]) == 0
    assert [item["name"] for item in json.loads(capsys.readouterr().out)] == ["run-0"]


def test_show_and_compare(three: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "show", three[1][:10]]) == 0
    shown = capsys.readouterr().out
    assert "Run run-1" in shown
    assert "ValueError" in shown
    assert main(["runs", "compare", "run-0", "run-2"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"auc\s+0\.5\s+0\.7", shown)
    assert "The same in all runs, dim: 1." in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "zzz"], "There is no run 'zzz'"),
        (["compare", "run-0"], "two runs or more"),
        (["list", "-e", "nope"], "There is no experiment 'nope'"),
        (["list", "--filter", "metrics.auc >"], "nvalid"),
        (["lsit"], "Did you mean 'list'?"),
    ],
)
def test_bad_input_is_one_error(
    three: list[str], capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["runs", *arguments]) == 4
    output = capsys.readouterr()
    assert says in output.err
    assert "Traceback" not in output.err


def test_no_runs_says_how_to_make_one(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs"]) == 0
    assert "Put %%track on the first line" in capsys.readouterr().out


def test_without_a_kernel_the_magic_gives_html(three: list[str]) -> None:
    with raising_shell() as shell:
        found = shell.run_cell("%runs").result
        data, _ = shell.display_formatter.format(found)  # type: ignore[union-attr]
    assert set(data) == {"text/plain", "text/html"}
    assert "run-1" in data["text/html"]


def test_a_saved_notebook_holds_the_whole_table(three: list[str], project: Project) -> None:
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext mlnb", "%runs")]
    notebook = nbformat.v4.new_notebook(cells=cells)
    resources = {"metadata": {"path": str(project.root)}}
    NotebookClient(notebook, kernel_name="python3", timeout=110, resources=resources).execute()
    (output,) = notebook.cells[1].outputs
    view = output.data["application/vnd.jupyter.widget-view+json"]
    assert "<table" in output.data["text/html"]
    assert "run-2" in output.data["text/plain"]
    state = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    table = state[view["model_id"]]["state"]
    assert [row["name"] for row in table["rows"]] == ["run-2", "run-1", "run-0"]
    assert "http" not in table["_esm"].replace("http://www.w3.org", "")


def test_columns_are_what_most_runs_have_and_what_differs(three: list[str]) -> None:
    table = runs_table.RunsTable.of(runs.list_runs())
    keys = [column["key"] for column in table.columns]
    assert keys[:4] == ["name", "status", "started", "seconds"]
    assert keys[4:7] == ["metrics.auc", "params.rate", "params.seed"]
    json.dumps(table.rows, allow_nan=False)


# -- the browser's half --------------------------------------------------------------------------


def visible(rows: Sequence[dict[str, Any]], query: str, key: str, down: bool) -> list[Any]:
    """Ask the widget's own module which rows it shows."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    columns = [
        {"key": "name", "kind": "text"},
        {"key": "auc", "kind": "number"},
        {"key": "started", "kind": "time"},
    ]
    arguments = json.dumps([rows, columns, query, {"key": key, "down": down}])
    source = MODULE.read_text() + f"\nconsole.log(JSON.stringify(visible(...{arguments})))"
    done = subprocess.run(
        [node, "--input-type=module", "-"], input=source, check=True, capture_output=True, text=True
    )
    return [row["name"] for row in json.loads(done.stdout)]


ROWS = [
    {"name": "run-10", "auc": 0.9, "started": "2026-01-02T00:00:00Z"},
    {"name": "run-9", "auc": None, "started": "2026-01-03T00:00:00Z"},
    {"name": "other", "auc": -1.0, "started": "2026-01-01T00:00:00Z"},
]


@pytest.mark.parametrize(
    ("query", "key", "down", "expected"),
    [
        ("", "name", False, ["other", "run-9", "run-10"]),
        ("", "auc", True, ["run-10", "other", "run-9"]),
        ("", "auc", False, ["other", "run-10", "run-9"]),
        ("", "started", True, ["run-9", "run-10", "other"]),
        ("RUN", "name", True, ["run-10", "run-9"]),
        ("run 0.9", "name", True, ["run-10"]),
        ("nothing", "name", True, []),
    ],
)
def test_sorting_and_filtering(query: str, key: str, down: bool, expected: list[str]) -> None:
    assert visible(ROWS, query, key, down) == expected


def test_the_table_writes_text_never_html() -> None:
    source = MODULE.read_text()
    assert "innerHTML" not in source
    assert "import " not in source
    assert "http" not in source
