"""%%track in real kernels: status, traceback, display, awaits, figures, the notebook as it ran."""

import base64
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.records import RunRecord
from mlnb.testing.shell import RaisingShell, raising_shell
from mlnb.tracking import runs, store


def execute(project: Project, *cells: str, allow_errors: bool = True) -> list[Any]:
    """Run cells in a fresh kernel and return them as cells of the executed notebook."""
    sources = ["%load_ext mlnb", *cells]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(x) for x in sources])
    client = NotebookClient(
        notebook,
        kernel_name="python3",
        allow_errors=allow_errors,
        timeout=110,
        resources={"metadata": {"path": str(project.root)}},
    )
    client.execute()
    return list(notebook.cells[1:])


def only_run() -> RunRecord:
    (found,) = runs.list_runs()
    return runs.show(found.id)


def as_it_ran(run: RunRecord, folder: Path) -> Any:
    path = store.client().download_artifacts(run.id, "notebook.ipynb", str(folder))
    return nbformat.read(path, as_version=4)


def test_a_tracked_cell_behaves_like_any_other(project: Project, tmp_path: Path) -> None:
    before, cell = execute(
        project,
        "import asyncio\nfamily = 'boosting'",
        "%%track {family} --experiment flights --tag team=blue --note 'a *note*'\n"
        "import mlflow, mlnb, sys\n"
        "import matplotlib.pyplot as plt\n"
        "print('said')\n"
        "await asyncio.sleep(0.01)\n"
        "plt.plot([1, 2]); plt.show()\n"
        "mlnb.log({'lr': 0.1}, {'auc': 0.7})\n"
        "mlflow.log_metric('own', 1)\n"
        "{'answer': 42}",
    )
    kinds = [output.output_type for output in cell.outputs]
    assert kinds == ["stream", "display_data", "execute_result"]
    assert cell.outputs[-1].data["text/plain"] == "{'answer': 42}"

    run = only_run()
    assert (run.name, run.experiment, run.status) == ("boosting", "flights", "FINISHED")
    assert (run.tags, run.params) == ({"team": "blue"}, {"lr": "0.1"})
    assert run.metrics == {"auc": 0.7, "own": 1.0}
    files = ["figures/figure-1.png", "figures/figure-1.svg", "notebook.ipynb", "requirements.txt"]
    assert run.artifacts == files

    kept = as_it_ran(run, tmp_path)
    nbformat.validate(kept)
    assert [item.source for item in kept.cells] == ["%load_ext mlnb", before.source, cell.source]
    last = kept.cells[-1]
    assert [output.output_type for output in last.outputs] == kinds
    assert last.outputs[0].text == "said\n"
    assert last.outputs[-1].data["text/plain"] == "{'answer': 42}"
    assert last.metadata.mlnb.run == run.id
    figure = store.client().download_artifacts(run.id, "figures/figure-1.png", str(tmp_path))
    shown = base64.b64decode(cell.outputs[1].data["image/png"])
    assert Path(figure).read_bytes() == shown


def test_a_failing_cell_fails_with_the_users_own_traceback(
    project: Project, tmp_path: Path
) -> None:
    (cell, after) = execute(
        project,
        "%%track fails\ndef divide():\n    return 1 / 0\nprint('before')\ndivide()",
        "'the kernel lives'",
    )
    stream, error = cell.outputs
    assert stream.text == "before\n"
    assert (error.ename, error.evalue) == ("ZeroDivisionError", "division by zero")
    text = "\n".join(error.traceback)
    assert text.count("ZeroDivisionError") == 2, "head and last line: shown once"
    assert "line 5" in text
    assert "mlnb" not in text
    assert after.outputs[0].data["text/plain"] == "'the kernel lives'"

    run = only_run()
    assert (run.status, run.error) == ("FAILED", "ZeroDivisionError: division by zero")
    kept = as_it_ran(run, tmp_path).cells[-1]
    assert [output.output_type for output in kept.outputs] == ["stream", "error"]
    folder = store.client().download_artifacts(run.id, "error.txt", str(tmp_path))
    assert "return 1 / 0" in Path(folder).read_text()


