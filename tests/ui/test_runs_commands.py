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
from mlnb.ui import render
from mlnb.ui.cli import main
from mlnb.ui.figures import visible
from mlnb.ui.widgets import runs_comparison, runs_table
from mlnb.ui.widgets.embedding import embedded

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
    assert set(output.data) == {"text/html", "text/plain"}, "nothing that needs a widget manager"
    assert "<table" in output.data["text/html"]
    assert "run-2" in output.data["text/plain"]
    table = state_in(output.data["text/html"])
    assert [row["cells"][0] for row in table["rows"]] == ["run-2", "run-1", "run-0"]
    assert "http" not in output.data["text/html"].replace("http://www.w3.org", "")


def state_in(html: str) -> Any:
    """Return the state of the widget that is in an output's HTML."""
    (body,) = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    return json.loads(body)


def test_columns_are_what_most_runs_have_and_what_differs(three: list[str]) -> None:
    table = runs_table.RunsTable.of(runs.list_runs())
    keys = [column["key"] for column in table.columns]
    assert keys[:4] == ["name", "status", "started", "seconds"]
    assert keys[4:7] == ["metrics.auc", "params.rate", "params.seed"]
    json.dumps(table.rows, allow_nan=False)


def test_many_columns_are_all_there_and_few_are_shown(project: Project) -> None:
    with tracking.track("wide"):
        tracking.log({f"p{number:03d}": number for number in range(200)}, {"auc": 0.5})
    table = runs_table.state(runs.list_runs())
    params = [one for one in table["columns"] if one["key"].startswith("params.")]
    assert (len(params), sum(one["shown"] for one in params)) == (200, 8)
    (row,) = table["rows"]
    assert len(row["cells"]) == len(table["columns"])


HOSTILE = '</script><script>alert(1)</script>" onload="x'


def test_what_users_wrote_cannot_leave_the_state(project: Project) -> None:
    for name in ("a", HOSTILE):
        with tracking.track(name, tags={"x": HOSTILE}):
            tracking.log({"p": HOSTILE + name}, {"auc": 0.5})
    found = runs.compare(["a", HOSTILE])
    html = embedded("runs_comparison", runs_comparison.state(found), render.to_html(found))
    assert html.count("<script") == 2
    assert "<script>alert" not in html
    assert state_in(html)["runs"][1]["name"] == visible(HOSTILE)


def test_a_metric_without_a_number_has_no_axis(project: Project) -> None:
    for name, metrics in (("a", {"auc": 0.5}), ("b", {"auc": 0.6, "loss": float("nan")})):
        with tracking.track(name):
            tracking.log(metrics=metrics)
    found = runs_comparison.state(runs.compare(["a", "b"]))
    assert [axis["label"] for axis in found["axes"]] == ["auc"]
    assert "loss" in str(found["rows"]), "the table tells of it"


def test_compare_shows_what_differs(three: list[str]) -> None:
    found = runs_comparison.state(runs.compare(["run-0", "run-2"]))
    differing = {row["key"]: row["cells"] for row in found["rows"] if row["differs"]}
    assert differing["auc"] == ["0.5", "0.7"]
    assert differing["rate"] == ["0", "2"]
    assert "seed" not in differing
    assert [axis["label"] for axis in found["axes"]] == ["rate", "auc"]
    assert runs_comparison.RunsComparison.of(runs.compare(three[:2])).runs[0]["name"] == "run-0"


def test_pages_say_which_runs_they_show(
    three: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "list", "-n", "2"]) == 0
    assert "Runs 1 to 2 of 3" in capsys.readouterr().out
    assert main(["runs", "list", "-n", "2", "--offset", "2"]) == 0
    shown = capsys.readouterr().out
    assert "Runs 3 to 3 of 3" in shown
    assert "run-0" in shown


def test_restore_says_how_to_go_on(
    three: list[str], project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["runs", "restore", "run-0", "--to", "again"]) == 0
    assert "uv pip install" in capsys.readouterr().out
    assert (project.root / "again" / "requirements.txt").is_file()
    assert main(["runs", "restore", "run-0", "--to", "again"]) == 4
    assert "nothing is written over" in capsys.readouterr().err


# -- the browser's half --------------------------------------------------------------------------


def shown(rows: Sequence[Sequence[Any]], query: str, key: str, down: bool) -> list[Any]:
    """Ask the widget's own module which rows it shows."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    columns = [
        {"key": "name", "kind": "text"},
        {"key": "auc", "kind": "number"},
        {"key": "started", "kind": "time"},
    ]
    cells = [{"cells": row} for row in rows]
    arguments = json.dumps([cells, columns, query, {"key": key, "down": down}])
    source = MODULE.read_text() + f"\nconsole.log(JSON.stringify(visible(...{arguments})))"
    done = subprocess.run(
        [node, "--input-type=module", "-"], input=source, check=True, capture_output=True, text=True
    )
    return [row["cells"][0] for row in json.loads(done.stdout)]


ROWS = [
    ["run-10", 0.9, "2026-01-02T00:00:00Z"],
    ["run-9", None, "2026-01-03T00:00:00Z"],
    ["other", -1.0, "2026-01-01T00:00:00Z"],
]


@pytest.mark.parametrize(
    ("query", "key", "down", "expected"),
    [
        ("", "", False, ["run-10", "run-9", "other"]),
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
    assert shown(ROWS, query, key, down) == expected


@pytest.mark.parametrize("name", ["runs_table", "runs_comparison"])
def test_modules_write_text_never_html(name: str) -> None:
    source = MODULE.with_name(f"{name}.js").read_text()
    assert "innerHTML" not in source
    assert "import " not in source
    assert "</script" not in source
    assert "http" not in source.replace("http://www.w3.org", "")
