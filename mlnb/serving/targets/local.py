"""Endpoints as processes on this machine: a supervisor each, see `mlnb.serving.supervisor`."""

import contextlib
import fcntl
import os
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.core.errors import Conflict, EndpointUnavailable
from mlnb.core.extras import installed, require
from mlnb.core.records import EndpointPart, EndpointStatus
from mlnb.core.settings import CONTEXT
from mlnb.serving import comparing, folders, standby
from mlnb.serving import state as states
from mlnb.serving.control import QUICK, START, Control
from mlnb.serving.package import Package
from mlnb.serving.routing import Role, Split
from mlnb.serving.state import LocalState
from mlnb.serving.targets import Address

EXTRA = ("httpx", "orjson", "prometheus_client", "psutil", "httptools", "uvloop")
LEAVE = 60.0
REVIVED = 5.0
"""Seconds in which a supervisor that was killed is replaced by another."""
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

    def serve_beside(self, release: int, split: Split) -> None:
        """Let it have a part of the traffic."""
        self._line.ask("commit", seconds=START, release=release, split=split.to_dict())
        self.served = True


class LocalTarget:
    """The `Target` that is this machine; its state is in ``.mlnb/local/endpoints``."""

    def __init__(self) -> None:
        for module in EXTRA:
            installed(module, "serving")

    @contextmanager
    def prepare(
        self, name: str, package: Package, *, port: int = 0, workers: int | None = None
    ) -> Iterator[LocalCandidate]:
        """Start a release beside what serves."""
        with _changing(name):
            running = _running(name)
            known = running or states.read(folders.state_file(name))
            if running is not None and port not in (0, running.port):
                raise Conflict(
                    f"Endpoint {name!r} runs on port {running.port}.",
                    f"Leave the port out, or stop it first: mlnb endpoint stop {name}",
                )
            count = workers or (known.workers if known else 1)
            state = running or _start(name, port)
            candidate = None
            try:
                with Control(state) as line:
                    job = _job(name, package)
                    line.ask("prepare", seconds=START, job=job, workers=count)
                    candidate = LocalCandidate(line)
                    yield candidate
            finally:
                if running is None and not (candidate and candidate.served):
                    _end(name)
                    if known is None:  # else its address and token are still its clients'
                        folders.state_file(name).unlink(missing_ok=True)

    @contextmanager
    def recall(self, name: str, model: str, digest: str) -> Iterator[LocalCandidate | None]:
        """Hand the release that served before, its model still in memory; None if it is not."""
        with _changing(name):
            state = _running(name)
            if state is None:
                yield None
                return
            with Control(state) as line:
                found = line.ask("recall", model=model, digest=digest)["found"]
                yield LocalCandidate(line) if found else None

    def shift(self, name: str, share: float) -> None:
        """Give the canary another share of the requests."""
        self._change(name, "shift", share=share)

    def promote(self, name: str, role: Role) -> None:
        """Let the canary (or the shadow) answer everything."""
        self._change(name, "promote", role=role)

    def withdraw(self, name: str, role: Role) -> None:
        """End the canary or the shadow."""
        self._change(name, "withdraw", role=role)

    def _change(self, name: str, request: str, **facts: Any) -> None:
        with _changing(name), Control(_present(name)) as line:
            line.ask(request, seconds=START, **facts)

    def status(self, name: str) -> EndpointStatus:
        """Tell what an endpoint is doing."""
        known = states.read(folders.state_file(name))
        if known is None or known.pid is None:
            return EndpointStatus(name=name, status="stopped")
        state = _running(name)
        if state is None:
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
            parts=[_part(each) for each in answer["releases"] if each["release"] is not None],
            **facts,
        )

    def address(self, name: str) -> Address:
        """Return how to reach an endpoint."""
        state = _present(name)
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


def _part(facts: dict[str, Any]) -> EndpointPart:
    split = facts["split"]
    return EndpointPart(
        release=facts["release"],
        model=facts["model"],
        role=facts["role"],
        share=split["share"] if facts["role"] == "canary" else None,
        sticky_by=split["sticky_by"],
        rules=split["rules"],
        workers=len(facts["workers"]),
        crashes=facts["crashes"],
    )


def _running(name: str) -> LocalState | None:
    """Return the state of an endpoint that runs.

    One whose supervisor was killed goes on serving: its loader starts another one, or this does.
    """
    state = states.read(folders.state_file(name))
    if states.process(state) is not None:
        return state
    if not states.loaders(state):
        return None
    end = time.monotonic() + REVIVED
    while time.monotonic() < end:
        state = states.read(folders.state_file(name))
        if states.process(state) is not None:
            return state
        time.sleep(0.05)
    return _start(name, 0)


def _present(name: str) -> LocalState:
    state = _running(name)
    if state is None:
        raise EndpointUnavailable(
            name,
            "it does not run on this machine",
            f"Start it: mlnb endpoint start {name}",
        )
    return state


def _job(name: str, package: Package) -> dict[str, Any]:
    settings = project.current().settings
    return {
        "endpoint": name,
        "model": package.version.ref,
        "digest": package.version.digest,
        "files": str(package.files),
        "python": str(package.python()),
        "trusted": package.trusted,
        "columns": [column.to_dict() for column in package.columns],
        "engine": str(comparing.prepared(package)),
        "log": str(folders.log_folder(name)),
        "body_limit": settings.endpoint_body_limit,
        "log_sample": settings.endpoint_log_sample,
        "log_exclude": [each.strip() for each in settings.endpoint_log_exclude.split(",") if each],
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
        "warm": here.settings.endpoint_warm,
        "port": port,
    }
    environment = {key: value for key, value in os.environ.items() if key not in CONTEXT}
    environment["MLNB_PROJECT"] = str(here.root)
    log = _log_file(name)
    with standby.taken().begin(given, str(here.root), str(log), environment) as reports:
        with selectors.DefaultSelector() as waiting:  # select() knows no descriptor above 1023
            waiting.register(reports, selectors.EVENT_READ)
            ready = waiting.select(6 * QUICK)
        word = reports.readline().decode().strip() if ready else "it said nothing for a minute"
    state = states.read(folders.state_file(name))
    if word != "started" or state is None:
        reason = word or "its supervisor ended at once"
        raise EndpointUnavailable(name, reason, f"See `mlnb endpoint logs {name}`.")
    return state


def _log_file(name: str) -> Path:
    """Return the file that an endpoint's processes write to; one that is long is put away."""
    file = folders.server_log(name)
    if file.exists() and file.stat().st_size > LOG_BYTES:
        file.replace(file.with_suffix(".log.1"))
    return file


def _end(name: str) -> bool:
    """Stop a supervisor and its workers; whatever lingers is killed."""
    psutil = require("psutil", "serving")
    state = states.read(folders.state_file(name))
    process = states.process(state)
    loaders = states.loaders(state)
    if state is None or (process is None and not loaders):
        return False
    if process is None:
        state = _running(name) or state
        process = states.process(state)
    found = [*loaders, *([process] if process is not None else [])]
    family = [*found, *(child for each in found for child in _children(each))]
    try:
        with Control(state) as line:
            line.ask("stop")
    except EndpointUnavailable:
        for each in found:
            with contextlib.suppress(psutil.Error):
                each.terminate()
    _, lingering = psutil.wait_procs(family, timeout=LEAVE)
    for each in lingering:
        with contextlib.suppress(psutil.Error):
            each.kill()
    psutil.wait_procs(lingering, timeout=QUICK)
    return True


def _children(process: Any) -> list[Any]:
    psutil = require("psutil", "serving")
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []
