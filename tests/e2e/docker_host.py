"""A Docker daemon, a registry and an image of Python to build on, without any public registry.

The developer's own daemon is used when there is one; else, as root, one is started for the tests.
An image of Python is taken as it is, pulled, or made with debootstrap and kept in the user's cache.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PYTHON = f"python:{sys.version_info.major}.{sys.version_info.minor}-slim"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlnb-tests"
_REGISTRY = """\
version: 0.1
storage:
  filesystem:
    rootdirectory: {folder}
http:
  addr: 127.0.0.1:{port}
"""


def docker(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert not (check and done.returncode), f"docker {' '.join(arguments)}: {done.stderr}"
    return done.stdout.strip()


@contextmanager
def daemon(folder: Path) -> Iterator[str]:
    """Give the address of a daemon that runs, and stop it if it was started for this."""
    asked = subprocess.run(["docker", "info"], capture_output=True, check=False)
    if asked.returncode == 0:
        yield os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
        return
    program = shutil.which("dockerd") or "/usr/sbin/dockerd"
    if os.getuid() or not Path(program).exists():
        pytest.fail("These tests need a Docker daemon; start it, or install docker.io as root.")
    address = f"unix://{folder}/docker.sock"
    with (folder / "dockerd.log").open("w") as log:
        process = subprocess.Popen(
            [
                *(program, "-H", address, "-p", folder / "docker.pid"),
                *("--data-root", folder / "data", "--exec-root", folder / "exec"),
                *("--default-ulimit", "nofile=4096:4096"),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait(lambda: _answers(address), "dockerd", process)
        yield address
    finally:
        _emptied(address)
        process.terminate()
        process.wait(60)


def _emptied(address: str) -> None:
    """Remove the containers: what they leave on the bridge has the addresses of the next ones."""
    given = {**os.environ, "DOCKER_HOST": address}
    found = subprocess.run(["docker", "ps", "-aq"], capture_output=True, text=True, env=given)
    if names := found.stdout.split():
        subprocess.run(["docker", "rm", "--force", *names], capture_output=True, env=given)


def _answers(address: str) -> bool:
    given = {**os.environ, "DOCKER_HOST": address}
    done = subprocess.run(["docker", "info"], capture_output=True, check=False, env=given)
    return done.returncode == 0


def wait(true: object, what: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while not true():  # type: ignore[operator]
        assert process.poll() is None, f"{what} has ended"
        assert time.monotonic() < deadline, f"{what} does not answer"
        time.sleep(0.2)


def python_image() -> str:
    """Return the name of an image with this Python."""
    if docker("images", "-q", PYTHON):
        return PYTHON
    tar = CACHE / "bookworm.tar"
    if not tar.exists():
        pulled = subprocess.run(["docker", "pull", "-q", PYTHON], capture_output=True, check=False)
        if pulled.returncode == 0:
            return PYTHON
        _debootstrap(tar)
    docker("import", str(tar), PYTHON)
    return PYTHON


def _debootstrap(tar: Path) -> None:
    """Make Debian with Python, its certificates being those of this machine."""
    CACHE.mkdir(parents=True, exist_ok=True)
    root = CACHE / "rootfs"
    shutil.rmtree(root, ignore_errors=True)
    packages = "python3,python3-pip,python3-venv,ca-certificates"
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", root],
        check=True,
        capture_output=True,
    )
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        shutil.copy(certificates, root / certificates.relative_to("/"))
    draft = tar.with_suffix(".new")
    subprocess.run(["tar", "-C", root, "-cf", draft, "."], check=True)
    draft.rename(tar)
    shutil.rmtree(root)


@contextmanager
def registry(folder: Path) -> Iterator[str]:
    """Run an image registry on loopback and give its address."""
    port = free_port()
    settings = folder / "registry.yml"
    settings.write_text(_REGISTRY.format(folder=folder / "registry", port=port))
    with (folder / "registry.log").open("w") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", settings], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        wait(lambda: _listens(port), "docker-registry", process)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
