"""mlnb model and %model."""

import json
from typing import Any

import pytest

from mlnb.core.errors import GateRefused
from mlnb.core.project import Project
from mlnb.testing.shell import raising_shell
from mlnb.tracking import models
from mlnb.ui.cli import main


@pytest.fixture
def estimator() -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])


@pytest.fixture
def two(project: Project, estimator: Any) -> None:
    """Register two versions."""
    from mlnb import tracking

    with tracking.track("train"):
        models.register(estimator, "line", metrics={"r2": 1.0})
        models.register(estimator, "line", metrics={"r2": 0.9})


def test_a_notebooks_life_of_a_model(project: Project, estimator: Any) -> None:
    import pandas as pd

    with raising_shell() as shell:
        shell.user_ns |= {"model": estimator, "X": pd.DataFrame({"x": [0.0, 1.0]})}
        estimator.fit(shell.user_ns["X"], [0.0, 1.0])
        made = shell.run_cell("%model register model line --example X --metric r2=1 -m 'a line'")
        assert (made.result.ref, made.result.metrics) == ("line@1", {"r2": 1.0})
        assert [column.name for column in made.result.inputs] == ["x"]
        shell.run_cell("version = 'line@1'")
        promoted = shell.run_cell("%model promote {version} --reason 'the first'").result
        assert promoted.aliases == ["champion"]
        shown = shell.run_cell("%model show line@champion").result
        html = shell.display_formatter.format(shown)[0]["text/html"]  # type: ignore[union-attr]
        assert "line@1" in html
        assert [c.reason for c in shell.run_cell("%model history line").result] == ["the first"]


def test_a_shells_life_of_a_model(two: None, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (
        ["promote", "line@1", "--reason", "first"],
        ["promote", "line@2"],
        ["rollback", "line", "--reason", "worse"],
    ):
        assert main(["model", *arguments]) == 0
    capsys.readouterr()
    assert main(["model", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(item["number"], item["aliases"]) for item in found] == [(1, ["champion"]), (2, [])]
    assert main(["model", "history", "line"]) == 0
    shown = capsys.readouterr().out
    assert "rollback" in shown
    assert "worse" in shown
    assert main(["model", "show", "line"]) == 0
    assert "line@2" in capsys.readouterr().out


def test_a_refused_gate_is_exit_one(two: None, capsys: pytest.CaptureFixture[str]) -> None:
    models.set_gate("line@2", False, "suite-3")
    assert main(["model", "promote", "line@2"]) == 1
    assert "The gate refuses line@2" in capsys.readouterr().err
    with raising_shell() as shell, pytest.raises(GateRefused):
        shell.run_cell("%model promote line@2")
    assert main(["model", "promote", "line@2", "--force"]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["show", "lien"], "Did you mean 'line'?"),
        (["promote", "line@9"], "There is no model version 'line@9'"),
        (["rollback", "line"], "no earlier holder"),
        (["promote", "line@1", "--alias", "a b"], "cannot name an alias"),
        (["register", "nothing.skops", "line"], "no model file"),
        (["register", "x.skops", "line", "--metric", "r2=high"], "'high' is no number"),
        (["history", "other"], "There is no model 'other'"),
    ],
)
def test_bad_input_is_one_error(
    two: None, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert main(["model", *arguments]) == 4
    output = capsys.readouterr()
    assert says in output.err
    assert "Traceback" not in output.err
    assert [version.number for version in models.show("line")] == [1, 2]
    assert models.resolve("line@2").aliases == []
