"""``%%step`` in notebooks that run headlessly, in-process and in a kernel."""

import json
from pathlib import Path
from typing import Any

import pytest

from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.execution.executor import NotebookJob, attempt
from mlnb.testing.notebooks import write_notebook

CELL = """%%step features
import collections
print("rows", n)
display({"shown": [1]})
total = sum(range(n))
point = collections.Counter("abca")
point"""


def run(folder: Path, runner: str) -> tuple[list[Any], list[str]]:
    source = write_notebook(
        folder / "nb.ipynb", "%load_ext mlnb", CELL, "print(total)", parameters="n = 100"
    )
    project = projects.current(folder)
    since = project.events.end()
    output = folder / "out.ipynb"
    with projects.using(project):
        job = NotebookJob(notebook=source, output=output, runner=runner, parameters={"n": 50})
        execution = attempt(job)
    assert execution.error is None
    body = json.loads(output.read_text(encoding="utf-8"))
    events, _ = project.events.read(since)
    statuses = [event.data["status"] for event in events if event.kind == "cell.cached"]
    code = [cell for cell in body["cells"] if cell["cell_type"] == "code"]
    return [cell["outputs"] for cell in code], statuses


def test_a_cached_cell_shows_the_same_in_every_runner_and_project(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "shared"
    shown = []
    seen = []
    for name, runner, key in (
        ("one", "kernel", ""),
        ("one", "inprocess", ""),
        ("two", "inprocess", ""),  # the counter is pickled: not for others without the key
        ("one", "inprocess", "of the team"),
        ("two", "kernel", "of the team"),
    ):
        if key:
            monkeypatch.setenv("MLNB_SIGNING_KEY", key)
        folder = tmp_path / name
        if not folder.exists():
            projects.init(folder, name)
            (folder / "mlnb.toml").write_text(f'store = "{store.as_posix()}"\n')
        outputs, statuses = run(folder, runner)
        shown.append(outputs)
        seen += statuses
    assert seen == ["ran", "reused", "ran", "ran", "reused"]
    assert all(outputs == shown[0] for outputs in shown)
    kinds = [output["output_type"] for output in shown[1][3]]
    assert kinds == ["stream", "display_data", "execute_result"]
