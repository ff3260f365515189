"""The connection to MLflow: a fresh SQLite store, two processes at once, stores that fail."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, TrackingUnavailable
from mlnb.core.project import Project
from mlnb.tracking import runs, store, template


def test_processes_that_open_a_fresh_store_at_once_all_work(project: Project) -> None:
    code = "import mlnb\nwith mlnb.track('r'):\n    mlnb.log({'a': 1}, {'m': 2})"
    started = [subprocess.Popen([sys.executable, "-c", code], cwd=project.root) for _ in range(4)]
    assert [process.wait(100) for process in started] == [0] * 4
    found = runs.list_runs()
    assert [(run.status, run.metrics) for run in found] == [("FINISHED", {"m": 2.0})] * 4
    assert len(list(project.state.glob(".mlflow-*"))) == 0


def test_the_template_is_migrated_once_and_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    template.create(tmp_path / "a" / "mlflow.db", tmp_path / "a" / "mlartifacts")
    (made,) = (tmp_path / "cache" / "mlnb").iterdir()
    stamp = made.stat().st_mtime_ns
    template.create(tmp_path / "b" / "mlflow.db", tmp_path / "b" / "mlartifacts")
    assert made.stat().st_mtime_ns == stamp
    with closing(sqlite3.connect(tmp_path / "b" / "mlflow.db")) as connection:
        found = connection.execute("SELECT name, artifact_location FROM experiments").fetchall()
    assert found == [("Default", str(tmp_path / "b" / "mlartifacts" / "0"))]


def test_a_damaged_template_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    template.create(tmp_path / "a.db", tmp_path)
    (made,) = (tmp_path / "cache" / "mlnb").iterdir()
    made.write_bytes(b"SQLite? no")
    template.create(tmp_path / "b.db", tmp_path)
    assert (tmp_path / "b.db").read_bytes()[:15] == b"SQLite format 3"


def test_an_existing_database_is_never_replaced(tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    database.write_bytes(b"mine")
    template.create(database, tmp_path)
    assert database.read_bytes() == b"mine"


def test_experiments_keep_their_artifacts_beside_the_database(project: Project) -> None:
    made = store.client().get_experiment(store.experiment_id("Flüge / 2013"))
    folder = Path(made.artifact_location)
    assert folder.parent == project.state / "mlartifacts"
    assert store.experiment_id("Flüge / 2013") == made.experiment_id


def test_a_deleted_experiment_is_one_clear_error(project: Project) -> None:
    store.client().delete_experiment(store.experiment_id("old"))
    with pytest.raises(BadInput, match="'old' was deleted"):
        store.experiment_id("old")


def test_a_server_that_is_down_is_said_at_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_TRACKING_URI", "http://analyst:secret@127.0.0.1:9")
    start = time.perf_counter()
    with pytest.raises(TrackingUnavailable, match=r"http://127\.0\.0\.1:9 is not") as caught:
        runs.list_runs()
    assert time.perf_counter() - start < 5
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_one_clear_error(project: Project) -> None:
    (project.state / "mlflow.db").write_bytes(b"no database at all, but long enough to be read")
    with pytest.raises(TrackingUnavailable, match="not available"):
        runs.list_runs()


def test_a_database_of_another_mlflow_says_how_to_upgrade(project: Project) -> None:
    template.create(project.state / "mlflow.db", project.state / "mlartifacts")
    with closing(sqlite3.connect(project.state / "mlflow.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'f5a4f2784254'")
        connection.commit()
    with pytest.raises(TrackingUnavailable, match="mlflow db upgrade"):
        runs.list_runs()


def test_importing_the_package_is_cheap() -> None:
    heavy = "{'mlflow', 'pandas', 'sklearn', 'skops', 'IPython', 'click', 'matplotlib', 'yaml'}"
    code = (
        "import sys, mlnb.tracking.run, mlnb.tracking.models, mlnb.tracking.runs, "
        f"mlnb.ui.track_cell; print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_a_relative_database_belongs_to_the_project_not_the_folder(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (project.root / "sub").mkdir()
    monkeypatch.chdir(project.root / "sub")
    assert store.sqlite_file(projects.current().tracking_uri) == project.state / "mlflow.db"
