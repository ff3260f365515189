"""``%noun``: the CLI's commands in a notebook."""

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import click
import pytest
from IPython.utils.capture import capture_output

from mlnb.core.errors import BadInput, Failed
from mlnb.core.project import Project
from mlnb.testing.shell import RaisingShell, raising_shell
from mlnb.ui.grammar import Data, Noun, Outcome
from mlnb.ui.nouns import NOUNS, Entry
from mlnb.ui.render import View


@click.group("probe", cls=Noun)
def probe() -> None:
    """Do what a test asks."""


@probe.command("double")
@click.argument("data", type=Data())
@click.option("-m", "message", default="", help="Text.")
def double(data: Any, message: str) -> View:
    """Double a variable."""
    return View("Doubled", fields=[("value", data * 2), ("message", message)])


@probe.command("fail")
def fail() -> Outcome:
    """Show a result that is a failure."""
    return Outcome(View("Half of it"), Failed("The other half failed."))


@pytest.fixture
def shell(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[RaisingShell]:
    """Give a shell with the noun of this module."""
    module: Any = ModuleType("probe_magics")
    module.probe = probe
    monkeypatch.setitem(sys.modules, "probe_magics", module)
    monkeypatch.setitem(NOUNS, "probe", Entry("probe_magics:probe", "Do what a test asks."))
    with raising_shell() as made:
        yield made


def test_loading_the_extension_registers_every_magic(shell: RaisingShell) -> None:
    magics = shell.magics_manager.magics
    for name, entry in NOUNS.items():
        assert (name in magics["line"]) >= entry.line, name
        assert (name in magics["cell"]) >= bool(entry.cell), name
    assert "mlnb" in magics["line"]["project"].__module__


def test_run_stays_ipythons(shell: RaisingShell) -> None:
    assert "mlnb" not in type(shell.magics_manager.magics["line"]["run"].__self__).__module__


def test_a_name_is_the_notebooks_variable(shell: RaisingShell) -> None:
    shell.run_cell("x = 21")
    result = shell.run_cell('%probe double x -m "two words"').result
    assert result == View("Doubled", fields=[("value", 42), ("message", "two words")])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("{x}", "21"),
        ("{x * 2}", "42"),
        ("{{x}}", "{x}"),
        ('{"x": 1}', '{"x": 1}'),
        ("flights@{yesterday}", "flights@{yesterday}"),
        ("a{}b", "a{}b"),
    ],
)
def test_braces_are_filled_in_or_left_alone(shell: RaisingShell, typed: str, said: str) -> None:
    shell.run_cell("x = 21")
    result = shell.run_cell(f"%probe double x -m '{typed}'").result
    assert result.fields[1] == ("message", said)


def test_a_result_can_be_kept(shell: RaisingShell) -> None:
    shell.run_cell("x = [1]\nkept = %probe double x")
    assert shell.user_ns["kept"].fields[0] == ("value", [1, 1])


def test_a_result_is_displayed_as_html_and_text(shell: RaisingShell) -> None:
    shell.run_cell("x = 1")
    result = shell.run_cell("%probe double x").result
    data, _ = shell.display_formatter.format(result)
    assert set(data) == {"text/html", "text/plain"}
    assert "Doubled" in data["text/html"]
    assert "Doubled" in data["text/plain"]


def test_json_is_printed(shell: RaisingShell) -> None:
    shell.run_cell("x = 1")
    with capture_output() as captured:
        result = shell.run_cell("%probe double x --json").result
    assert result is None
    assert '"Doubled"' in captured.stdout


@pytest.mark.parametrize("line", ["%probe --help", "%probe double --help"])
def test_help_works_in_a_cell(shell: RaisingShell, line: str) -> None:
    with capture_output() as captured:
        result = shell.run_cell(line).result
    assert result is None
    assert "Usage: %probe" in captured.stdout


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("%probe duble x", "There is no %probe 'duble'. Did you mean 'double'?"),
        ("%probe double", "Missing argument 'DATA'"),
        ("%probe double y", "There is no variable or file 'y'."),
        ("%probe double x --nope", "No such option"),
        ("%probe double x -m {massage}", "There is no variable 'massage'. Did you mean 'message'?"),
        ("%probe double x -m {massage[0]:>3}", "There is no variable 'massage'."),
        ('%probe double "x', "The line cannot be read: No closing quotation."),
    ],
)
def test_bad_input_is_one_clear_error(shell: RaisingShell, line: str, message: str) -> None:
    shell.run_cell("x, message = 1, 'm'")
    with pytest.raises(BadInput) as caught:
        shell.run_cell(line)
    assert message in str(caught.value)
    shown = caught.value._render_traceback_()  # type: ignore[attr-defined]  # set per error
    assert shown[0].startswith(f"{type(caught.value).__name__}: ")
    assert not any("Traceback" in part or "File " in part for part in shown)
    assert all(shown)


def test_a_noun_alone_shows_its_help_once(shell: RaisingShell) -> None:
    with pytest.raises(BadInput) as caught:
        shell.run_cell("%probe")
    assert str(caught.value).count("Usage: %probe") == 1


def test_a_failed_outcome_is_shown_and_raised(shell: RaisingShell) -> None:
    with capture_output() as captured, pytest.raises(Failed, match="The other half failed"):
        shell.run_cell("%probe fail")
    assert "Half of it" in captured.outputs[0].data["text/html"]


def test_a_plain_cell_is_untouched(shell: RaisingShell) -> None:
    with pytest.raises(ZeroDivisionError):
        shell.run_cell("1 / 0")
    assert shell.run_cell("6 * 7").result == 42


def test_records_are_displayed_without_any_magic(shell: RaisingShell) -> None:
    shell.run_cell("from mlnb.core.records import Column\nc = Column(name='delay', type='int64')")
    data, _ = shell.display_formatter.format(shell.user_ns["c"])
    assert "delay" in data["text/html"]
    assert data["application/vnd.mlnb.v1+json"]["record"]["name"] == "delay"


def test_the_project_magic_is_the_projects_command(shell: RaisingShell) -> None:
    result = shell.run_cell("%project settings").result
    assert tuple(result.tables[0].rows[0][:3]) == ("name", "test-project", "MLNB_NAME")
