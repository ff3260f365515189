"""Endpoints as containers: an image per release, one address while releases change.

An endpoint is a container that holds the network (its published port) and does nothing, and one
container per release that joins it. Releases hand the listening socket on to each other, so a
switch refuses no request; see `mlnb.serving.standalone`. Works with any daemon that the docker
program reaches (``DOCKER_HOST``).
"""

import fcntl
import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.core.errors import Conflict, EndpointUnavailable, MlnbError, ReleaseFailed
from mlnb.core.extras import require
from mlnb.core.hashing import digest_bytes
from mlnb.core.records import EndpointStatus, Record, now
from mlnb.serving import folders
from mlnb.serving.docker import build, docker, inside, run, said
from mlnb.serving.package import Package
from mlnb.serving.targets import Address

USER = 10001
"""Who a release's processes are, in its image."""
START = 200.0
STOP = 60.0
PORT = 8080
_PYTHON = ("/opt/mlnb/env/bin/python", "-m", "mlnb.serving.standalone")
_LOCKED_DOWN = (
    "--read-only",
    "--tmpfs=/tmp",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
)
_REQUESTS = re.compile(
    r"^mlnb_requests_total\{[^}]*status=\"(\d+|other)\"[^}]*\} ([0-9.e+]+)$", re.M
)


@dataclass(frozen=True, kw_only=True)
class DockerState(Record):
    """What this machine remembers of an endpoint in containers."""

    name: str
    host: str
    port: int
    token: str
    auth: bool = True
    workers: int = 1
    container: str = ""
    """Of the release that serves; empty when it is stopped."""
    release: int | None = None
    model: str = ""
    since: datetime | None = None

    @property
    def url(self) -> str:
        """Return the address clients on this machine use."""
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(self.host, self.host)  # noqa: S104  (compared with)
        return f"http://{host}:{self.port}"


class DockerCandidate:
    """A release that is loaded in a container of its own."""

    def __init__(self, pod: "_Pod", state: DockerState, identity: str, package: Package) -> None:
        self._pod, self.state = pod, state
        self._identity, self._package = identity, package
        self.served = False

    def serve(self, release: int) -> None:
        """Switch to it."""
        before, container = self.state.container, self._pod.release(self._identity)
        if before:
            run("update", "--restart=no", before)  # what has drained is not to come back
        run("update", "--restart=unless-stopped", container)
        done = inside(container, *_PYTHON, "commit", self._identity, str(release), seconds=START)
        if done.returncode:
            if before:
                run("update", "--restart=unless-stopped", before)
            raise ReleaseFailed(
                self._package.version.ref, self.state.name, _reason(done.stdout), self.state.model
            )
        self.served = True
        self.state = replace(
            self.state,
            container=container,
            release=release,
            model=self._package.version.ref,
            since=now(),
        )
        _write(self.state)


