"""Runs on every kind of tracking store, read back with MLflow's own client and nothing of ours.

The servers are real: MLflow, PostgreSQL from the system's package, SeaweedFS for S3. The shipper
delivers, as in a notebook.
"""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mlnb.core.errors import TrackingUnavailable
from mlnb.core.project import Project
from mlnb.testing.postgres import PostgresServer, postgres_server
from mlnb.testing.s3 import S3Server
from mlnb.testing.tracking_server import TrackingServer, tracking_server
from mlnb.tracking import journal, runs

from .proxies import proxy, wants

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

CELLS = """
import json, sys
from pathlib import Path
from mlnb.testing.shell import raising_shell

with raising_shell() as shell:
    shell.run_cell("import pandas as pd, mlnb")
    shell.run_cell("frame = pd.DataFrame({'x': range(100), 'y': 1.5})")
    shell.run_cell("mlnb.datasets.save(frame, 'flights')")
    Path("notes").mkdir()
    Path("notes/große Datei.bin").write_bytes(bytes(range(256)) * 4096)
    shell.run_cell(\"\"\"%%track whole --experiment "Flüge 2013" --tag team=blue --note "deep"
flights = mlnb.datasets.load("flights")
mlnb.log(params={"depth": 6, "name": "größer"}, metrics={"auc": 0.71})
for step in range(1500):
    mlnb.log(metrics={"loss": 1 / (step + 1)}, step=step)
mlnb.log(text={"prompt": "…"}, tables={"errors": frame.head(3)}, artifacts="notes")
with mlnb.track("inside", nested=True):
    mlnb.log(metrics={"auc": 0.5})
import mlflow
mlflow.log_metric("mine", 3)
mlflow.set_tag("by", "mlflow")
\"\"\")
    print(shell.user_ns["mlnb"].tracking.flush(60))
"""


@dataclass(frozen=True)
class Place:
    """A tracking store: how mlnb is told of it, and where MLflow's client finds it."""

    uri: str
    files: str
    """How the addresses of runs' files begin."""
    settings: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


def server_on_postgres_with_s3(
    folder: Path, postgres: PostgresServer, s3: S3Server
) -> Iterator[Place]:
    root = f"s3://{s3.bucket}/direct"
    options = ("--default-artifact-root", root, "--no-serve-artifacts")
    with tracking_server(folder, *options, backend=postgres.create()) as server:
        yield Place(server.uri, root)


def server_on_sqlite_that_passes_files_on_to_s3(
    folder: Path, _postgres: PostgresServer, s3: S3Server
) -> Iterator[Place]:
    options = ("--serve-artifacts", "--artifacts-destination", f"s3://{s3.bucket}/passed")
    with tracking_server(folder, *options) as server:
        yield Place(server.uri, "mlflow-artifacts:/")


def postgres_itself_with_s3(
    _folder: Path, postgres: PostgresServer, s3: S3Server
) -> Iterator[Place]:
    root = f"s3://{s3.bucket}/itself"
    yield Place(postgres.create(), root, {"MLNB_ARTIFACTS": root})


def postgres_itself_with_a_folder(
    folder: Path, postgres: PostgresServer, _s3: S3Server
) -> Iterator[Place]:
    yield Place(postgres.create(), str(folder.parent / "project" / ".mlnb" / "mlartifacts"))


