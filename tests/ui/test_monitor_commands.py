"""``mlnb monitor`` on a real endpoint: served over HTTP, labelled, reported."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlnb import datasets, models, serving, validation
from mlnb.core import project as projects
from mlnb.core.errors import EXIT_USAGE
from mlnb.core.project import Project
from mlnb.core.records import MonitorReport
from mlnb.testing.shell import raising_shell
from mlnb.ui import render
from mlnb.ui.cli import main

SUITE = {"name": "gate", "label": "late", "positive": 1, "limits": {"roc_auc": {"min": 0.6}}}


def flights(month: int, shift: float = 0.0) -> pd.DataFrame:
    random = np.random.default_rng(month)
    frame = pd.DataFrame({"rain": random.normal(size=1000), "wind": random.normal(size=1000)})
    chance = 1 / (1 + np.exp(-frame.sum(axis=1)))
    return frame.assign(
        rain=frame["rain"] + shift,
        id=[f"{month}-{number}" for number in range(1000)],
        time=pd.Timestamp(2013, month, 1) + pd.to_timedelta(np.arange(1000) * 40, unit="min"),
        late=(random.random(1000) < chance).astype(int),
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Train, validate and deploy a model, and send it a calm and a rainy month."""
    project = projects.init(tmp_path_factory.mktemp("ui") / "project", "ui-tests")
    with projects.using(project):
        train = flights(1)
        datasets.save(train, "train")
        datasets.save(flights(2), "test")
        model = LogisticRegression().fit(train[["rain", "wind"]], train["late"])
        models.register(model, "late", example=train[["rain", "wind"]].head(9), data=["train"])
        validation.run(SUITE, "late@1", "test")
        serving.deploy("late@1", "arrivals")
        try:
            endpoint = serving.endpoint("arrivals")
            for month in (flights(4), flights(6, shift=1.5)):
                endpoint.predict(month[["rain", "wind"]], ids=month["id"], times=month["time"])
            yield project
        finally:
            serving.stop("arrivals")


@pytest.fixture(autouse=True)
def here(served: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(served.root)
    return served


def run(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main(["monitor", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_the_report_in_a_shell(capsys: pytest.CaptureFixture[str]) -> None:
    report = run(capsys, "report", "arrivals", "--by", "month", "--html", "out/report.html")
    assert [period["period"] for period in report["periods"]] == ["2013-04", "2013-06"]
    assert [period["drifted"] for period in report["periods"]] == [False, True]
    assert report["reference"] == "train@1"
    assert "2013-06" in Path("out/report.html").read_text()
    part = run(capsys, "report", "arrivals", "--until", "2013-05-01", "--by", "all")
    assert [period["period"] for period in part["periods"]] == ["until 2013-05-01"]


def test_labels_then_performance(capsys: pytest.CaptureFixture[str]) -> None:
    pd.concat([flights(4), flights(6)]).to_csv("outcomes.csv", index=False)
    for _ in range(2):
        assert main(["monitor", "label", "arrivals", "outcomes.csv", "--label", "late"]) == 0
        assert "2,000 served rows of arrivals" in capsys.readouterr().out
    report = run(capsys, "report", "arrivals")
    assert [period["labelled"] for period in report["periods"]] == [1000, 1000]
    assert report["periods"][0]["performance"]["roc_auc"] > 0.7
    assert main(["monitor", "report", "arrivals"]) == 0
    text = capsys.readouterr().out
    assert "drifted in 2013-06" in text
    assert "1 of 2: rain, the predictions" in text
    assert "at validation" in text


def test_alerts_are_listed_once(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        run(capsys, "report", "arrivals")
    found = run(capsys, "alerts", "arrivals")
    assert [(alert["kind"], alert["period"]) for alert in found] == [("drift", "2013-06")]
    assert main(["monitor", "alerts", "arrivals"]) == 0
    assert "rain" in capsys.readouterr().out


def test_variables_of_the_notebook() -> None:
    with raising_shell() as shell:
        shell.user_ns.update(outcomes=flights(4), calm=flights(4), since="2013-06-01")
        shell.run_cell("%monitor label arrivals outcomes --id id --label late")
        report = shell.run_cell("%monitor report arrivals --by month --since {since}").result
        assert isinstance(report, MonitorReport)
        assert report.flagged == ["2013-06"]
        again = shell.run_cell("%monitor report arrivals --reference calm").result
        assert again.flagged == ["2013-06"]
        assert again.periods[0].features[0].psi == 0
    assert "drift alert, 2013-06" in render.to_text(report)
    assert "<table" in render.to_html(report)


def test_a_time_without_predictions_says_so() -> None:
    with raising_shell() as shell:
        report = shell.run_cell("%monitor report arrivals --since 2020-01-01").result
    assert "served nothing in this time" in render.to_text(report)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["report", "arivals"], "Did you mean 'arrivals'"),
        (["alerts", "arivals"], "Did you mean 'arrivals'"),
        (["report", "arrivals", "--by", "year"], "year"),
        (["report", "arrivals", "--since", "tomorrow"], "ISO 8601"),
        (["report", "arrivals", "--important", "rian"], "Did you mean 'rain'"),
        (["label", "arrivals", "nowhere", "--label", "late"], "no dataset 'nowhere'"),
        (["label", "arrivals", "train", "--label", "lat"], "Did you mean 'late'"),
        (["label", "arrivals", "test", "--label", "late"], "None of the 1,000 ids"),
        (["reprot", "arrivals"], "Did you mean 'report'"),
    ],
)
def test_bad_input_is_one_clear_error(
    capsys: pytest.CaptureFixture[str], here: Project, arguments: list[str], message: str
) -> None:
    before = [here.store.logs("endpoints"), list(here.store.entries("endpoints/arrivals/labels"))]
    assert main(["monitor", *arguments]) == EXIT_USAGE
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err
    after = [here.store.logs("endpoints"), list(here.store.entries("endpoints/arrivals/labels"))]
    assert after == before