class DockerTarget:
    """The `Target` that is a Docker daemon; what it remembers is in ``.mlnb/local/docker``.

    Parameters
    ----------
    base : str
        The image to build on; Python's own slim one by default.
    """

    def __init__(self, base: str = "") -> None:
        require("httpx", "serving")
        self._base = base

    @contextmanager
    def prepare(
        self, name: str, package: Package, *, port: int = 0, workers: int | None = None
    ) -> Iterator[DockerCandidate]:
        """Start a release in a container beside what serves."""
        with _changing(name):
            pod, known = _Pod(name), _read(name)
            running = pod.runs() and known is not None and bool(known.container)
            if running and known is not None and port not in (0, known.port):
                raise Conflict(
                    f"Endpoint {name!r} runs on port {known.port}.",
                    f"Leave the port out, or stop it first: mlnb endpoint stop {name}",
                )
            image = build(package, name, base=self._base)
            state = known if running and known is not None else _fresh(name, known, port)
            state = replace(state, workers=workers or state.workers)
            candidate = None
            try:
                if not running:
                    pod.start(image, state)
                pod.sweep(keep=state.container)
                identity = secrets.token_hex(4)
                pod.add(identity, image, state, _log_folder(name))
                _await(pod, identity, package, state if running else None)
                candidate = DockerCandidate(pod, state, identity, package)
                yield candidate
            finally:
                if candidate is None or not candidate.served:
                    pod.sweep(keep=state.container if running else "")
                    if not running:
                        pod.remove()

    def status(self, name: str) -> EndpointStatus:
        """Tell what an endpoint is doing."""
        state = _read(name)
        if state is None or not state.container:
            return EndpointStatus(name=name, status="stopped")
        facts: dict[str, Any] = {
            "url": state.url,
            "release": state.release,
            "model": state.model,
            "since": state.since,
        }
        how = run("inspect", "--format", "{{.State.Status}}", state.container).stdout.strip()
        if how != "running":
            detail = f"its container is {how or 'gone'}; deploy or roll back starts it"
            return EndpointStatus(name=name, status="stopped", detail=detail)
        try:
            requests, errors = _counts(state)
        except EndpointUnavailable as error:
            return EndpointStatus(name=name, status="starting", detail=error.message, **facts)
        return EndpointStatus(
            name=name, status="running", requests=requests, errors=errors, **facts
        )

    def address(self, name: str) -> Address:
        """Return how to reach an endpoint."""
        state = _read(name)
        if state is None or not state.container or not _Pod(name).runs():
            raise EndpointUnavailable(
                name, "it runs in no container", f"Start it: mlnb deploy MODEL --to {name}"
            )
        return Address(state.url, state.token if state.auth else "")

    def logs(self, name: str, lines: int) -> str:
        """Return the last lines that the release's processes wrote."""
        state = _read(name)
        if state is None or not state.container or lines < 1:
            return ""
        done = run("logs", "--tail", str(lines), state.container)
        written = "\n".join(part for part in (done.stdout, done.stderr) if part)
        return "" if done.returncode else "\n".join(written.splitlines()[-lines:])

    def stop(self, name: str) -> bool:
        """Let running requests finish and remove the containers."""
        with _changing(name):
            state, pod = _read(name), _Pod(name)
            ran = state is not None and bool(state.container) and pod.runs()
            if state is not None and state.container:
                run("update", "--restart=no", state.container)
                run("stop", "--time", "45", state.container, seconds=STOP)
                _write(replace(state, container=""))
            pod.sweep()
            pod.remove()
            return ran

    def names(self) -> list[str]:
        """Return the endpoints that this machine knows in containers."""
        folder = _folder()
        return sorted(file.stem for file in folder.glob("[!.]*.json")) if folder.is_dir() else []


class _Pod:
    """The containers of one endpoint: what holds its network, and its releases."""

    def __init__(self, name: str) -> None:
        here = project.current()
        place = digest_bytes(str(here.root).encode())[:8]
        self.name = f"mlnb-{place}-{name}".lower()
        self.volumes = {"/run/mlnb": f"{self.name}-run", "/var/lib/mlnb": f"{self.name}-state"}

    def release(self, identity: str) -> str:
        """Return the name of a release's container."""
        return f"{self.name}-{identity}"

    def runs(self) -> bool:
        """Tell whether the network is held."""
        found = run("inspect", "--format", "{{.State.Running}}", self.name)
        return found.stdout.strip() == "true"

    def start(self, image: str, state: DockerState) -> None:
        """Hold the endpoint's address."""
        self.sweep()
        self.remove()
        publish = f"{state.host}:{state.port}:{PORT}"
        options = ["--detach", "--restart=unless-stopped", "--no-healthcheck", *_LOCKED_DOWN]
        done = run("run", *options, f"--publish={publish}", f"--name={self.name}", image, "hold")
        if done.returncode:
            self.remove()
            reason = f"{state.host}:{state.port}: {said(done)}"
            raise EndpointUnavailable(state.name, reason, "Is the port free? Does docker run?")

    def add(self, identity: str, image: str, state: DockerState, log: Path | None) -> None:
        """Start a release, which loads its model and waits."""
        options = [
            *("--detach", *_LOCKED_DOWN),
            f"--network=container:{self.name}",
            f"--pid=container:{self.name}",
            f"--name={self.release(identity)}",
            f"--label=mlnb.pod={self.name}",
            *(f"--volume={volume}:{place}" for place, volume in self.volumes.items()),
        ]
        if log is not None:
            options.append(f"--volume={log}:/var/lib/mlnb/log")
            if os.getuid():
                options.append(f"--user={os.getuid()}:{os.getgid()}")
        given = {
            "MLNB_ID": identity,
            "MLNB_WAIT": "1",
            "MLNB_ENDPOINT": state.name,
            "MLNB_WORKERS": str(state.workers),
            "MLNB_TOKEN": state.token if state.auth else "",
        }
        # by name only: docker takes the values from its own environment, so no list of
        # processes shows the token
        options += [f"--env={key}" for key in given]
        docker("run", *options, image, "serve", env=given)

    def sweep(self, keep: str = "") -> None:
        """Remove releases' containers but one, and those that still drain."""
        listed = run(
            *("ps", "--all", "--filter", f"label=mlnb.pod={self.name}"),
            *("--format", "{{.Names}} {{.State}}"),
        )
        for line in listed.stdout.splitlines():
            container, _, how = line.partition(" ")
            if container == keep:
                continue
            restarts = run(
                "inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", container
            ).stdout.strip()
            if keep and how == "running" and restarts == "no":
                continue  # it finishes what it has, and ends by itself
            run("rm", "--force", container)

    def remove(self) -> None:
        """Let go of the network, and of what releases hand on to each other."""
        run("rm", "--force", self.name)
        run("volume", "rm", "--force", *self.volumes.values())