@pytest.mark.parametrize(
    "place",
    [
        server_on_postgres_with_s3,
        server_on_sqlite_that_passes_files_on_to_s3,
        postgres_itself_with_s3,
        postgres_itself_with_a_folder,
    ],
)
def test_a_run_is_whole_for_mlflows_own_client(
    place: Any,
    project: Project,
    postgres: PostgresServer,
    s3: S3Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with contextmanager(place)(tmp_path / "server", postgres, s3) as where:
        with_shipper(monkeypatch, where.uri, where.settings)
        said = cells(project, CELLS)
        assert said.stdout.split()[-1] == "True", said.stderr
        assert journal.files(project) == []
        found = read_back(where, tmp_path)
        whole, inside = found["whole"], found["inside"]
        assert (whole["status"], inside["status"]) == ("FINISHED", "FINISHED")
        assert whole["files"].startswith(where.files)
        assert whole["params"] == {"depth": "6", "name": "größer"}
        logged = {k: v for k, v in whole["metrics"].items() if not k.startswith("system/")}
        assert logged == {"auc": 0.71, "loss": 1 / 1500, "mine": 3.0}
        assert whole["loss"] == [[step, 1 / (step + 1)] for step in range(1500)]
        assert (
            whole["tags"].items()
            >= {
                "team": "blue",
                "by": "mlflow",
                "mlflow.note.content": "deep",
            }.items()
        )
        assert inside["tags"]["mlflow.parentRunId"] == whole["id"]
        assert whole["inputs"] == ["flights"]
        wanted = {"prompt.txt", "tables/errors.json", "notebook.ipynb", "requirements.txt"}
        assert wanted <= set(whole["artifacts"])
        assert whole["artifacts"]["notes/große Datei.bin"] == 256 * 4096
        (own,) = [run for run in runs.list_runs() if run.name == "whole"]
        assert own.id == whole["id"]
        no_secret_of(where.uri, project)


def with_shipper(
    monkeypatch: pytest.MonkeyPatch, uri: str, settings: Mapping[str, str] | None = None
) -> None:
    monkeypatch.delenv("MLNB_BACKGROUND_DELIVERY", raising=False)
    monkeypatch.setenv("MLNB_TRACKING_URI", uri)
    for name, value in (settings or {}).items():
        monkeypatch.setenv(name, value)


def cells(project: Project, code: str) -> "subprocess.CompletedProcess[str]":
    """Run a program as a notebook's kernel would run it, and end its shipper."""
    try:
        return subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            cwd=project.root,
            capture_output=True,
            text=True,
            timeout=150,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise AssertionError(error.stderr) from None
    finally:
        end_shippers(project)


def end_shippers(project: Project) -> None:
    import psutil

    wanted = ["-m", "mlnb.tracking.shipper", str(project.root)]
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[1:] == wanted:
            process.kill()
            process.wait(10)


def read_back(place: Place, folder: Path) -> dict[str, Any]:
    """Return all runs as MLflow's client reads them in a process of its own."""
    code = """
        import json, os, sys
        from pathlib import Path
        from mlflow import MlflowClient, artifacts
        client = MlflowClient(sys.argv[1])
        found = {}
        experiments = [item.experiment_id for item in client.search_experiments()]
        for run in client.search_runs(experiments):
            place = Path(sys.argv[2]) / run.info.run_id
            place.mkdir()
            copy = Path(artifacts.download_artifacts(
                run_id=run.info.run_id, tracking_uri=sys.argv[1], dst_path=str(place)))
            files = [path for path in copy.rglob('*') if path.is_file()]
            files = {str(path.relative_to(copy)): path.stat().st_size for path in files}
            loss = client.get_metric_history(run.info.run_id, 'loss')
            assert run.info.run_name not in found, 'twice'
            found[run.info.run_name] = {
                'id': run.info.run_id, 'status': run.info.status, 'params': run.data.params,
                'metrics': run.data.metrics, 'tags': run.data.tags, 'artifacts': files,
                'files': run.info.artifact_uri, 'loss': [[p.step, p.value] for p in loss],
                'inputs': [item.dataset.name for item in run.inputs.dataset_inputs],
            }
        print(json.dumps(found))
    """
    copies = folder / "copies"
    copies.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), place.uri, str(copies)],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env=os.environ
        | {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        },
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def no_secret_of(uri: str, project: Project) -> None:
    """Check that a password is in no file of the project."""
    password = urlsplit(uri).password
    if password:
        for path in project.root.rglob("*"):
            if path.is_file():
                assert password.encode() not in path.read_bytes(), path


# -- who may do what ----------------------------------------------------------------------------

