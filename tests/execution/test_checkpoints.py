"""Checkpoints and tags, in both runners; what they show is compared with a run without them."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlnb.core.project import Project
from mlnb.execution.checkpoints import chain
from mlnb.execution.checkpoints.records import StoredCheckpoint
from mlnb.execution.executor import Execution, NotebookJob, attempt
from mlnb.testing.notebooks import write_notebook
from mlnb.ui import cli

HIDDEN = "correct-horse-battery"
RUNNERS = ("inprocess", "kernel")
Cells = list[tuple[Any, list[dict[str, Any]]]]


def twelve(third: str = "scale = 2", ninth: str = "raise ValueError('broken')") -> list[str]:
    return [
        "import os\nimport random\nimport numpy as np\nimport pandas as pd\n"
        "random.seed(1)\nnp.random.seed(1)\nprint('one')",
        "def double(v):\n    return v * scale\nclass Model:\n    def __init__(self, a):\n"
        "        self.a = a\n    def go(self):\n        return double(self.a)",
        third,
        "df = pd.DataFrame({'a': np.arange(5)})\ndf",
        "same = df\nm = Model(3)\nos.environ['OF_A_CELL'] = 'set'",
        "m.go()",
        "pd.set_option('display.max_rows', 3)\nfrom helpers_of_nb import LIMIT",
        "# mlnb: checkpoint\nx = random.random()\nx",
        ninth,
        "print(random.random(), np.random.rand())\nsame['b'] = 1\ndf",
        "scale = 100\nprint(m.go(), isinstance(m, Model), os.environ['OF_A_CELL'], LIMIT)",
        "_, _6, x",
    ]


def run(source: Path, runner: str, **options: Any) -> tuple[Execution, Cells]:
    output = source.with_name("out.ipynb")
    execution = attempt(NotebookJob(notebook=source, output=output, runner=runner, **options))
    body = json.loads(output.read_text(encoding="utf-8"))
    code = [cell for cell in body["cells"] if cell["cell_type"] == "code"]
    return execution, [(cell["execution_count"], cell["outputs"]) for cell in code]


def printed(cell: tuple[Any, list[dict[str, Any]]]) -> str:
    return "".join("".join(output.get("text", "")) for output in cell[1])


def notes(execution: Execution) -> str:
    return " | ".join(execution.record(0).notes)


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_failed_notebook_goes_on_after_the_fix_as_if_it_had_not_failed(
    project: Project, runner: str
) -> None:
    (project.root / "helpers_of_nb.py").write_text("LIMIT = 1\n")
    clean_source = write_notebook(project.root / "clean.ipynb", *twelve(ninth="print('fixed')"))
    _, clean = run(clean_source, runner)
    # forget the checkpoint that the clean run has stored
    project.store.sweep(0)
    for log in list(project.store.all_logs("checkpoints")):
        project.store.remove_log(log)
    source = project.root / "a.ipynb"
    write_notebook(source, *twelve())
    failed, _ = run(source, runner)
    assert (failed.failed_cell, failed.cells_done) == (9, 8)
    write_notebook(source, *twelve(ninth="print('fixed')   # at last"))
    resumed, cells = run(source, runner, resume=True)
    assert notes(resumed) == "resumed after cell 8"
    assert cells == clean
    body = json.loads((project.root / "out.ipynb").read_text(encoding="utf-8"))
    marks = [cell["metadata"].get("mlnb", {}).get("skipped", "") for cell in body["cells"]]
    assert marks == ["taken from the checkpoint after cell 8"] * 8 + [""] * 4
    write_notebook(source, *twelve(third="scale  = 2  # comment", ninth="print('fixed')"))
    assert "resumed after cell 8" in notes(run(source, runner, resume=True)[0])
    write_notebook(source, *twelve(third="scale = 3", ninth="print('fixed')"))
    again, cells = run(source, runner, resume=True)
    assert "started from the first cell: cell 3 has changed" in notes(again)
    assert "".join(cells[5][1][0]["data"]["text/plain"]) == "9"
    (project.root / "helpers_of_nb.py").write_text("LIMIT = 2\n")
    assert "the module helpers_of_nb.py has changed" in notes(run(source, runner, resume=True)[0])


def test_parameters_and_datasets_before_a_checkpoint_count(project: Project) -> None:
    from mlnb import datasets

    datasets.save(pd.DataFrame({"a": [1]}), "flights")
    source = write_notebook(
        project.root / "a.ipynb",
        "from mlnb import datasets\nn = len(datasets.load('flights')) + year",
        "# mlnb: checkpoint n\nlist_not_kept = [n]",
        "print(n)",
        parameters="year: int = 1",
    )
    run(source, "inprocess", parameters={"year": 5})
    resumed, cells = run(source, "inprocess", parameters={"year": 5}, resume=True)
    assert notes(resumed) == "resumed after cell 3"
    assert printed(cells[-1]) == "6\n"
    other, cells = run(source, "inprocess", parameters={"year": 6}, resume=True)
    assert "started from the first cell" in notes(other)
    assert printed(cells[-1]) == "7\n"
    datasets.save(pd.DataFrame({"a": [1, 2]}), "flights")
    newer, cells = run(source, "inprocess", parameters={"year": 6}, resume=True)
    assert "dataset flights has a new version" in notes(newer)
    assert printed(cells[-1]) == "8\n"


def test_what_is_not_stored_is_named_and_needed_again(project: Project) -> None:
    source = project.root / "a.ipynb"
    first = (
        "import threading\nlock = threading.Lock()\ndef use():\n    return lock\n# mlnb: checkpoint"
    )
    write_notebook(source, first, "print(1)")
    execution, _ = run(source, "inprocess")
    assert "without lock (it cannot be pickled" in notes(execution)
    saved = [event for event in project.events.read()[0] if event.kind == "checkpoint.saved"]
    assert list(saved[-1].data["missing"]) == ["lock"]
    assert notes(run(source, "inprocess", resume=True)[0]) == "resumed after cell 1"
    write_notebook(source, first, "use()")
    assert "'lock', which a cell below uses, could not be" in notes(
        run(source, "inprocess", resume=True)[0]
    )


def test_only_checkpoints_with_our_signature_are_loaded(project: Project) -> None:
    source = write_notebook(project.root / "a.ipynb", "x = [1]\n# mlnb: checkpoint", "print(x)")
    run(source, "inprocess")
    (project.local / "signing.key").unlink()
    execution, cells = run(source, "inprocess", resume=True)
    assert "not safe to load" in notes(execution)
    assert printed(cells[-1]) == "[1]\n"


@pytest.mark.parametrize("runner", RUNNERS)
def test_secrets_come_from_the_environment_again_and_are_stored_nowhere(
    project: Project, runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_TOKEN", HIDDEN)
    source = write_notebook(
        project.root / "a.ipynb",
        "headers = {'auth': 'Bearer ' + token}\nn = len(token)\n# mlnb: checkpoint",
        "print(len(token), n, token)\ntoken",
        parameters='from mlnb import Secret\ntoken: Secret = ""',
    )
    given = {"token": "env:CI_TOKEN"}
    first, clean = run(source, runner, parameters=given)
    assert "without headers (it holds a secret)" in notes(first)
    resumed, cells = run(source, runner, parameters=given, resume=True)
    assert notes(resumed) == "resumed after cell 2"
    assert cells == clean
    text = printed(cells[-1])
    assert text.startswith(f"{len(HIDDEN)} {len(HIDDEN)} ")
    assert "Secret('••••••')" in "".join(cells[-1][1][1]["data"]["text/plain"])
    for path in project.root.rglob("*"):
        assert not path.is_file() or HIDDEN.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("runner", RUNNERS)
def test_cells_are_passed_over_by_their_tags(project: Project, runner: str) -> None:
    source = write_notebook(
        project.root / "a.ipynb", "print(year)", "print('b')", "print('c')", parameters="year = 1"
    )
    body = json.loads(source.read_text(encoding="utf-8"))
    for cell, tags in zip(
        body["cells"][1:], (["skip-ci"], ["only-ci", "slow"], ["x"]), strict=True
    ):
        cell["metadata"]["tags"] = tags
    source.write_text(json.dumps(body), encoding="utf-8")

    def shown(**options: Any) -> list[str]:
        _, cells = run(source, runner, parameters={"year": 2}, **options)
        return [printed(cell).strip() for cell in cells[2:]]

    assert shown() == ["", "b", "c"]
    assert shown(skip_tags=("slow",)) == ["", "", "c"]
    assert shown(only_tags=("x",)) == ["", "", "c"]
    made = json.loads((project.root / "out.ipynb").read_text(encoding="utf-8"))
    marks = [cell["metadata"].get("mlnb", {}).get("skipped") for cell in made["cells"]]
    assert marks == [None, None, "it is tagged skip-ci", "it is not tagged x", None]


def test_the_command_resumes(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    source = project.root / "a.ipynb"
    write_notebook(source, "x = 1\n# mlnb: checkpoint", "1 / 0")
    assert cli.main(["notebook", "run", "a.ipynb", "out.ipynb"]) == 1
    write_notebook(source, "x = 1\n# mlnb: checkpoint", "print(x)")
    capsys.readouterr()
    assert cli.main(["notebook", "run", "a.ipynb", "out.ipynb", "--resume"]) == 0
    assert "resumed after cell 1" in capsys.readouterr().out


def test_checkpoints_are_declared_by_tag_or_comment() -> None:
    assert chain.declared("x = 1  # mlnb: checkpoint a, b", []) == ["a", "b"]
    assert chain.declared("x = 1\n#mlnb: checkpoint", []) == []
    assert chain.declared("x = 1", ["checkpoint"]) == []
    assert chain.declared("x = '# mlnb: checkpoint'", []) is None
    assert chain.digest_of("%%time\nx = 1 # c") == chain.digest_of("%%time\nx  = 1")


def test_records_of_the_first_format_are_read() -> None:
    file = Path(__file__).parent / "formats" / "checkpoint-1.json"
    record = StoredCheckpoint.from_dict(json.loads(file.read_text(encoding="utf-8")))
    assert (record.cell, record.kept.names) == (8, ["df", "x"])
    assert list(record.kept.missing) == ["lock"]
