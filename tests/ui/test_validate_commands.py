"""``mlnb validate`` and ``%validate``: files and references in a shell, variables in a notebook."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlnb import datasets, models
from mlnb.core import project as projects
from mlnb.core.errors import EXIT_FAILED, EXIT_USAGE, GateRefused, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import SuiteResult
from mlnb.testing.shell import raising_shell
from mlnb.ui import render
from mlnb.ui.cli import main

SUITE = """\
name: gate
label: late
positive: 1
resamples: 200
limits: {roc_auc: {min: 0.65}}
champion: {metric: roc_auc, margin: 0.005}
"""


def flights(seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    frame = pd.DataFrame({"rain": random.normal(size=800), "noise": random.normal(size=800)})
    return frame.assign(late=(frame["rain"] + random.normal(size=800) > 0).astype(int))


def fitted(feature: str) -> LogisticRegression:
    train = flights(1)
    return LogisticRegression().fit(train[[feature]], train["late"])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Register late@1, which is good, and late@2, which guesses."""
    project = projects.init(tmp_path_factory.mktemp("ui") / "project", "ui-tests")
    with projects.using(project):
        datasets.save(flights(2), "test")
        for feature in ("rain", "noise"):
            example = flights(1)[[feature]].head(9)
            models.register(fitted(feature), "late", example=example, data=["test"])
    (project.root / "gate.yaml").write_text(SUITE)
    flights(2).to_csv(project.root / "test.csv", index=False)
    return project


@pytest.fixture(autouse=True)
def here(registry: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.chdir(registry.root)
    return registry


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main(["validate", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("data", ["test", "test@1", "test.csv"])
def test_a_good_model_passes_on_a_dataset_or_a_file(
    capsys: pytest.CaptureFixture[str], data: str
) -> None:
    result = run(capsys, "gate.yaml", "--model", "late@1", "--data", data)
    assert result["passed"] is True
    assert result["model"] == "late@1"
    assert result["data"] == ("" if data == "test.csv" else "test@1")


def test_a_refusal_shows_the_checks_and_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["validate", "gate.yaml", "--model", "late@2", "--data", "test"]
    assert main([*arguments, "--champion", "late@1"]) == EXIT_FAILED
    printed = capsys.readouterr()
    assert "late@2 did not pass gate" in printed.out
    assert "FAILED" in printed.out
    assert "The gate refuses late@2" in printed.err
    assert "against 0." in printed.err
    assert models.resolve("late@2").gate == "refused"


def test_a_refusal_may_be_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    result = run(capsys, "gate.yaml", "--model", "late@2", "--data", "test", "--no-fail")
    assert result["passed"] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gat.yaml", "--model", "late@1", "--data", "test"], "Did you mean 'gate.yaml'"),
        (["gate.yaml", "--model", "laet@1", "--data", "test"], "Did you mean 'late'"),
        (["gate.yaml", "--model", "late@7", "--data", "test"], "7"),
        (["gate.yaml", "--model", "late@1", "--data", "tset"], "Did you mean 'test'"),
        (["gate.yaml", "--model", "late@1", "--data", "tset.csv"], "Did you mean 'test.csv'"),
        (["gate.yaml", "--data", "test"], "--model"),
    ],
)
def test_bad_input_is_one_clear_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["validate", *arguments]) == EXIT_USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert "Traceback" not in printed.err


def test_variables_of_the_notebook() -> None:
    with raising_shell() as shell:
        shell.user_ns.update(clf=fitted("rain"), held_out=flights(2))
        result = shell.run_cell("%validate gate.yaml --model clf --data held_out").result
        assert isinstance(result, SuiteResult)
        assert result.passed
        assert result.model == "LogisticRegression (not registered)"
        shell.user_ns["suite"] = {
            "name": "strict",
            "label": "late",
            "limits": {"roc_auc": {"min": 0.99}},
        }
        with pytest.raises(GateRefused):
            shell.run_cell("%validate suite --model clf --data held_out")
        shown = shell.run_cell("%validate suite --model clf --data held_out --no-fail").result
        assert not shown.passed
        with pytest.raises(UnknownName, match="hold_out"):
            shell.run_cell("%validate gate.yaml --model clf --data hold_out")


def test_the_verdict_in_a_notebook_is_a_table_and_keeps_the_record(here: Project) -> None:
    assert Path("gate.yaml").is_file()
    with raising_shell() as shell:
        result = shell.run_cell("%validate gate.yaml --model late@1 --data test").result
    bundle = render.mimebundle(result)
    assert "roc_auc ≥ 0.65" in bundle["text/plain"]
    assert "there is no champion yet" in bundle["text/plain"]
    assert "<table" in bundle["text/html"]
    assert SuiteResult.from_dict(bundle[render.MIME]["record"]) == result
    assert render.row(result)["result"] == result.id