SHORT = """
from mlnb.testing.shell import raising_shell
with raising_shell() as shell:
    for number in (1, 2, 3):
        shell.run_cell("%%track short\\nimport mlnb\\nmlnb.log(metrics={'m': 1.0})")
    print(shell.user_ns["mlnb"].tracking.flush(30))
    shell.run_cell("%%track after\\nmlnb.log(metrics={'m': 2.0})")
"""


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    """Run an MLflow server that wants a name and a password."""
    folder = tmp_path_factory.mktemp("guarded")
    settings = folder / "auth.ini"
    settings.write_text(
        "[mlflow]\ndefault_permission = READ\n"
        f"database_uri = sqlite:///{folder}/auth.db\n"
        "admin_username = analyst\nadmin_password = hush-hush-12345\n"
        "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
    )
    with tracking_server(
        folder,
        *("--app-name", "basic-auth", "--artifacts-destination", str(folder / "files")),
        environment={
            "MLFLOW_AUTH_CONFIG_PATH": str(settings),
            "MLFLOW_FLASK_SERVER_SECRET_KEY": "a key for the tests",
        },
    ) as server:
        yield server


def test_a_name_and_a_password(
    project: Project, guarded: TrackingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_shipper(monkeypatch, guarded.uri)
    with pytest.raises(TrackingUnavailable, match=r"wants credentials.*MLFLOW_TRACKING_USERNAME"):
        runs.list_runs()
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "analyst")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong-wrong-123")
    said = cells(project, SHORT)
    assert said.stdout.split()[-1] == "False"
    (warning,) = [line for line in said.stderr.splitlines() if "is kept in" in line]
    assert "refuses the credentials in MLFLOW_TRACKING_USERNAME and" in warning
    page = runs.page()
    assert [run.waiting for run in page.runs] == [True] * len(page.runs), "they are in the journal"
    assert "refuses the credentials" in page.notice
    assert "wrong-wrong-123" not in page.notice
    assert journal.waiting(project) == 4
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hush-hush-12345")
    assert sorted(run.name for run in runs.list_runs()) == ["after", "short", "short", "short"]
    assert journal.files(project) == []
    for secret in (b"wrong-wrong-123", b"hush-hush-12345"):
        for path in project.root.rglob("*"):
            assert not path.is_file() or secret not in path.read_bytes(), path


def test_a_token(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's own server knows no tokens: what stands before it asks for them."""
    with (
        tracking_server(tmp_path / "server") as server,
        proxy(server.uri, wants("t0ken-t0ken")) as uri,
    ):
        with_shipper(monkeypatch, uri)
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "another-token")
        with pytest.raises(TrackingUnavailable, match="credentials in MLFLOW_TRACKING_TOKEN"):
            runs.list_runs()
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0ken-t0ken")
        said = cells(project, SHORT)
        assert said.stdout.split()[-1] == "True", said.stderr
        assert len(runs.list_runs()) == 4
        monkeypatch.delenv("MLFLOW_TRACKING_TOKEN")
        with pytest.raises(TrackingUnavailable, match="wants credentials"):
            runs.list_runs()
        for path in project.root.rglob("*"):
            assert not path.is_file() or b"t0ken-t0ken" not in path.read_bytes(), path


def test_wrong_credentials_for_a_database(
    project: Project, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = postgres.create().replace(postgres.password, "wrong-wrong-123")
    monkeypatch.setenv("MLNB_TRACKING_URI", uri)
    with pytest.raises(TrackingUnavailable, match="password authentication failed") as caught:
        runs.list_runs()
    assert "wrong-wrong-123" not in str(caught.value)
    assert "analyst@" not in str(caught.value)


def test_files_that_cannot_be_written_keep_the_run_in_the_journal(
    project: Project, postgres: PostgresServer, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlnb import tracking

    monkeypatch.setenv("MLNB_TRACKING_URI", postgres.create())
    monkeypatch.setenv("MLNB_ARTIFACTS", f"s3://{s3.bucket}/kept")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    with tracking.track("kept"):
        tracking.log(metrics={"m": 1}, text={"note": "here"})
    assert not tracking.flush(30)
    trouble = journal.trouble(project)
    assert trouble is not None
    assert "its artifacts cannot be written" in trouble.reason
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", s3.writer.secret)
    code = """
        from mlnb import tracking
        from mlnb.tracking import runs
        assert tracking.flush(60)
        (run,) = runs.list_runs()
        assert (run.name, run.status, run.metrics) == ("kept", "FINISHED", {"m": 1.0})
        assert "note.txt" in runs.show(run.id).artifacts
    """
    cells(project, code)  # a new process, for MLflow keeps S3's clients for some minutes
