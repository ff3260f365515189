"""Delivery: runs under their own id, equal points, a state that cannot be written."""

import errno
from collections import Counter
from pathlib import Path

import pytest

from mlnb import tracking
from mlnb.core.project import Project
from mlnb.tracking import delivery, flushing, journal, minting, runs, store


def test_a_run_in_a_database_has_the_id_that_the_kernel_knew(project: Project) -> None:
    with tracking.track("own") as run:
        tracking.log({"a": 1})
    found = store.client().get_run(run.id)
    assert (found.info.run_id, found.info.status) == (run.id, "FINISHED")
    assert found.info.artifact_uri.endswith(f"/{run.id}/artifacts")
    assert found.data.tags["mlflow.runName"] == "own"
    assert found.info.run_name == "own"


def test_a_run_that_is_made_again_is_the_same(project: Project) -> None:
    client = store.client()
    experiment = store.experiment_id("e")
    about = ("f" * 32, experiment, 1_750_000_000_000, {"team": "blue"}, "name")
    assert minting.by_id(client, *about)
    assert minting.by_id(client, *about), "an earlier delivery was interrupted just then"
    assert [run.info.run_id for run in client.search_runs([experiment])] == ["f" * 32]


def test_with_other_columns_mlflow_chooses_the_id_and_a_tag_names_ours(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an upgrade of MLflow that this version knows nothing of."""
    monkeypatch.setattr(minting, "_COLUMNS", minting._COLUMNS | {"a_new_one"})
    with tracking.track("parent") as parent:
        tracking.log(metrics={"m": 1})
        with tracking.track("child", nested=True) as child:
            pass
    found = {run.name: run for run in runs.list_runs()}
    assert found["parent"].id != parent.id
    assert runs.show(parent.id).id == found["parent"].id
    assert runs.show(parent.id).metrics == {"m": 1.0}
    tags = store.client().get_run(runs.show(child.id).id).data.tags
    assert tags["mlflow.parentRunId"] == found["parent"].id


def test_equal_points_at_steps_that_alternate_are_all_there(project: Project) -> None:
    with tracking.track("equal") as run:
        for number in range(500):
            tracking.log(metrics={"same": 1.0}, step=number % 2)
    history = store.client().get_metric_history(run.id, "same")
    assert Counter(point.step for point in history) == {0: 250, 1: 250}


def test_a_state_that_cannot_be_written_stops_no_delivery(project: Project) -> None:
    with tracking.track("full") as run:
        tracking.log({"a": 1}, {"m": 1}, text={"t": "x"})
    flushing.writing.finish()
    (path,) = journal.files(project)

    def full(_path: Path, _state: journal.State) -> journal.State:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "keep", full)  # a disk that is really full: tests/e2e
        assert delivery.deliver(project)
    found = runs.show(run.id)
    assert (found.status, found.params, found.metrics) == ("FINISHED", {"a": "1"}, {"m": 1.0})
    assert not path.exists()


def test_a_delivery_ends_although_the_writer_goes_on(project: Project) -> None:
    run = tracking.start("fast")
    for number in range(10):
        tracking.log(metrics={"m": number})
    read = journal.read

    def and_more(path: Path, *place: int, complete: bool) -> journal.Chunk:
        found = read(path, *place, complete=complete)
        tracking.log(metrics={"m": 99})  # as fast as it is read
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "read", and_more)
        assert delivery.deliver(project)
    tracking.end()
    assert runs.show(run.id).status == "FINISHED"


def test_what_waits_is_counted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    assert journal.undelivered(project) == (0, 0)
    monkeypatch.setenv("MLNB_TRACKING_URI", "http://127.0.0.1:9")
    for name in ("a", "b"):
        with tracking.track(name):
            tracking.log(metrics={"m": 1})
    flushing.writing.finish()
    waiting, records = journal.undelivered(project)
    assert waiting == 2
    assert records >= 6, "each has at least a beginning, a point and an end"
