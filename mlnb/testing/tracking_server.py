"""A real MLflow tracking server on this machine.

::

    with tracking_server(tmp_path) as server:
        os.environ["MLNB_TRACKING_URI"] = server.uri
        server.stop()
        server.start()
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

_START = 120
"""Seconds it may take to start: it migrates its database first."""
_QUIET = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
_OURS = ("MLNB_", "MLFLOW_TRACKING_", "MLFLOW_HTTP_")


class TrackingServer:
    """A server that can be stopped and started again, with its data in a folder.

    Parameters
    ----------
    folder : Path
        For its data.
    arguments : sequence of str
        Further options of ``mlflow server``.
    environment : mapping, optional
        Further environment variables.
    backend : str, optional
        Its database; a SQLite file in the folder by default.

    Attributes
    ----------
    uri : str
        Its URL, plain HTTP on the loopback interface.
    log : Path
        What it says.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        backend: str | None = None,
    ) -> None:
        self._folder = folder
        self._port = _free_port()
        self._arguments: Sequence[str] = arguments
        self._environment = environment or {}
        self._backend = backend
        self._process: subprocess.Popen[Any] | None = None
        self.uri = f"http://127.0.0.1:{self._port}"
        self.log = folder / "server.log"
        folder.mkdir(parents=True, exist_ok=True)

    def start(self) -> Self:
        """Start it and wait until it answers."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  (a program of our own)
                [
                    *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
                    *("--host", "127.0.0.1", "--port", str(self._port)),
                    *("--backend-store-uri", self._backend or self._database()),
                    *(self._arguments or ("--artifacts-destination", f"{self._folder}/artifacts")),
                ],
                cwd=self._folder,
                env={**kept, **_QUIET, **self._environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                said = self.log.read_text(errors="replace")[-4000:]
                raise RuntimeError(f"The MLflow server does not answer:\n{said}")
            time.sleep(0.1)
        return self

    def stop(self) -> None:
        """End it at once, with all its workers."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(20)
            self._process = None

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let it take connections and answer nothing."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._process.pid, signal.SIGCONT)

    def _database(self) -> str:
        """Return its own database: a copy of one that was migrated earlier, not to wait for it."""
        from mlnb.tracking import template

        database = self._folder / "server.db"
        template.create(database, self._folder / "artifacts")
        return f"sqlite:///{database}"

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.uri}/health", timeout=2).close()  # noqa: S310  (ours)
        except urllib.error.HTTPError:
            return True  # it wants a password
        except OSError:
            return False
        return True


@contextmanager
def tracking_server(
    folder: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    backend: str | None = None,
) -> Iterator[TrackingServer]:
    """Run a server; it ends with the block. See `TrackingServer`."""
    server = TrackingServer(folder, *arguments, environment=environment, backend=backend)
    try:
        yield server.start()
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
