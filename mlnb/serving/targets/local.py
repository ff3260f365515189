"""Endpoints as processes on this machine: a supervisor each, see `mlnb.serving.supervisor`."""

import fcntl
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlnb.core import project
from mlnb.core.errors import Conflict, EndpointUnavailable
from mlnb.core.extras import require
from mlnb.core.records import EndpointStatus
from mlnb.core.settings import CONTEXT
from mlnb.serving import folders
from mlnb.serving import state as states
from mlnb.serving.control import QUICK, START, Control
from mlnb.serving.package import Package
from mlnb.serving.state import LocalState
from mlnb.serving.targets import Address

EXTRA = ("httpx", "orjson", "prometheus_client", "psutil", "uvicorn")
LEAVE = 60.0
LOG_BYTES = 8 * 1024 * 1024
_TAIL = 1024 * 1024


class LocalCandidate:
    """A prepared release of a local endpoint."""

    def __init__(self, line: Control) -> None:
        self._line = line
        self.served = False

    def serve(self, release: int) -> None:
        """Switch to it."""
        self._line.ask("commit", seconds=START, release=release)
        self.served = True


class LocalTarget:
    """The `Target` that is this machine; its state is in ``.mlnb/local/endpoints``."""

    def __init__(self) -> None:
        for module in EXTRA:
            require(module, "serving")

    @contextmanager
    def prepare(
        self, name: str, package: Package, *, port: int = 0, workers: int | None = None
    ) -> Iterator[LocalCandidate]:
        """Start a release beside what serves."""
        with _changing(name):
            known = states.read(folders.state_file(name))
            running = states.process(known) is not None
            if running and known is not None and port not in (0, known.port):
                raise Conflict(
                    f"Endpoint {name!r} runs on port {known.port}.",
                    f"Leave the port out, or stop it first: mlnb endpoint stop {name}",
                )
            count = workers or (known.workers if known else 1)
            state = known if running and known is not None else _start(name, port)
            candidate = None
            try:
                with Control(state) as line:
                    job = _job(name, package)
                    line.ask("prepare", seconds=START, job=job, workers=count)
                    candidate = LocalCandidate(line)
                    yield candidate
            finally:
                if not running and not (candidate and candidate.served):
                    _end(name)
                    if known is None:  # else its address and token are still its clients'
                        folders.state_file(name).unlink(missing_ok=True)

    def status(self, name: str) -> EndpointStatus:
        """Tell what an endpoint is doing."""
        state = states.read(folders.state_file(name))
        if state is None or state.pid is None:
            return EndpointStatus(name=name, status="stopped")
        if states.process(state) is None:
            return EndpointStatus(
                name=name,
                status="stopped",
                detail="its process ended without being stopped; deploy or roll back starts it",
            )
        facts: dict[str, Any] = {
            "url": state.url,
            "release": state.release,
            "model": state.model,
            "pid": state.pid,
            "since": state.since,
        }
        try:
            with Control(state) as line:
                answer = line.ask("status")
        except EndpointUnavailable as error:
            return EndpointStatus(name=name, status="failed", detail=error.message, **facts)
        workers, crashes = answer["workers"], answer["crashes"]
        times = "1 crash" if crashes == 1 else f"{crashes} crashes in a row"
        detail = f"{times}, see its log" if crashes else ""
        how: Any = "running" if workers else "failed" if crashes > 2 else "starting"
        return EndpointStatus(
            name=name,
            status=how,
            requests=answer["requests"],
            errors=answer["errors"],
            detail=detail,
            **facts,
        )

    def address(self, name: str) -> Address:
        """Return how to reach an endpoint."""
        state = states.read(folders.state_file(name))
        if state is None or states.process(state) is None:
            raise EndpointUnavailable(
                name,
                "it does not run on this machine",
                f"Start it: mlnb deploy MODEL --to {name}",
            )
        return Address(state.url, state.token if state.auth else "")

    def logs(self, name: str, lines: int) -> str:
        """Return the last lines that the supervisor and the workers wrote."""
        file = folders.server_log(name)
        if not file.exists() or lines < 1:
            return ""
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - _TAIL))
            return "\n".join(stream.read().decode(errors="replace").splitlines()[-lines:])

    def stop(self, name: str) -> bool:
        """Let running requests finish and end everything."""
        with _changing(name):
            return _end(name)

    def names(self) -> list[str]:
        """Return the endpoints of this machine."""
        folder = folders.endpoints_folder()
        return sorted(file.stem for file in folder.glob("[!.]*.json")) if folder.is_dir() else []


@contextmanager
def _changing(name: str) -> Iterator[None]:
    """Hold the endpoint's lock; the system lets go of it when this process ends."""
    _ = project.current().local  # made now, and closed to other users
    file = folders.lock_file(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Endpoint {name!r} is being changed by somebody else.", "Try again in a moment."
            ) from None
        yield


def _job(name: str, package: Package) -> dict[str, Any]:
    return {
        "endpoint": name,
        "model": package.version.ref,
        "digest": package.version.digest,
        "files": str(package.files),
        "trusted": package.trusted,
        "columns": [column.to_dict() for column in package.columns],
        "log": str(folders.log_folder(name)),
        "body_limit": project.current().settings.endpoint_body_limit,
    }


def _start(name: str, port: int) -> LocalState:
    """Start a supervisor and wait until it listens."""
    here = project.current()
    folders.endpoint_folder(name).mkdir(parents=True, exist_ok=True)
    given = {
        "name": name,
        "folder": str(folders.endpoint_folder(name)),
        "host": here.settings.host,
        "auth": here.settings.endpoint_auth,
        "port": port,
    }
    environment = {key: value for key, value in os.environ.items() if key not in CONTEXT}
    environment["MLNB_PROJECT"] = str(here.root)
    receiving, sending = os.pipe()
    with os.fdopen(receiving, "rb") as reports, _log_stream(name) as log:
        try:
            subprocess.run(  # noqa: S603  (our own module; it detaches itself and returns at once)
                [sys.executable, "-m", "mlnb.serving.supervisor", json.dumps(given), str(sending)],
                cwd=here.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[sending],
                start_new_session=True,
                check=False,
            )
        finally:
            os.close(sending)
        with selectors.DefaultSelector() as waiting:  # select() knows no descriptor above 1023
            waiting.register(reports, selectors.EVENT_READ)
            ready = waiting.select(6 * QUICK)
        word = reports.readline().decode().strip() if ready else "it said nothing for a minute"
    state = states.read(folders.state_file(name))
    if word != "started" or state is None:
        reason = word or "its supervisor ended at once"
        raise EndpointUnavailable(name, reason, f"See `mlnb endpoint logs {name}`.")
    return state


@contextmanager
def _log_stream(name: str) -> Iterator[Any]:
    file = folders.server_log(name)
    if file.exists() and file.stat().st_size > LOG_BYTES:
        file.replace(file.with_suffix(".log.1"))
    with file.open("ab") as stream:
        yield stream


def _end(name: str) -> bool:
    """Stop a supervisor and its workers; whatever lingers is killed."""
    psutil = require("psutil", "serving")
    state = states.read(folders.state_file(name))
    process = states.process(state)
    if state is None or process is None:
        return False
    family = [process, *process.children(recursive=True)]
    try:
        with Control(state) as line:
            line.ask("stop")
    except EndpointUnavailable:
        process.terminate()
    _, lingering = psutil.wait_procs(family, timeout=LEAVE)
    for each in lingering:
        each.kill()
    psutil.wait_procs(lingering, timeout=QUICK)
    return True
