"""An endpoint inside a container: one release, whatever runs around it.

``python -m mlnb.serving.standalone serve`` loads the model beside it, accepts on port 8080 (by
``MLNB_PORT`` on another) and serves until it is told to end: with SIGTERM it finishes what runs.

Containers of one endpoint that share a network namespace and the folder ``/run/mlnb`` take over
from each other without closing the door: with ``MLNB_WAIT`` set, a release is loaded but does not
serve; ``commit RELEASE`` gives it the listening socket of the one that serves, lets it accept, and
lets the other one drain, whose late requests are passed on (see `mlnb.serving.gateway`).
"""

import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlnb.serving.metrics import SHARED
from mlnb.serving.sockets import BACKLOG

HOME = Path("/opt/mlnb")
"""Where an image has the model and what is to be known of it."""
RUN = Path("/run/mlnb")
STATE = Path("/var/lib/mlnb")
PORT = 8080
LOAD = 180.0
ORDER = 45.0
LEAVE = 40.0
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_logger = logging.getLogger("mlnb.serving.standalone")


class Line:
    """A line to a loader: orders as JSON, each answered by one line."""

    def __init__(self, identity: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(ORDER)
        self._socket.connect(str(RUN / f"{identity}.control"))
        self._reader = self._socket.makefile("rb")

    def ask(self, order: str, *, seconds: float = ORDER, **facts: Any) -> dict[str, Any]:
        """Give an order and return the answer; RuntimeError if it could not be followed."""
        self._socket.settimeout(seconds)
        self._socket.sendall(json.dumps({"order": order, **facts}).encode() + b"\n")
        line = self._reader.readline()
        if not line:
            raise RuntimeError("its process ended")
        answer: dict[str, Any] = json.loads(line)
        if answer.get("failed"):
            raise RuntimeError(str(answer["failed"]))
        return answer

    def listener(self) -> socket.socket:
        """Return the listening socket that the loader has."""
        self._socket.sendall(b'{"order": "listener"}\n')
        _, descriptors, _, _ = socket.recv_fds(self._socket, 1, 1)
        return socket.socket(fileno=descriptors[0])

    def close(self) -> None:
        """Hang up."""
        self._reader.close()
        self._socket.close()


@contextmanager
def line_to(identity: str) -> Iterator[Line]:
    """Open a line to a loader for a while."""
    line = Line(identity)
    try:
        yield line
    finally:
        line.close()


def serving() -> tuple[str, int] | None:
    """Return the release that was committed last in this endpoint: its id and number."""
    try:
        found = json.loads((RUN / "serving.json").read_text("utf-8"))
        return str(found["id"]), int(found["release"])
    except (OSError, ValueError, KeyError):
        return None


def commit(identity: str, release: int) -> None:
    """Let a loaded release serve, and the one that served before drain.

    Raises
    ------
    RuntimeError
        If it cannot; the one before goes on serving.
    """
    before = serving()
    with line_to(identity) as line:
        line.ask("serve", release=release, role="current", route=_ROUTE)
    draft = RUN / f".{identity}.json"
    draft.write_text(json.dumps({"id": identity, "release": release}), encoding="utf-8")
    draft.replace(RUN / "serving.json")
    if before is not None and before[0] != identity:
        with contextlib.suppress(OSError, RuntimeError), line_to(before[0]) as line:
            line.ask("drain", successor=str(RUN / f"{identity}.gate"))


def loaded(identity: str) -> dict[str, Any]:
    """Wait until a release is loaded, and return its loader's status."""
    end = time.monotonic() + LOAD
    while time.monotonic() < end:
        with contextlib.suppress(OSError, RuntimeError), line_to(identity) as line:
            status = line.ask("status", seconds=LOAD)
            if status["loaded"]:
                return status
        time.sleep(0.05)
    raise RuntimeError(f"it took longer than {LOAD:g} s")


_ROUTE = {"format": 1, "canary": None, "shadow": None}


class Main:
    """The container's own process: starts the loader and tends it.

    Parameters
    ----------
    identity : str
        Of this container among those of the endpoint.
    """

    def __init__(self, identity: str) -> None:
        self.identity = identity
        self._ends = False
        self._loader: subprocess.Popen[bytes] | None = None

    def run(self) -> int:
        """Serve until told to end; return the exit code."""
        signal.signal(signal.SIGTERM, self._told)
        signal.signal(signal.SIGINT, self._told)
        control = RUN / f"{self.identity}.control"
        gate = RUN / f"{self.identity}.gate"
        listener = self._listener()
        with listener, _bound(control) as orders, _bound(gate) as visitors:
            self._loader = self._start(listener, orders, visitors, gate)
        try:
            return self._follow()
        finally:
            for path in (control, gate):
                path.unlink(missing_ok=True)

    def _told(self, _number: int, _frame: Any) -> None:
        self._ends = True

    def _listener(self) -> socket.socket:
        """Return the endpoint's socket: that of the release that serves, else a new one."""
        before = serving()
        if before is not None:
            with contextlib.suppress(OSError, IndexError), line_to(before[0]) as line:
                return line.listener()
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("0.0.0.0", int(os.environ.get("MLNB_PORT", PORT))))  # noqa: S104  (a container's)
        made.listen(BACKLOG)
        return made

    def _start(
        self, listener: socket.socket, orders: socket.socket, visitors: socket.socket, gate: Path
    ) -> "subprocess.Popen[bytes]":
        metrics = STATE / "metrics"
        metrics.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, SHARED: str(metrics), **dict.fromkeys(_ONE_THREAD, "1")}
        given = {"gate": str(gate), "metrics": str(metrics), "supervisor": {}}
        sockets = [each.fileno() for each in (listener, orders, visitors)]
        return subprocess.Popen(  # noqa: S603  (our own module)
            [
                sys.executable,
                "-m",
                "mlnb.serving.loader",
                *map(str, sockets),
                json.dumps(given),
            ],
            pass_fds=sockets,
            env=environment,
        )

    def _follow(self) -> int:
        job, workers = _job(), int(os.environ.get("MLNB_WORKERS", "1"))
        try:
            with line_to(self.identity) as line:
                line.ask("adopt")
                line.ask("load", seconds=LOAD, job=job, count=workers)
                self._begin()
                code = self._tend(line)
                with contextlib.suppress(OSError, RuntimeError):
                    line.ask("stop")
        except (OSError, RuntimeError) as error:
            print(json.dumps({"failed": str(error)}), flush=True)
            return self._ended(3)
        return self._ended(code)

    def _begin(self) -> None:
        """Serve at once, unless it is to wait; one that crashed and is back goes on."""
        before = serving()
        if before is not None and before[0] == self.identity:
            commit(self.identity, before[1])
        elif not os.environ.get("MLNB_WAIT"):
            commit(self.identity, int(os.environ.get("MLNB_RELEASE", "1")))

    def _tend(self, line: Line) -> int:
        """Wait for the end: told so, drained, or the loader's own."""
        served = False
        while not self._ends:
            if self._loader is not None and self._loader.poll() is not None:
                return 1
            status = line.ask("status")
            served = served or status["release"] is not None
            if served and status["release"] is None and not status["leaving"]:
                return 0  # another release has taken over, and nothing is left to do
            time.sleep(0.5)
        return 0

    def _ended(self, code: int) -> int:
        loader = self._loader
        if loader is not None:
            try:
                loader.wait(LEAVE)
            except subprocess.TimeoutExpired:
                loader.kill()
                loader.wait()
        return code


