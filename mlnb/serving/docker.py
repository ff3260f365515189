"""The docker program: what is asked of it, and its failures as one clear error each."""

import os
import shutil
import subprocess
import time
from collections.abc import Mapping

from mlnb.core import redaction
from mlnb.core.errors import BadInput, MlnbError
from mlnb.core.hashing import digest_bytes
from mlnb.serving import image
from mlnb.serving.package import Package

QUICK = 60.0
BUILD = 1800.0
__all__ = ["build", "docker", "exists", "inside", "push", "run"]


def docker(*arguments: str, seconds: float = QUICK, env: Mapping[str, str] | None = None) -> str:
    """Run docker and return what it printed.

    Raises
    ------
    BadInput
        If the program is not installed.
    MlnbError
        If it fails; says what it said.
    """
    done = run(*arguments, seconds=seconds, env=env)
    if done.returncode:
        raise MlnbError(
            f"docker {arguments[0]} failed: {said(done)}.", "Does `docker info` work here?"
        )
    return done.stdout.strip()


def run(
    *arguments: str, seconds: float = QUICK, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run docker and return how it ended; does not raise when it fails."""
    try:
        return subprocess.run(  # noqa: S603  (docker, with arguments of our own)
            [_program(), *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
            env={**os.environ, **(env or {})},
        )
    except subprocess.TimeoutExpired:
        raise MlnbError(f"docker {arguments[0]} took longer than {seconds:g} s.") from None


def _program() -> str:
    program = shutil.which("docker")
    if program is None:
        raise BadInput(
            "This needs docker, which is not installed here.",
            "Install it, or deploy to this machine without it.",
        )
    return program


def inside(
    container: str, *arguments: str, seconds: float = QUICK
) -> "subprocess.CompletedProcess[str]":
    """Run a program in a container, and return how it ended; does not raise when it fails.

    ``docker exec`` waits for ever when a container ends that shares its processes with another.
    """
    command, end = [_program(), "exec", container, *arguments], time.monotonic() + seconds
    with subprocess.Popen(  # noqa: S603  (docker, with arguments of our own)
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as asked:
        while True:
            try:
                written, error = asked.communicate(timeout=1.0)
                return subprocess.CompletedProcess(command, asked.returncode, written, error)
            except subprocess.TimeoutExpired:
                how = run("inspect", "--format", "{{.State.Status}}", container).stdout.strip()
                if how == "running" and time.monotonic() < end:
                    continue
                asked.kill()
                why = f"it took longer than {seconds:g} s" if how == "running" else "it ended"
                return subprocess.CompletedProcess(command, 1, "", why)


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the end of what docker said, in one line."""
    lines = (done.stderr.strip() or done.stdout.strip() or "it said nothing").splitlines()
    return redaction.text(" ".join(lines[-3:]))[-400:].rstrip(".")


def exists(tag: str) -> bool:
    """Tell whether an image is there."""
    return run("image", "inspect", "--format", "{{.Id}}", tag).returncode == 0


def build(package: Package, endpoint: str, tag: str = "", base: str = "") -> str:
    """Build the image of a package, unless it is there, and return its name.

    Parameters
    ----------
    package : Package
        What it serves.
    endpoint : str
        What it calls itself.
    tag : str
        The image's name; by default one that says what is in it.
    base : str
        The image to build on; Python's own slim one by default.

    Raises
    ------
    MlnbError
        If docker cannot build it.
    """
    made = tag or image.tag_of(package, endpoint)
    if base:
        made += "" if tag else f"-{digest_bytes(base.encode())[:6]}"
    if not tag and exists(made):
        return made
    with image.context(package, endpoint, base) as folder:
        docker("build", "-q", "-t", made, str(folder), seconds=BUILD)
    return made


def push(tag: str, to: str) -> str:
    """Push an image to a registry.

    Parameters
    ----------
    tag : str
        The image.
    to : str
        ``registry/name:tag``.

    Returns
    -------
    str
        ``registry/name@sha256:…``: exactly this image, whatever the tag means later.
    """
    docker("tag", tag, to)
    docker("push", to, seconds=BUILD)
    return docker("inspect", "--format", "{{index .RepoDigests 0}}", to)
