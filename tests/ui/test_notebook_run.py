import base64
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest
from papermill.cli import papermill

from mlnb.core.project import Project
from mlnb.testing.notebooks import write_notebook
from mlnb.ui import cli
from mlnb.ui.commands.notebook import run

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "notebooks.md"


def flags(command: click.Command) -> set[str]:
    return {
        flag
        for item in command.params
        if isinstance(item, click.Option)
        for flag in (*item.opts, *item.secondary_opts)
    }


def outputs_of(text: str) -> list[dict[str, Any]]:
    return [item for cell in json.loads(text)["cells"] for item in cell.get("outputs", [])]


def test_every_flag_of_papermill_is_taken_or_named_in_the_guide() -> None:
    missing = flags(papermill) - flags(run)
    assert missing == {"--version"}
    assert "`--version`" in GUIDE.read_text(encoding="utf-8")


def test_a_notebook_comes_from_a_pipe_and_goes_to_one(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_notebook(project.root / "a.ipynb", "print(n + 1)", parameters="n = 1")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(source.read_bytes())))
    assert cli.main(["notebook", "run", "-", "-", "-p", "n", "41"]) == 0
    shown = capsys.readouterr().out
    assert [item["text"] for item in outputs_of(shown)] == [["42\n"]]
    assert json.loads(shown)["metadata"]["papermill"]["output_path"] == "stdout"


def test_an_address_that_cannot_be_read_is_one_error(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["notebook", "run", "nowhere://a/b.ipynb", "out.ipynb"]) != 0
    shown = capsys.readouterr().err
    assert "nowhere://a/b.ipynb" in shown
    assert "Traceback" not in shown
    assert not (project.root / "out.ipynb").exists()


def test_outputs_go_to_files_and_to_the_log(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(
        project.root / "a.ipynb", "import sys\nprint('one')\nprint('two', file=sys.stderr)"
    )
    words = ["--stdout-file", "o.txt", "--stderr-file", "e.txt", "--log-output"]
    assert cli.main(["notebook", "run", "a.ipynb", "out.ipynb", *words]) == 0
    assert (project.root / "o.txt").read_text(encoding="utf-8") == "one\n"
    assert (project.root / "e.txt").read_text(encoding="utf-8") == "two\n"
    shown = capsys.readouterr().err
    assert "one" in shown
    assert "two" in shown


def test_paths_are_given_as_parameters_that_need_no_declaration(project: Project) -> None:
    write_notebook(project.root / "a.ipynb", "print(PAPERMILL_INPUT_PATH, PAPERMILL_OUTPUT_PATH)")
    assert cli.main(["notebook", "run", "a.ipynb", "b.ipynb", "--inject-paths"]) == 0
    body = (project.root / "b.ipynb").read_text(encoding="utf-8")
    assert outputs_of(body)[0]["text"] == ["a.ipynb b.ipynb\n"]


def test_of_several_ways_to_give_a_value_papermills_order_decides(project: Project) -> None:
    write_notebook(project.root / "a.ipynb", "print(n)", parameters="n = 1")
    encoded = base64.b64encode(b"n: 2").decode()
    assert cli.main(["notebook", "run", "a.ipynb", "b.ipynb", "-y", "n: 3", "-b", encoded]) == 0
    body = (project.root / "b.ipynb").read_text(encoding="utf-8")
    assert outputs_of(body)[0]["text"] == ["3\n"]


def test_a_parameter_file_in_another_encoding_is_one_error(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(project.root / "a.ipynb", "1", parameters="n = 1")
    (project.root / "p.yaml").write_bytes("n: 'ü'".encode("latin-1"))
    assert cli.main(["notebook", "run", "a.ipynb", "b.ipynb", "-f", "p.yaml"]) == 4
    assert "UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("engine", ["inprocess", "kernel"])
def test_a_secret_is_in_no_file_at_any_moment(
    project: Project, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("MLNB_SECRET_TOKEN", "hunter2hunter2")
    look = (
        "import time\nfrom pathlib import Path\nprint('key', token, flush=True)\n"
        "end = time.monotonic() + 10\nseen = ''\n"
        "while 'key' not in seen and time.monotonic() < end:\n"
        "    time.sleep(0.1)\n    seen = Path('b.ipynb').read_text().replace('print(\\'key', '')\n"
        "print('saved', 'key (' in seen, 'hunter2' + 'hunter2' in seen)"
    )
    declared = "from mlnb import Secret\ntoken: Secret = ''"
    write_notebook(project.root / "a.ipynb", look, parameters=declared)
    words = ["--autosave-cell-every", "0.2", "--stdout-file", "o.txt", "--engine", engine]
    assert cli.main(["notebook", "run", "a.ipynb", "b.ipynb", *words]) == 0
    assert "saved True False" in (project.root / "b.ipynb").read_text(encoding="utf-8")
    assert "hunter2hunter2" not in (project.root / "b.ipynb").read_text(encoding="utf-8")
    assert (project.root / "o.txt").read_text(encoding="utf-8").startswith("key (redacted)")


@pytest.mark.parametrize(
    "words",
    [
        ["folder"],
        ["file/out.ipynb"],
        ["b.ipynb", "--stdout-file", "missing/o.txt"],
        ["b.ipynb", "-y", "n: &x [*x]"],
        ["b.ipynb", "-y", "n: " + "[" * 5000],
    ],
)
def test_what_cannot_be_written_or_read_is_one_error(
    project: Project, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    write_notebook(project.root / "a.ipynb", "1", parameters="n = 1")
    (project.root / "folder").mkdir()
    (project.root / "file").touch()
    assert cli.main(["notebook", "run", "a.ipynb", *words]) not in (0, 3)
    shown = capsys.readouterr().err
    assert "Error" in shown
    assert "Traceback" not in shown
    assert not (project.root / "b.ipynb").exists()


def test_sigterm_keeps_what_was_there_until_then(project: Project) -> None:
    write_notebook(
        project.root / "a.ipynb",
        "print('before')",
        "import time\nopen('started', 'w').close()\ntime.sleep(60)",
    )
    words = [sys.executable, "-m", "mlnb", "notebook", "run", "a.ipynb", "b.ipynb"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 60
        while not (project.root / "started").exists() and time.monotonic() < end:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 2
    assert "before" in str(outputs_of((project.root / "b.ipynb").read_text(encoding="utf-8")))