def _job() -> dict[str, Any]:
    """Return what the loader is told to serve."""
    given: dict[str, Any] = json.loads((HOME / "release.json").read_text("utf-8"))
    log = STATE / "log"
    log.mkdir(parents=True, exist_ok=True)
    secret = os.environ.get("MLNB_TOKEN_FILE")
    token = Path(secret).read_text("utf-8").strip() if secret else os.environ.get("MLNB_TOKEN", "")
    return {
        **given["job"],
        "endpoint": os.environ.get("MLNB_ENDPOINT") or given["job"]["endpoint"],
        "files": str(HOME / "model"),
        "engine": str(HOME / "engine"),
        "log": str(log),
        "token": token,
    }


@contextmanager
def _bound(path: Path) -> Iterator[socket.socket]:
    """Open a Unix socket that listens; only this user's processes may connect."""
    path.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(str(path))
        path.chmod(0o600)
        made.listen(128)
        yield made
    finally:
        made.close()


def _run_folder() -> None:
    """Use another folder for sockets where the usual one cannot be written, as on SageMaker."""
    for name, usual in (("RUN", RUN), ("STATE", STATE)):
        try:
            usual.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=usual).close()
        except OSError:
            globals()[name] = Path(tempfile.mkdtemp(prefix="mlnb-"))


def main(arguments: list[str]) -> int:
    """Do what the arguments say: serve, hold, loaded ID, commit ID RELEASE."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s",
    )
    word = arguments[0] if arguments else "serve"
    try:
        if word == "hold":  # what keeps the network of an endpoint while its releases change
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
            signal.pause()
        elif word == "loaded":
            print(json.dumps(loaded(arguments[1])))
        elif word == "commit":
            commit(arguments[1], int(arguments[2]))
            print(json.dumps({"release": int(arguments[2])}))
        else:
            _run_folder()
            return Main(os.environ.get("MLNB_ID") or secrets.token_hex(4)).run()
    except RuntimeError as error:
        print(json.dumps({"failed": str(error)}))
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
