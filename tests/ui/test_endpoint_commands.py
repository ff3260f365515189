"""``mlnb endpoint`` and ``%endpoint``, ``%deploy``, ``%rollback``: one grammar, two surfaces."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlnb import models, serving
from mlnb.core import project as projects
from mlnb.core.errors import BadInput, GateRefused, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import EndpointStatus, Release
from mlnb.serving.targets.local import LocalTarget
from mlnb.testing.shell import raising_shell
from mlnb.ui import render
from mlnb.ui.cli import main

FRAME = pd.DataFrame({"x": np.linspace(-1, 1, 60)})


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Register late@1 and late@2, which the gate refused, in a project for this module."""
    project = projects.init(tmp_path_factory.mktemp("ui") / "project", "ui-tests")
    with projects.using(project):
        for above in (0.0, 0.5):
            model = LogisticRegression(C=1000).fit(FRAME, FRAME["x"] > above)
            models.register(model, "late", example=FRAME)
        models.set_gate("late@2", False, "suite-1")
    return project


@pytest.fixture
def here(registry: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(registry.root)
    yield registry
    for name in LocalTarget().names():
        LocalTarget().stop(name)


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main([*arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.usefixtures("here")
def test_the_life_of_an_endpoint_in_a_notebook_and_in_a_shell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with raising_shell() as shell:
        shell.user_ns["version"] = "late@1"
        release = shell.run_cell('%deploy {version} --to a --reason "first release"').result
        assert isinstance(release, Release)
        assert (release.model, release.number, release.reason) == ("late@1", 1, "first release")
        status = shell.run_cell("%endpoint show a").result
        assert isinstance(status, EndpointStatus)
        assert status.status == "running"
        listed = shell.run_cell("%endpoint list").result
        bundle, _ = shell.display_formatter.format(listed)  # type: ignore[union-attr]
        assert bundle["text/plain"] == render.to_text(listed)
        assert "<table" in bundle["text/html"]
        with pytest.raises(BadInput, match="saved with the output"):
            shell.run_cell("%endpoint token a")
    token = serving.endpoint("a").token
    for shown in (render.to_text(status), render.to_html(status)):
        assert status.url in shown
        assert "mlnb endpoint token a" in shown
        assert "…" not in shown, "the command asks for a row that the model takes"
        assert token not in shown

    capsys.readouterr()
    assert main(["endpoint", "token", "a"]) == 0
    assert capsys.readouterr().out.strip() == token
    assert run(capsys, "deploy", "late@1", "--to", "a", "-m", "again")["number"] == 2
    back = run(capsys, "rollback", "a", "-m", "drill")
    assert (back["action"], back["restores"], back["model"]) == ("rollback", 1, "late@1")
    assert [item["number"] for item in run(capsys, "endpoint", "history", "a")] == [1, 2, 3]
    (listed,) = run(capsys, "endpoint", "list")
    assert (listed["name"], listed["status"], listed["release"]) == ("a", "running", 3)
    assert "commit" in run(capsys, "endpoint", "logs", "a", "-n", "30")
    assert run(capsys, "endpoint", "stop", "a")["status"] == "stopped"
    assert main(["endpoint", "list"]) == 0
    assert "stopped" in capsys.readouterr().out


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["deploy", "late@2", "--to", "b"], 1, "GateRefused"),
        (["deploy", "lat", "--to", "b"], 4, "UnknownName"),
        (["deploy", "late@1", "--to", "b/c"], 4, "InvalidName"),
        (["deploy", "late@1", "--to", "b", "--port", "99999"], 4, "BadInput"),
        (["rollback", "b"], 4, "UnknownName"),
        (["endpoint", "show", "b"], 4, "UnknownName"),
        (["endpoint", "stop", "b"], 4, "UnknownName"),
        (["endpoint", "history", "b"], 4, "UnknownName"),
        (["endpoint", "logs", "b"], 4, "UnknownName"),
        (["endpoint", "token", "b"], 4, "UnknownName"),
    ],
)
def test_bad_input_is_one_clear_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, error: str
) -> None:
    said = run(capsys, *arguments, code=code)
    assert said["error"] == error
    assert said["message"]
    assert "b" not in LocalTarget().names()


@pytest.mark.usefixtures("here")
def test_the_same_errors_in_a_notebook() -> None:
    with raising_shell() as shell:
        with pytest.raises(GateRefused, match="late@2"):
            shell.run_cell("%deploy late@2 --to b")
        with pytest.raises(UnknownName, match="no endpoint 'b'"):
            shell.run_cell("%rollback b")
        with pytest.raises(BadInput, match="Missing option '--to'"):
            shell.run_cell("%deploy late@1")


def test_there_may_be_none(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["endpoint", "list"]) == 0
    assert "deploy MODEL --to NAME" in capsys.readouterr().out


@pytest.mark.parametrize(
    "verb", ["deploy", "list", "show", "history", "rollback", "logs", "token", "stop"]
)
def test_every_verb_has_help(capsys: pytest.CaptureFixture[str], verb: str) -> None:
    assert main(["endpoint", verb, "--help"]) == 0
    assert "Usage: mlnb endpoint" in capsys.readouterr().out


def test_a_stopped_endpoint_shows_no_counts() -> None:
    text = render.to_text(EndpointStatus(name="a", status="stopped"))
    assert "requests" not in text
    assert "curl" not in text


def test_a_failed_one_says_why() -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    status = EndpointStatus(name="a", status="failed", detail="5 crashes in a row", since=since)
    assert "5 crashes in a row" in render.to_text(status)
    assert render.laid_out(status).status == "bad"
