"""A real PostgreSQL server on this machine, from the system's package.

::

    with postgres_server() as server:
        with server.database() as url:
            …

It runs as a user of its own when root starts it, for it refuses to run as root.
"""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_HOMES = "/usr/lib/postgresql"
_START = 60
"""Seconds it may take to start; it takes about two."""
_FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


@dataclass(frozen=True)
class PostgresServer:
    """A running server.

    Attributes
    ----------
    port : int
        On the loopback interface.
    user, password : str
        Its only user.
    """

    port: int
    user: str
    password: str

    def url(self, database: str) -> str:
        """Return the URL of a database, with user and password."""
        return f"postgresql://{self.user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self) -> str:
        """Create an empty database and return its URL."""
        import psycopg

        name = f"db{secrets.token_hex(4)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server in a temporary folder; both end with the block."""
    folder = Path(tempfile.mkdtemp(prefix="mlnb-postgres-"))
    user = _own_user()
    server = PostgresServer(_free_port(), "analyst", secrets.token_hex(8))
    try:
        if user:
            shutil.chown(folder, user)
        _initialise(folder, user, server)
        process = _start(folder, user, server)
        try:
            _wait(server, process, folder / "server.log")
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)  # at once: its data goes, too
            process.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(folder: Path, user: str | None, server: PostgresServer) -> None:
    secret = folder / "password"
    secret.write_text(server.password, encoding="utf-8")
    if user:
        shutil.chown(secret, user)
    done = subprocess.run(  # noqa: S603  (the system's program)
        [
            *(_program("initdb"), "--pgdata", str(folder / "data"), "--no-sync"),
            *("--username", server.user, "--pwfile", str(secret)),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
        ],
        cwd=folder,
        user=user,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _start(folder: Path, user: str | None, server: PostgresServer) -> "subprocess.Popen[Any]":
    options = [
        f"-c{option}" for option in (*_FAST, "unix_socket_directories=", "max_connections=60")
    ]
    with (folder / "server.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603  (the system's program)
            [
                *(_program("postgres"), "-D", str(folder / "data")),
                *("-h", "127.0.0.1", "-p", str(server.port), *options),
            ],
            cwd=folder,
            user=user,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _wait(server: PostgresServer, process: "subprocess.Popen[Any]", log: Path) -> None:
    import psycopg

    deadline = time.monotonic() + _START
    while True:
        try:
            psycopg.connect(server.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(errors="replace")[-4000:]
                raise RuntimeError(f"PostgreSQL does not answer:\n{said}") from None
            time.sleep(0.05)
        else:
            return


def _program(name: str) -> str:
    newest = sorted(Path(_HOMES).glob(f"*/bin/{name}"), key=lambda path: _version(path.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which(name)
    if not found:
        raise FileNotFoundError(
            "The tests of databases need PostgreSQL; install it, for example: "
            "sudo apt-get install postgresql"
        )
    return found


def _version(text: str) -> float:
    return float(text) if text.replace(".", "", 1).isdigit() else 0.0


def _own_user() -> str | None:
    """Return who is to run it; None for who runs this."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no user postgres or nobody.")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
