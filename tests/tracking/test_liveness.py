"""Runs whose process died: closed when they are there, forgotten when they are not."""

import json

import pytest

from mlnb import tracking
from mlnb.core.project import Project
from mlnb.tracking import liveness, runs, store

GONE = "0" * 32


def announce(project: Project, run: str, uri: str) -> None:
    """Leave what a process leaves that was killed while its run was open."""
    folder = project.local / "runs"
    folder.mkdir(exist_ok=True)
    (folder / run).write_text(json.dumps({"uri": uri, "pid": 1}), encoding="utf-8")


def announced(project: Project) -> list[str]:
    return [path.name for path in (project.local / "runs").iterdir()]


def test_a_dead_process_leaves_a_killed_run(project: Project) -> None:
    client = store.client()
    run = client.create_run(store.experiment_id("x")).info.run_id
    announce(project, run, project.tracking_uri)
    assert liveness.sweep(project) == [run]
    found = runs.show(run)
    assert (found.status, found.error) == ("KILLED", liveness.DIED)
    assert announced(project) == []


def test_a_run_that_has_ended_keeps_its_status(project: Project) -> None:
    with tracking.track("done") as run:
        pass
    announce(project, run.id, project.tracking_uri)
    assert liveness.sweep(project) == []
    assert runs.show(run.id).status == "FINISHED"


@pytest.mark.parametrize("delete", [True, False])
def test_a_run_that_is_gone_does_not_stop_the_next(project: Project, delete: bool) -> None:
    run = GONE
    if delete:
        run = store.client().create_run(store.experiment_id("x")).info.run_id
        store.client().delete_run(run)
    announce(project, run, project.tracking_uri)
    with tracking.track("next"):
        pass
    assert [item.name for item in runs.list_runs()] == ["next"]
    assert announced(project) == []


def test_a_database_that_is_gone_is_not_made_again(project: Project) -> None:
    database = project.root / "moved" / "mlflow.db"
    announce(project, GONE, f"sqlite:///{database}")
    assert liveness.sweep(project) == []
    assert not database.parent.exists()
    assert announced(project) == []
