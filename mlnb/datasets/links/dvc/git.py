"""What a git repository holds at a commit.

git is asked with everything switched off by which a repository's own configuration could run
programs (file-system monitor, pager), never prompts, and is stopped when it takes long.
"""

import os
import shutil
import subprocess
from pathlib import Path

from mlnb.core.errors import BadInput, Failed, TimedOut, UnknownName

SECONDS = 20.0
CLONING = 600.0
_SAFE = ["-c", "core.fsmonitor=false", "-c", "core.pager=cat", "-c", "core.quotePath=false"]


def top(folder: Path) -> Path | None:
    """Return the top of the work tree that a folder is in; None outside a repository."""
    answer = ask(folder, "rev-parse", "--show-toplevel")
    return Path(os.fsdecode(answer.strip())) if answer and answer.strip() else None


def commit(repository: Path, revision: str, shown: str) -> str:
    """Return the commit that a branch, tag or abbreviated commit means.

    Raises
    ------
    UnknownName
        If it means none.
    """
    if revision.startswith("-") or "\0" in revision:
        raise BadInput(f"{revision!r} is no git revision.", "Give a commit, tag or branch.")
    answer = ask(repository, "rev-parse", "--quiet", "--verify", revision + "^{commit}")
    if not answer:
        known = (ask(repository, "tag", "--list") or b"").decode(errors="replace").split()
        raise UnknownName(
            "git revision", f"{revision} of {shown}", [f"{k} of {shown}" for k in known]
        )
    return answer.decode().strip()


def read(repository: Path, at: str, path: str) -> bytes | None:
    """Return a file's bytes at a commit; None when it is not there."""
    return ask(repository, "cat-file", "blob", f"{at}:{path}")


def paths(repository: Path, at: str) -> list[str]:
    """Return the paths of all files at a commit."""
    answer = ask(repository, "ls-tree", "-r", "-z", "--name-only", "--full-tree", at) or b""
    return [os.fsdecode(item) for item in answer.split(b"\0") if item]


def clone(url: str, folder: Path, shown: str) -> None:
    """Make a bare clone of a repository, whole or not at all; fetch when it is there already.

    Raises
    ------
    Failed
        If the repository cannot be read.
    """
    if folder.is_dir():
        run(folder, shown, "fetch", "--quiet", "--prune", "--tags", "--", url, "+refs/*:refs/*")
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        run(folder.parent, shown, "clone", "--quiet", "--bare", "--", url, str(part))
        run(part, shown, "remote", "remove", "origin")  # its URL may hold a password
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def run(folder: Path, shown: str, *arguments: str) -> None:
    """Run git, or raise what it said."""
    done = _run(folder, arguments, CLONING)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"]
        raise Failed(f"The git repository {shown} cannot be read: {said[-1].rstrip('.')}.")


def ask(folder: Path, *arguments: str) -> bytes | None:
    """Return what git answers; None when it refuses."""
    done = _run(folder, arguments, SECONDS)
    return None if done.returncode else done.stdout


def _run(
    folder: Path, arguments: tuple[str, ...], seconds: float
) -> "subprocess.CompletedProcess[bytes]":
    program = shutil.which("git")
    if program is None:
        raise Failed("git is not installed.", "Install it: DVC keeps its revisions there.")
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set inside a git hook
        environment.pop(name, None)
    try:
        return subprocess.run(  # noqa: S603  (a fixed program, no shell)
            [program, *_SAFE, *arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TimedOut(f"git {arguments[0]}", seconds) from None
