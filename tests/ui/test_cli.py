"""The ``mlnb`` program: what it prints where, and its exit codes."""

import errno
import json
import subprocess
import sys
from types import ModuleType
from typing import Any

import click
import pytest

import mlnb
from mlnb.core.errors import BadInput, Failed
from mlnb.ui.cli import main
from mlnb.ui.grammar import Noun, Outcome
from mlnb.ui.nouns import NOUNS, Entry
from mlnb.ui.render import View


@click.group("probe", cls=Noun)
def probe() -> None:
    """Do what a test asks."""


@probe.command("work")
def work() -> View:
    """Work."""
    return View("Worked", fields=[("answer", 42)])


@probe.command("nothing")
def nothing() -> None:
    """Return nothing."""


@probe.command("number")
@click.argument("value", type=int)
def number(value: int) -> str:
    """Return text."""
    return f"number {value}"


@probe.command("refuse")
def refuse() -> None:
    """Refuse."""
    raise BadInput("It cannot be.", "Try another.")


@probe.command("fail")
def fail() -> Outcome:
    """Show a result that is a failure."""
    return Outcome(View("Half of it"), Failed("The other half failed."))


@probe.command("stop")
def stop() -> None:
    """Be interrupted."""
    raise KeyboardInterrupt


@probe.command("break")
def break_() -> None:
    """Break."""
    raise ZeroDivisionError


@probe.command("fill")
def fill() -> None:
    """Meet a full disk."""
    raise OSError(errno.ENOSPC, "No space left on device", "a.parquet")


@pytest.fixture(autouse=True)
def noun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enter the noun of this module in the table."""
    module: Any = ModuleType("probe_commands")
    module.probe = probe
    monkeypatch.setitem(sys.modules, "probe_commands", module)
    monkeypatch.setitem(NOUNS, "probe", Entry("probe_commands:probe", "Do what a test asks."))


def test_a_result_is_printed_and_the_exit_code_is_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "work"]) == 0
    out, err = capsys.readouterr()
    assert "Worked" in out
    assert "42" in out
    assert not err


def test_json_is_all_that_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "work", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fields"] == [["answer", 42]]


def test_a_verb_may_return_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "nothing"]) == 0
    assert capsys.readouterr() == ("", "")


def test_bad_input_is_one_error_and_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "refuse"]) == 4
    out, err = capsys.readouterr()
    assert not out
    assert err.splitlines() == ["Error: It cannot be.", "Try another."]


def test_an_error_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "refuse", "--json"]) == 4
    assert json.loads(capsys.readouterr().out) == {
        "error": "BadInput",
        "message": "It cannot be.",
        "fix": "Try another.",
    }


def test_a_failed_outcome_is_shown_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "fail"]) == 1
    out, err = capsys.readouterr()
    assert "Half of it" in out
    assert "Error: The other half failed." in err


def test_a_failed_outcome_as_json_keeps_the_output_readable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["probe", "fail", "--json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["title"] == "Half of it"
    assert "The other half failed." in err


def test_interruption_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "stop"]) == 2
    assert "Interrupted." in capsys.readouterr().err


def test_a_bug_is_3_and_shows_where(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "break"]) == 3
    err = capsys.readouterr().err
    assert "ZeroDivisionError" in err
    assert "This is a bug in mlnb." in err


def test_a_full_disk_is_one_clear_error_and_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", "fill"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("Error: The disk refuses for a.parquet: No space left on device.")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prob"], "Did you mean 'probe'?"),
        (["probe", "wrok"], "Did you mean 'work'?"),
        (["probe", "work", "--nope"], "No such option"),
        (["probe", "number", "x"], "not a valid integer"),
        (["probe", "number"], "Missing argument"),
    ],
)
def test_usage_errors_are_4(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 4
    out, err = capsys.readouterr()
    assert not out
    assert message in err


@pytest.mark.parametrize(
    "arguments", [["--help"], ["-h"], ["probe", "--help"], ["probe", "-h"], ["probe", "work", "-h"]]
)
def test_help_is_everywhere(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 0
    assert "Usage: mlnb" in capsys.readouterr().out


def test_help_lists_every_noun_of_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    out = capsys.readouterr().out
    for name, entry in NOUNS.items():
        assert (f"\n  {name} " in out) == entry.program, name


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mlnb {mlnb.__version__}\n"


def test_python_m_mlnb_is_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mlnb", "projct"], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 4
    assert "Did you mean 'project'?" in done.stderr


@pytest.mark.parametrize("option", [[], ["--json"]])
def test_a_closed_pipe_is_1_without_a_traceback(option: list[str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "mlnb", "project", "settings", *option],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    err = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=30) == 1
    assert not err


def test_a_noun_for_notebooks_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["track", "start"]) == 4
    assert "'track' is for notebooks: type %track or %%track" in capsys.readouterr().err