def test_a_runner_sees_the_failure(project: Project) -> None:
    with pytest.raises(CellExecutionError, match=r"ValueError.*: no"):
        execute(project, "%%track x\nraise ValueError('no')", allow_errors=False)
    assert only_run().status == "FAILED"


def test_several_cells_between_start_and_stop(project: Project, tmp_path: Path) -> None:
    execute(
        project,
        "%track start several --tag a=b",
        "print('one')",
        "%%track child\nimport mlnb; mlnb.log(metrics={'m': 1})",
        "%track stop",
        "print('not any more')",
        "%track stop",
    )
    found = {run.name: run for run in runs.list_runs()}
    assert found["several"].tags == {"a": "b"}
    assert {run.status for run in found.values()} == {"FINISHED"}
    tags = store.client().get_run(found["child"].id).data.tags
    assert tags["mlflow.parentRunId"] == found["several"].id
    cells = as_it_ran(found["several"], tmp_path).cells
    assert [cell.source for cell in cells][-1] == "%track stop"
    assert [output.text for cell in cells for output in cell.outputs if "text" in output] == [
        "one\n"
    ]


def test_a_run_left_open_ends_as_its_last_cell_did(project: Project) -> None:
    execute(project, "%track start left", "1 / 0")
    run = only_run()
    assert (run.status, run.error) == ("FAILED", "ZeroDivisionError: division by zero")


def test_a_run_nobody_stopped_is_killed(project: Project) -> None:
    execute(project, "%track start left", "1 + 1")
    assert only_run().status == "KILLED"


def test_an_unreachable_store_breaks_no_cell(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_TRACKING_URI", "sqlite:///blocked/mlflow.db")
    (project.root / "blocked").write_text("in the way")
    (cell,) = execute(
        project,
        "%%track away\nimport mlnb, mlflow\n"
        "mlnb.log({'a': 1})\nmlflow.log_metric('own', 1)\n'done'",
    )
    warning, result = cell.outputs
    assert warning.name == "stderr"
    assert warning.text.count("mlnb:") == 1
    assert "delivered when the store answers again" in warning.text
    assert result.data["text/plain"] == "'done'"
    (project.root / "blocked").unlink()
    run = only_run()
    assert (run.name, run.status, run.metrics) == ("away", "FINISHED", {"own": 1.0})
    assert "notebook.ipynb" in run.artifacts


@pytest.mark.parametrize(
    "wait",
    [
        "import time\ntime.sleep(60)",
        "import asyncio\nfor _ in range(600):\n    await asyncio.sleep(0.1)",
    ],
)
def test_an_interrupted_cell_is_killed(project: Project, wait: str) -> None:
    pid_file = project.root / "pid"

    def interrupt() -> None:
        while not pid_file.exists() or not pid_file.read_text():
            time.sleep(0.05)
        time.sleep(0.5)
        os.kill(int(pid_file.read_text()), signal.SIGINT)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    write = f"import os, pathlib\npathlib.Path({str(pid_file)!r}).write_text(str(os.getpid()))\n"
    (cell,) = execute(project, f"%%track slow\n{write}{wait}")
    assert cell.outputs[-1].output_type == "error"
    assert only_run().status == "KILLED"


# -- one kernel, many cells ----------------------------------------------------------------------

CELLS = {
    "await": "%%track await\nimport asyncio\nawait asyncio.wait_for(asyncio.sleep(9), 0.01)",
    "timed": "%%track timed\n%%time\nx = 3\nx * 2",
    "empty": "%%track empty",
    "outer": "%%track outer\n"
    "ip = get_ipython()\n"
    "ip.run_cell('inner = 1'); ip.run_cell(''); ip.run_line_magic('time', '1')\n"
    "import mlnb; mlnb.log(metrics={'late': 1})",
    "help": "%%track --help",
    "tag": "%%track tag --tag oops\nprint('ran')",
    "option": "%%track option --nope\nprint('ran')",
    "reserved": "%%track reserved --tag mlnb.step=1\nprint('ran')",
    "quote": "%%track quote 'unclosed\nprint('ran')",
    "undefined": "%%track {undefined}\nprint('ran')",
}


class Executed(NamedTuple):
    """Executed cells by name, and the runs they made."""

    cells: dict[str, Any]
    runs: dict[str, RunRecord]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """Run all of `CELLS` in one kernel: each would do in one of its own."""
    made = projects.init(tmp_path_factory.mktemp("executed") / "project", "test-project")
    cells = execute(made, *CELLS.values())
    with projects.using(made):
        return Executed(
            dict(zip(CELLS, cells, strict=True)), {run.name: run for run in runs.list_runs()}
        )


def test_a_failing_await_is_recorded(executed: Executed) -> None:
    assert executed.runs["await"].error.startswith("TimeoutError")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("tag", "form key=value"),
        ("option", "No such option"),
        ("reserved", "is reserved"),
        ("quote", "quotation"),
        ("undefined", "There is no variable 'undefined'."),
    ],
)
def test_bad_options_fail_the_cell_before_it_runs(executed: Executed, name: str, says: str) -> None:
    (error,) = executed.cells[name].outputs
    assert error.ename == ("UnknownName" if name == "undefined" else "BadInput")
    assert says in "\n".join(error.traceback)
    assert len(error.traceback) <= 3
    assert name not in executed.runs


