"""The table of what runs a step again, and what does not: each row edits, plans, runs and looks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlnb import datasets, pipelines
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun

from .caching_project import (
    Edit,
    cell,
    code,
    make,
    notebook,
    remove,
    save,
    text,
    touch,
    undone,
    write,
)

PYTHON = frozenset(
    [
        *("make", "use", "ask", "load", "pinned", "silent"),
        *("job", "call", "private", "sweep[1]", "sweep[2]"),
    ]
)
"""All steps that are cached."""


def at(number: int, **changes: Any) -> Edit:
    """Change fields of a cell of make.ipynb."""
    return notebook(lambda body: body["cells"][number].update(changes))


def tags(number: int, *names: str) -> Edit:
    return at(number, metadata={"tags": list(names)})


def insert(number: int, new: dict[str, Any]) -> Edit:
    return notebook(lambda body: body["cells"].insert(number, new))


def ids(body: dict[str, Any]) -> None:
    body["nbformat_minor"] = 5
    for number, item in enumerate(body["cells"]):
        item["id"] = f"cell-{number}"


def swap(body: dict[str, Any]) -> None:
    body["cells"][2], body["cells"][4] = body["cells"][4], body["cells"][2]


def shown(body: dict[str, Any]) -> None:
    output = {"output_type": "stream", "name": "stdout", "text": "new\n"}
    body["cells"][2].update(outputs=[output], execution_count=7)


def step(name: str, old: str, new: str) -> Edit:
    """Change the line, or the lines, of a step in the pipeline file."""
    return text("pipeline.yaml", old, new)


def variable(name: str, value: str) -> Edit:
    return lambda _root: os.environ.__setitem__(name, value)


def version(name: str, number: int) -> Edit:
    return lambda _root: save(name, number)


MARKDOWN = {"cell_type": "markdown", "metadata": {}, "source": "Words"}

UNCHANGED: dict[str, Edit] = {
    "nothing at all": lambda _root: None,
    "outputs and execution counts": notebook(shown),
    "ids of cells": notebook(ids),
    "a cell's metadata": at(2, metadata={"collapsed": True, "jupyter": {"source_hidden": True}}),
    "a tag without a meaning": tags(2, "remove-input"),
    "the notebook's metadata": notebook(lambda body: body["metadata"].update(authors=["analyst"])),
    "the kernel's display name": notebook(
        lambda body: body["metadata"]["kernelspec"].update(display_name="Other")
    ),
    "the layout of the JSON": notebook(lambda _body: None),
    "the file's time": touch("make.ipynb"),
    "white space at the end": cell(2, "a = 1\n", "a = 1   \n"),
    "empty lines": cell(2, "a = 1\n", "\n\na = 1\n\n\n"),
    "spaces around signs": cell(2, "a + 1", "a  +  1"),
    "line breaks within brackets": cell(3, "lib.double(n)", "lib.double(\n    n,\n)"),
    "brackets that change nothing": cell(2, "a + 1", "(a + 1)"),
    "the kind of quotes": cell(3, "'text'", '"text"'),
    "a comment": cell(2, "a = 1", "a = 1  # why"),
    "text cells": at(1, source="# Another title"),
    "a new text cell": insert(0, MARKDOWN),
    "an empty cell": insert(2, code("")),
    "a cell with only a comment": insert(2, code("# later")),
    "a cell that is skipped in runs": insert(2, code("print('draft')", tags=["skip-ci"])),
    "a comment in a module": text("lib.py", "import deep\n", "import deep  # why\n"),
    "the layout of a module": text("deep.py", "a * b", "(a  *  b)"),
    "a module that nobody imports": text("lonely.py", "x = 1", "x = 2"),
    "a comment in a module that is named": text("extra/more.py", "x = 1", "x = 1  # why"),
    "a comment in a script": text("job.py", "import os\n", "import os  # why\n"),
    "a file that nobody reads": write("elsewhere.txt", "changed"),
    "an input's time": touch("data/a.csv"),
    "an output that is gone": remove("made.txt"),
    "a comment in the lock file": text("requirements.txt", "1.0\n", "1.0  # pinned\n# more\n"),
    "comments in the pipeline file": text("pipeline.yaml", "# a comment", "# another\n"),
    "the pipeline's description": text("pipeline.yaml", "What counts", "Other words"),
    "a parameter that no step uses": text("pipeline.yaml", "unused: 0", "unused: 5"),
    "retries and time-outs": step("use", "use: {", "use: {retries: 2, timeout: 60, "),
    "resources and limits": step("use", "use: {", "use: {resources: {cpus: 1}, "),
    "a need that adds no value": step("use", "silent: {", "silent: {needs: make, "),
    "another dataset": version("unrelated", 1),
    "a variable that nobody declares": variable("SOME_VARIABLE", "changed"),
    "the value of a secret": variable("DEMO_TOKEN", "another-Zx91-token"),
}
"""What must not run anything again."""

CHANGED: dict[str, tuple[Edit, set[str]]] = {
    "code, with the same value in the end": (cell(2, "a + 1", "a + 2"), {"make"}),
    "code, with another value": (
        cell(3, "lib.double(n)", "lib.double(n) + 1"),
        {"make", "use", "ask"},
    ),
    "a value that no other step uses": (cell(3, "'text'", "'words'"), {"make", "ask"}),
    "a constant's type": (cell(2, "a = 1\n", "a = 1.0\n"), {"make"}),
    "the order of cells": (notebook(swap), {"make"}),
    "a new cell": (insert(2, code("c = 3")), {"make"}),
    "a cell that is gone": (notebook(lambda body: body["cells"].pop(2)), {"make"}),
    "a cell that is skipped from now on": (tags(4, "skip-ci"), {"make"}),
    "a cell that may raise": (tags(2, "raises-exception"), {"make"}),
    "a magic": (cell(4, "png", "svg"), {"make"}),
    "a line for the shell": (cell(0, "echo shell", "echo other", "private.ipynb"), {"private"}),
    "the default of a parameter": (cell(0, "= 0", "= 7"), {"make"}),
    "a module that is imported": (
        text("lib.py", "deep.times(n, 2)", "deep.times(n, 9)"),
        {"make", "use", "ask"},
    ),
    "a module that a module imports": (
        text("deep.py", "a * b", "a * b + 5"),
        {"make", "use", "ask"},
    ),
    "a file of a folder of modules": (write("extra/table.txt", "two\n"), {"make"}),
    "code of a folder of modules": (text("extra/more.py", "x = 1", "x = 2"), {"make"}),
    "a new file of a folder of modules": (write("extra/new.py", "y = 1\n"), {"make"}),
    "an input": (write("data/a.csv", "3,4\n"), {"make"}),
    "another input that fits a pattern": (write("data/b.csv", "5,6\n"), {"make"}),
    "an input that is declared and not read": (write("config.json", "[]\n"), {"make"}),
    "a file that is read and not declared": (write("notes.txt", "other\n"), {"silent"}),
    "a version of a dataset": (version("sheet", 2), {"load"}),
    "the pinned version": (step("pinned", '"dataset:sheet@1"', '"dataset:sheet"'), {"pinned"}),
    "a parameter": (
        text("pipeline.yaml", "params: {n: 1,", "params: {n: 2,"),
        {"make", "use", "ask"},
    ),
    "a step's own parameter": (
        step("job", "job.py, params: {k: 1}", "job.py, params: {k: 2}"),
        {"job"},
    ),
    "a new item of a matrix": (step("sweep", "f: [1, 2]", "f: [1, 2, 3]"), {"sweep[3]"}),
    "the folder that it runs in": (step("job", "job.py, ", "job.py, cwd: data, "), {"job"}),
    "a script": (text("job.py", "print(k)", "print(k, k)"), {"job"}),
    "a function's module": (text("funcs.py", "'k': k", "'k': k + 1"), {"call"}),
    "another function": (step("call", "funcs:call", "funcs:other"), {"call"}),
    "a declared output": (
        step("make", "outputs: made.txt", "outputs: [made.txt, lib.py]"),
        {"make"},
    ),
    "a step's variable": (step("use", "use: {", "use: {env: {MODE: fast}, "), {"use"}),
    "the pipeline's variables": (text("pipeline.yaml", "LEVEL: low", "LEVEL: high"), set(PYTHON)),
    "the lock file": (text("requirements.txt", "==1.0", "==1.1"), set(PYTHON)),
    "a step's name": (step("use", "\n  use: {", "\n  used: {"), {"used"}),
}
"""What runs which steps again; all others must not run."""


@dataclass(frozen=True)
class Kept:
    """The project after its first run."""

    project: Project
    root: Path
    first: PipelineRun


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Iterator[Kept]:
    root = tmp_path_factory.mktemp("keys") / "project"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLNB_RUNTIME_DIR", str(runtime))
        patch.setenv("MLNB_BACKGROUND_DELIVERY", "false")
        patch.setenv("DEMO_TOKEN", "planted-Zx91-token")
        project = make(root)
        first = pipelines.run(root)
        assert {item.name: item.status for item in first.steps} == dict.fromkeys(
            [*PYTHON, "always"], "FINISHED"
        ), first.error
        yield Kept(project, root, first)


def executed(run: PipelineRun) -> set[str]:
    assert run.status == "FINISHED", run.error
    return {item.name for item in run.steps if not item.cached_from} - {"always"}


def look(kept: Kept, edit: Edit, monkeypatch: pytest.MonkeyPatch) -> tuple[set[str], set[str]]:
    """Edit, plan, run, undo; returns what the plan says runs for sure, and what has run."""
    monkeypatch.setenv("DEMO_TOKEN", "planted-Zx91-token")
    monkeypatch.setenv("SOME_VARIABLE", "as it was")
    with projects.using(kept.project), undone(kept.root):
        edit(kept.root)
        plan = pipelines.plan(kept.root)
        sure = {item.name for item in plan.steps if item.fresh is False} - {"always"}
        fresh = {item.name for item in plan.steps if item.fresh}
        run = pipelines.run(kept.root)
        ran = executed(run)
        assert not fresh & ran, "the plan said that they would not run"
        assert all(item.why for item in run.steps)
        return sure, ran


@pytest.mark.parametrize("row", UNCHANGED)
def test_what_must_not_run_again(kept: Kept, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(kept, UNCHANGED[row], monkeypatch) == (set(), set())


@pytest.mark.parametrize("row", CHANGED)
def test_what_must_run_again(kept: Kept, row: str, monkeypatch: pytest.MonkeyPatch) -> None:
    edit, expected = CHANGED[row]
    sure, ran = look(kept, edit, monkeypatch)
    assert ran == expected
    assert sure <= expected


def test_the_table_has_enough_rows() -> None:
    assert len(UNCHANGED) + len(CHANGED) >= 40


def test_a_step_that_is_not_cached_runs_every_time(kept: Kept) -> None:
    with projects.using(kept.project):
        steps = {item.name: item for item in pipelines.run(kept.root).steps}
    assert steps["always"].cached_from == ""
    assert "cache: false" in steps["always"].why


def test_what_failed_is_not_kept(kept: Kept) -> None:
    with projects.using(kept.project), undone(kept.root):
        cell(2, "a + 1", "1 / 0")(kept.root)
        for _ in range(2):
            steps = {item.name: item for item in pipelines.run(kept.root).steps}
            assert (steps["make"].status, steps["make"].cached_from) == ("FAILED", "")


def test_an_output_that_was_gone_is_back(kept: Kept) -> None:
    with projects.using(kept.project), undone(kept.root):
        (kept.root / "made.txt").unlink()
        run = pipelines.run(kept.root)
        assert executed(run) == set()
        assert (kept.root / "made.txt").read_text(encoding="utf-8") == "3"


def test_the_place_of_the_project_does_not_count(
    kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A colleague's checkout elsewhere, with the same store, has nothing to run."""
    elsewhere = tmp_path / "colleague"
    make(elsewhere)
    monkeypatch.setenv("MLNB_STORE", str(kept.project.state / "store"))
    monkeypatch.setenv("DEMO_TOKEN", "planted-Zx91-token")
    with projects.using(projects.current(elsewhere)):
        assert datasets.log("sheet")[-1].number == 1
        assert executed(pipelines.run(elsewhere)) == set()
