"""Stores that do not answer: the work goes on, and what it logged arrives later."""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlnb import tracking
from mlnb.core import lineage
from mlnb.core.errors import TrackingUnavailable
from mlnb.core.project import Project
from mlnb.tracking import journal, runs, store

BLOCKED = "sqlite:///blocked/mlflow.db"


@pytest.fixture(autouse=True)
def nothing_is_left_open() -> Iterator[None]:
    """Whatever failed: MLflow must not go on taking a dead run for the active one."""
    yield
    import mlflow

    assert mlflow.active_run() is None
    assert tracking.active() is None


@pytest.fixture
def blocked(project: Project, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Make a store whose folder is a file; calling the fixture repairs it."""
    monkeypatch.setenv("MLNB_TRACKING_URI", BLOCKED)
    (project.root / "blocked").write_text("in the way")
    return (project.root / "blocked").unlink


def test_a_run_goes_on_without_its_store_and_arrives_when_it_is_back(
    project: Project,
    blocked: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    import mlflow

    with caplog.at_level(logging.WARNING, "mlnb"), tracking.track("away", tags={"k": "v"}) as run:
        tracking.log({"lr": 0.1}, {"auc": 0.5}, text={"note": "kept"})
        tracking.log(metrics={"auc": 0.6}, step=1)
        mlflow.log_metric("own", 1)
        lineage.record_input("dataset", "flights@3", "ab" * 32)
        with tracking.track("inner", nested=True):
            tracking.log(metrics={"inside": 1})
    outer, inner = (record.getMessage() for record in caplog.records)
    assert "Run 'away' is kept in .mlnb/local/journal and delivered when" in outer
    assert "Run 'inner' is kept" in inner
    assert run.kept == "journal"
    with pytest.raises(TrackingUnavailable):
        runs.list_runs()
    assert journal.waiting(project) == 2

    blocked()
    found = {record.name: record for record in runs.list_runs()}
    away = runs.show(found["away"].id)
    assert (away.status, away.params, away.tags) == ("FINISHED", {"lr": "0.1"}, {"k": "v"})
    assert away.metrics == {"auc": 0.6, "own": 1.0}
    assert away.inputs == ["flights@3"]
    assert {"note.txt", "requirements.txt"} <= set(away.artifacts)
    assert away.started <= (away.ended or away.started)
    assert [m.value for m in store.client().get_metric_history(away.id, "auc")] == [0.5, 0.6]
    parent = store.client().get_run(found["inner"].id).data.tags["mlflow.parentRunId"]
    assert parent == away.id
    assert runs.show(run.id).id == away.id, "its id in the journal still finds it"
    assert journal.waiting(project) == 0
    assert len(runs.list_runs()) == 2, "it is delivered once"


def test_the_next_run_delivers(project: Project, blocked: Callable[[], None]) -> None:
    with tracking.track("away"):
        pass
    blocked()
    with tracking.track("back"):
        pass
    assert {run.name for run in runs.list_runs()} == {"away", "back"}


def test_a_delivery_that_broke_off_is_repeated_without_doubles(
    project: Project, blocked: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with tracking.track("away"):
        tracking.log({"a": 1}, {"m": 1}, text={"t": "x"})
    blocked()
    with monkeypatch.context() as patch:
        patch.setattr(type(store.client()), "set_terminated", _power_loss)
        with pytest.raises(TrackingUnavailable):
            journal.deliver(project)
    (found,) = runs.list_runs()
    assert (found.status, found.params, found.metrics) == ("FINISHED", {"a": "1"}, {"m": 1.0})
    assert len(store.client().get_metric_history(found.id, "m")) == 1


def _power_loss(*_args: object, **_options: object) -> None:
    raise OSError("power loss")


def test_a_store_that_fails_in_the_middle_gets_the_rest_later(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import mlflow

    with caplog.at_level(logging.WARNING, "mlnb"), tracking.track("half") as run:
        tracking.log({"before": 1}, {"m": 1})
        with monkeypatch.context() as patch:
            patch.setattr(store, "check", _down_except_for(journal.uri(project)))
            tracking.log({"after": 2}, {"m": 2}, text={"late": "x"})
            mlflow.log_metric("own", 3)
            assert run.kept == "journal"
    assert len(caplog.records) == 1
    assert runs.show(run.id).status == "FINISHED", "delivered by looking"
    (found,) = runs.list_runs()
    found = runs.show(found.id)
    assert found.id == run.id
    assert found.params == {"before": "1", "after": "2"}
    assert found.metrics == {"m": 2.0, "own": 3.0}
    assert {"late.txt", "requirements.txt"} <= set(found.artifacts)


def test_what_cannot_be_delivered_stays_and_stops_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch, tracking.track("half") as run:
        patch.setattr(store, "check", _down_except_for(journal.uri(project)))
        tracking.log({"after": 2})
    store.client().delete_run(run.id)
    with tracking.track("next"):
        pass
    assert [item.name for item in runs.list_runs()] == ["next"]
    assert "run 'half' stays in the journal" in caplog.text
    assert journal.waiting(project) == 1


def _down_except_for(uri: str) -> Callable[[str], None]:
    def check(asked: str) -> None:
        if asked != uri:
            raise TrackingUnavailable(asked, "connection refused")

    return check


def test_when_the_journal_cannot_be_written_either_the_work_still_runs(
    project: Project, blocked: Callable[[], None], caplog: pytest.LogCaptureFixture
) -> None:
    (project.local / "journal").write_text("in the way")
    with caplog.at_level(logging.WARNING, "mlnb"), tracking.track("lost") as run:
        tracking.log({"a": 1}, {"m": 1}, text={"t": "x"})
        answer = 42
    assert answer == 42
    assert run.kept == "nowhere"
    (record,) = caplog.records
    assert "the journal cannot be written either" in record.getMessage()
    assert tracking.active() is None


def test_a_server_that_is_down_costs_seconds_not_minutes(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_TRACKING_URI", "http://127.0.0.1:9")
    with tracking.track("warm-up"):  # what opening the journal costs is not the question
        pass
    start = time.perf_counter()
    with tracking.track("away"):
        tracking.log({"a": 1})
    assert time.perf_counter() - start < 10
    assert journal.waiting(project) == 2


def test_a_full_disk_breaks_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "mlnb"), tracking.track("full") as run:
        monkeypatch.setattr(type(store.client()), "log_artifact", _no_space)
        tracking.log({"a": 1}, text={"t": "x"})
        done = True
    assert done
    assert run.kept == "nowhere"
    (record,) = caplog.records
    assert "No space left" in record.getMessage()
    monkeypatch.undo()
    monkeypatch.chdir(project.root)
    found = runs.show(run.id)
    assert (found.status, found.params) == ("FINISHED", {"a": "1"}), "what could be written is"


def _no_space(*_args: object, **_options: object) -> None:
    raise OSError(28, os.strerror(28))


def test_the_journal_is_an_mlflow_store(project: Project, blocked: Callable[[], None]) -> None:
    with tracking.track("away"):
        tracking.log(metrics={"m": 1})
    client = store.client(journal.uri(project))
    (run,) = client.search_runs([item.experiment_id for item in client.search_experiments()])
    assert run.data.metrics == {"m": 1}
    assert json.dumps(run.data.tags)
