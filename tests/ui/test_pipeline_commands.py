import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mlnb.core.project import Project
from mlnb.testing.notebooks import write_notebook
from mlnb.testing.shell import raising_shell
from mlnb.ui.cli import main


@pytest.fixture
def pipeline(project: Project) -> Path:
    """Write a pipeline whose one step glues its parameters."""
    write_notebook(
        project.root / "a.ipynb",
        "import mlnb",
        "for name in ('n', 'text', 'rate', 'flag'):\n    mlnb.glue(name, globals()[name])",
        parameters="n = 0\ntext = ''\nrate = 0.0\nflag = None",
    )
    names = ("n", "text", "rate", "flag")
    values = ", ".join(f'{name}: "${{{{ params.{name} }}}}"' for name in names)
    file = project.root / "pipeline.yaml"
    file.write_text(
        "name: shown\nparams: {n: 1, text: '', rate: 0.5, flag: null}\n"
        f"steps:\n  a:\n    notebook: a.ipynb\n    params: {{{values}}}\n",
        encoding="utf-8",
    )
    return file


@pytest.fixture
def failing(project: Project) -> Path:
    write_notebook(project.root / "bad.ipynb", "1", "1 / 0")
    file = project.root / "failing.yaml"
    file.write_text("name: failing\nsteps: {bad: {notebook: bad.ipynb}}", encoding="utf-8")
    return file


def test_a_run_says_what_happens_line_by_line(
    pipeline: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(pipeline)]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^shown-\d{8}-\d{4}-[0-9a-f]{4}: 1 step$", shown, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d:\d\d  a: RUNNING a\.ipynb$", shown, re.MULTILINE)
    assert re.search(r"a: FINISHED after \d+\.\d s, 3/3 cells$", shown, re.MULTILINE)
    assert "report.html" in shown


def test_a_failed_run_names_notebook_cell_and_error_and_exits_1(
    failing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(failing)]) == 1
    errors = capsys.readouterr().err
    assert "Step 'bad' failed: bad.ipynb, cell 2: ZeroDivisionError: division by zero" in errors
    assert "bad.ipynb. The report is .mlnb/runs/" in errors


def test_the_files_of_a_run_can_be_opened_from_where_it_was_started(
    failing: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = failing.parent / "deeper"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert main(["run", "../failing.yaml"]) == 1
    shown = capsys.readouterr()
    [report] = re.findall(r"report +(\S+)", shown.out)
    assert Path(report).is_file()
    [output, same] = re.findall(r"See (\S+)\. The report is (\S+)\.$", shown.err, re.MULTILINE)[0]
    assert Path(output).is_file()
    assert same == report
    assert main(["pipeline", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["report"] == report


def test_parameters_are_given_as_to_papermill(
    pipeline: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    (project.root / "values.yaml").write_text("n: 2\nrate: 0.1\n", encoding="utf-8")
    arguments = ["run", ".", "-f", "values.yaml", "-y", "{rate: 1, flag: [1, 2]}"]
    arguments += ["-p", "n", "7", "-r", "text", "7", "--json"]
    assert main(arguments) == 0
    shown = capsys.readouterr()
    [step] = json.loads(shown.out)["steps"]
    assert step["values"] == {"n": 7, "text": "7", "rate": 1, "flag": [1, 2]}
    assert "a: FINISHED" in shown.err


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), ("None", None), ("1.5", 1.5), ("1e3", 1000.0), ("x", "x")]
)
def test_p_recognises_numbers_and_constants(
    pipeline: Path, capsys: pytest.CaptureFixture[str], text: str, value: object
) -> None:
    assert main(["pipeline", "plan", str(pipeline), "-p", "flag", text, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"]["flag"] == value


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nowhere.yaml"], "There is no pipeline 'nowhere.yaml'"),
        (["run", ".", "-p", "m", "1"], "Pipeline 'shown' has no parameter 'm'"),
        (["run", ".", "-p", "n", "many"], "parameter n = 'many'"),
        (["run", ".", "-f", "value.yaml"], "There is no parameter file 'value.yaml'"),
        (["run", ".", "-y", "{a"], "-y, line 1"),
        (["run", ".", "-w", "0"], "0 is not in the range"),
        (["run"], "Missing argument 'PIPELINE'"),
        (["pipeline", "show", "nothing"], "There is no pipeline run 'nothing'"),
        (["pipeline", "rnu"], "Did you mean 'run'?"),
    ],
)
def test_bad_input_is_one_clear_error(
    pipeline: Path,
    project: Project,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    assert main(arguments) == 4
    shown = capsys.readouterr()
    assert message in shown.err
    assert shown.err.count("Error") == 1
    assert shown.out == ""
    assert not (project.root / ".mlnb" / "runs").exists()


def test_past_runs_are_listed_and_shown(
    pipeline: Path, failing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pipeline", "list"]) == 0
    assert "No pipeline has run yet" in capsys.readouterr().out
    main(["run", str(pipeline)])
    main(["run", str(failing)])
    capsys.readouterr()
    assert main(["pipeline", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(run["pipeline"], run["status"]) for run in listed] == [
        ("failing", "FAILED"),
        ("shown", "FINISHED"),
    ]
    assert main(["pipeline", "show", "shown"]) == 0
    assert "n=1" in capsys.readouterr().out
    assert main(["pipeline", "list", "-n", "1"]) == 0
    assert "shown-" not in capsys.readouterr().out


def test_a_plan_runs_nothing(
    pipeline: Path, project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pipeline", "plan", str(pipeline)]) == 0
    assert "a.ipynb" in capsys.readouterr().out
    assert not (project.root / ".mlnb" / "runs").exists()


def test_the_same_words_work_in_a_notebook(
    pipeline: Path, failing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlnb.core.errors import StepFailed, UnknownParameter

    with raising_shell() as shell:
        run = shell.run_cell("%pipeline run . -p n 3").result
        assert (run.status, run.steps[0].values["n"]) == ("FINISHED", 3)
        html = shell.display_formatter.format(run)[0]["text/html"]
        assert "FINISHED" in html
        with pytest.raises(UnknownParameter):
            shell.run_cell("%pipeline run . -p m 3")
        with pytest.raises(StepFailed):
            shell.run_cell("%pipeline run failing.yaml")


def in_terminal(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Run mlnb in a pseudo-terminal; returns its exit code and all it wrote."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    program = subprocess.Popen(
        [sys.executable, "-m", "mlnb", *arguments],
        cwd=folder,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = b""
    while True:
        try:
            block = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not block:
            break
        written += block
    os.close(ours)
    return program.wait(60), written.decode(errors="replace")


def test_a_terminal_shows_the_steps_live(project: Project) -> None:
    write_notebook(project.root / "a.ipynb", "1", "import time\ntime.sleep(1.5)", "3", "1 / 0")
    (project.root / "pipeline.yaml").write_text(
        "name: live\nsteps: {slow: {notebook: a.ipynb}, next: {notebook: a.ipynb, needs: slow}}",
        encoding="utf-8",
    )
    code, shown = in_terminal(["run", "."], project.root)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert code == 1
    assert "2/4" in plain, "the running cell is shown"
    assert re.search(r"▶\s+slow", plain)
    assert re.search(r"live-\S+\s+0/2 steps", plain)
    assert "\x1b[1A" in shown, "it draws over what it drew"
    assert plain.count("Step 'slow' failed: a.ipynb, cell 4: ZeroDivisionError") == 1
    assert "RUNNING a.ipynb" not in plain, "no plain lines in between"