def test_other_cell_magics_work_below(executed: Executed) -> None:
    assert executed.cells["timed"].outputs[-1].data["text/plain"] == "6"
    assert executed.cells["empty"].outputs == []
    assert "--experiment" in executed.cells["help"].outputs[0].text
    assert {"timed", "empty"} <= set(executed.runs)


def test_a_cell_that_runs_cells_is_one_run(executed: Executed) -> None:
    assert executed.runs["outer"].metrics == {"late": 1}
    assert set(executed.runs) == {"await", "timed", "empty", "outer"}


# -- without a kernel ----------------------------------------------------------------------------


@pytest.fixture
def shell(project: Project) -> Iterator[RaisingShell]:
    with raising_shell() as made:
        yield made


def test_a_plain_shell_tracks_too(project: Project, shell: RaisingShell, tmp_path: Path) -> None:
    shell.run_cell(
        "%%track plain\nfrom IPython.display import display, HTML\ndisplay(HTML('x'))\n7",
        store_history=True,
    )
    run = only_run()
    assert (run.name, run.status) == ("plain", "FINISHED")
    shown, result = as_it_ran(run, tmp_path).cells[-1].outputs
    assert shown.data["text/html"] == "x"
    assert result.data["text/plain"] == "7"


def test_a_cell_without_history_is_kept_too(
    project: Project, shell: RaisingShell, tmp_path: Path
) -> None:
    shell.run_cell("%%track plain\n7")
    (cell,) = as_it_ran(only_run(), tmp_path).cells
    assert cell.source == "%%track plain\n7"
    assert cell.outputs[0].data["text/plain"] == "7"


def test_the_magic_called_by_name_tracks_a_text(project: Project, shell: RaisingShell) -> None:
    with pytest.raises(ZeroDivisionError):
        shell.run_cell("get_ipython().run_cell_magic('track', 'text', 'y = 2\\n1 / 0')")
    run = only_run()
    assert (run.name, run.status) == ("text", "FAILED")
    assert shell.user_ns["y"] == 2
    assert shell.showtraceback.__name__ == "showtraceback"


def test_without_the_magic_nothing_changes() -> None:
    from mlnb.ui.track_cell import rewrite

    for lines in ([], ["x = 1\n"], ["%%tracked\n", "x"], ["%%track?\n"], ["%%time\n", "x"]):
        assert rewrite(list(lines)) == lines
    first, *rest = rewrite(["%%track a b\r\n", "x = (\n", "1)\n"])
    assert first == "get_ipython().track_cell('a b')\n"
    assert rest == ["x = (\n", "1)\n"]


def test_loading_twice_rewrites_once(project: Project, shell: RaisingShell) -> None:
    from mlnb.ui.track_cell import rewrite

    shell.run_cell("%reload_ext mlnb")
    assert shell.input_transformers_cleanup.count(rewrite) == 1
    assert json.loads("[]") == runs.list_runs()
