"""The connection to MLflow: a fresh SQLite store, two processes at once, stores that fail."""

import os
import sqlite3
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import psutil
import pytest

from mlnb import tracking
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
        store.client()


def test_a_reader_of_tables_it_does_not_know_is_told_how_to_upgrade(project: Project) -> None:
    template.create(project.state / "mlflow.db", project.state / "mlartifacts")
    with closing(sqlite3.connect(project.state / "mlflow.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'f5a4f2784254'")
        connection.execute("ALTER TABLE runs ADD COLUMN mood TEXT")
        connection.commit()
    with pytest.raises(TrackingUnavailable, match="mlflow db upgrade"):
        runs.list_runs()


def test_a_store_that_was_closed_is_opened_again(project: Project) -> None:
    def is_open() -> bool:
        files = {Path(file.path).name for file in psutil.Process().open_files()}
        return "mlflow.db" in files

    store.client()
    assert is_open()
    store.close()
    assert not is_open()
    assert [found.name for found in store.client().search_experiments()] == ["Default"]


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


# -- servers that are none of MLflow's -------------------------------------------------------------


@contextmanager
def server(status: int, body: bytes, kind: str = "text/html", login: bool = False) -> Iterator[str]:
    """Run a web server that answers everything alike, or sends everybody where one logs in."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            away = login and self.path != "/login"
            self.send_response(302 if away else status)
            if away:
                self.send_header("Location", "/login")
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = answer

        def log_message(self, *_said: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield f"http://127.0.0.1:{port}"


@contextmanager
def serving(made: ThreadingHTTPServer) -> Iterator[int]:
    thread = Thread(target=made.serve_forever, daemon=True)
    thread.start()
    try:
        yield made.server_port
    finally:
        made.shutdown()
        made.server_close()
        thread.join(10)


PAGE = b"<html>welcome</html>"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 200, "body": PAGE}, "it speaks no MLflow: it answers with a web page"),
        ({"status": 200, "body": PAGE, "login": True}, r"a web page \(where one logs in\?\)"),
        ({"status": 404, "body": PAGE}, "it speaks no MLflow: it answers 404 with a web page"),
        ({"status": 400, "body": PAGE}, "it speaks no MLflow: it answers 400 with a web page"),
        ({"status": 501, "body": PAGE}, "it speaks no MLflow: it answers 501 with a web page"),
        ({"status": 200, "body": b""}, "it speaks no MLflow"),
        ({"status": 200, "body": b'{"a": 1}', "kind": "application/json"}, "it speaks no MLflow"),
        ({"status": 404, "body": b'{"detail": "Not Found"}'}, "it answers with something else"),
        ({"status": 200, "body": b"[]"}, "it speaks no MLflow: it answers with something else"),
        ({"status": 503, "body": b"busy"}, "it answers 503"),
        ({"status": 401, "body": b"no"}, r"wants credentials \(401 Unauthorized\): set MLFLOW_"),
        ({"status": 403, "body": b"no"}, "its user may not do this"),
    ],
    ids=[
        "page",
        "login",
        "404",
        "400",
        "501",
        "empty",
        "json",
        "json404",
        "list",
        "503",
        "401",
        "403",
    ],
)
def test_a_server_that_speaks_no_mlflow_is_one_clear_error(
    project: Project, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], said: str
) -> None:
    with server(**answer) as uri:
        monkeypatch.setenv("MLNB_TRACKING_URI", uri.replace("//", "//analyst:hush-hush@"))
        begun = time.perf_counter()
        with pytest.raises(TrackingUnavailable, match=said) as caught:
            store.client()
        assert time.perf_counter() - begun < 10
        assert "hush" not in str(caught.value)
        assert "analyst" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_what_is_logged_meanwhile_is_kept_and_one_warning_says_why(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with server(404, PAGE) as uri:
        monkeypatch.setenv("MLNB_TRACKING_URI", uri)
        with tracking.track("first"):
            tracking.log(metrics={"m": 1})
        assert not tracking.flush(5)
        caplog.clear()
        with tracking.track("second"):
            tracking.log(metrics={"m": 2})
        (record,) = caplog.records
        assert "it speaks no MLflow" in record.getMessage()
        assert "is kept in .mlnb/local/journal" in record.getMessage()
    monkeypatch.delenv("MLNB_TRACKING_URI")
    assert sorted(run.name for run in runs.list_runs()) == ["first", "second"]


def test_a_certificate_that_is_not_trusted_says_what_to_set(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    made.socket = context.wrap_socket(made.socket, server_side=True)
    with serving(made) as port:
        monkeypatch.setenv("MLNB_TRACKING_URI", f"https://127.0.0.1:{port}")
        with pytest.raises(TrackingUnavailable, match=r"not trusted.*MLFLOW_TRACKING_SERVER_CERT"):
            store.client()


def test_no_tls_at_all_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with server(200, PAGE) as uri:
        monkeypatch.setenv("MLNB_TRACKING_URI", uri.replace("http:", "https:"))
        with pytest.raises(TrackingUnavailable, match="no TLS can be agreed on"):
            store.client()


def certificate(folder: Path) -> Path:
    """Make a certificate that nobody vouches for."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    encoding = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    file.write_bytes(private + made.public_bytes(encoding))
    return file


def test_mlflows_own_patience_is_as_it_was(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.failures():
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
        with store.patience(0):
            assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "0"
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "1"
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "5")
    with store.failures(), store.patience(0):
        assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "5", "the user's wish goes first"


def test_new_experiments_keep_files_where_the_setting_says(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_ARTIFACTS", "shared/files")
    made = store.client().get_experiment(store.experiment_id("here"))
    assert made.artifact_location == str(project.root / "shared/files/here")
    monkeypatch.setenv("MLNB_ARTIFACTS", "s3://bucket/files/")
    made = store.client().get_experiment(store.experiment_id("there"))
    assert made.artifact_location == "s3://bucket/files/there"