def _await(pod: _Pod, identity: str, package: Package, serving: DockerState | None) -> None:
    """Wait until a release is loaded.

    Raises
    ------
    ReleaseFailed
        If it is not.
    """
    container = pod.release(identity)
    done = inside(container, *_PYTHON, "loaded", identity, seconds=START)
    if not done.returncode:
        return
    written = run("logs", "--tail", "200", container).stdout
    reason = _reason(written) or _reason(done.stdout) or said(done)
    raise ReleaseFailed(
        package.version.ref, pod.name, reason, serving.model if serving is not None else ""
    )


def _reason(written: str) -> str:
    """Return the reason that a release gave, or an empty text."""
    for line in reversed(written.splitlines()):
        if line.startswith('{"failed": '):
            return str(json.loads(line)["failed"]).rstrip(".")
    return ""


def _counts(state: DockerState) -> tuple[int, int]:
    httpx = require("httpx", "serving")
    headers = {"Authorization": f"Bearer {state.token}"}
    try:
        found = httpx.get(f"{state.url}/metrics", headers=headers, timeout=5, trust_env=False)
        found.raise_for_status()
    except httpx.HTTPError as error:
        raise EndpointUnavailable(state.name, f"it does not answer ({error})") from None
    counted = [(status, int(float(number))) for status, number in _REQUESTS.findall(found.text)]
    errors = sum(number for status, number in counted if status.startswith("5"))
    return sum(number for _, number in counted), errors


def _fresh(name: str, known: DockerState | None, port: int) -> DockerState:
    """Return the state of an endpoint that is about to start, where it was before."""
    settings = project.current().settings
    chosen = port or (known.port if known is not None else 0) or _free(settings.host)
    return DockerState(
        name=name,
        host=settings.host,
        port=chosen,
        token=known.token if known is not None else secrets.token_urlsafe(32),
        auth=settings.endpoint_auth,
        workers=known.workers if known is not None else 1,
    )


def _free(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as found:
        found.bind((host, 0))
        return int(found.getsockname()[1])


def _log_folder(name: str) -> Path | None:
    """Return the folder for the prediction log, writable in the container; None when elsewhere."""
    if not os.environ.get("DOCKER_HOST", "unix://").startswith("unix://"):
        return None  # the daemon's machine is another one
    folder = folders.log_folder(name)
    folder.mkdir(parents=True, exist_ok=True)
    if os.getuid() == 0:
        os.chown(folder, USER, USER)
    return folder


def _folder() -> Path:
    return project.current().root / project.STATE / "local" / "docker"


def _read(name: str) -> DockerState | None:
    try:
        text = (_folder() / f"{name}.json").read_text("utf-8")
        return DockerState.from_dict(json.loads(text))
    except (FileNotFoundError, ValueError, MlnbError):
        return None


def _write(state: DockerState) -> None:
    """Replace a state file; readable by its owner only from its first moment."""
    file = _folder() / f"{state.name}.json"
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(state.to_dict(), stream, indent=2)
    draft.replace(file)


@contextmanager
def _changing(name: str) -> Iterator[None]:
    """Hold the endpoint's lock; the system lets go of it when this process ends."""
    _ = project.current().local  # made now, and closed to other users
    _folder().mkdir(parents=True, exist_ok=True)
    with (_folder() / f"{name}.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Endpoint {name!r} is being changed by somebody else.", "Try again in a moment."
            ) from None
        yield
