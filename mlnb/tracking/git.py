"""The state of the git work tree: commit, branch, uncommitted changes.

git is asked with everything switched off by which a repository's own configuration could run
programs (external diff, text conversion, file-system monitor, pager), and is stopped when it
takes long.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SECONDS = 10.0
_SAFE = ["-c", "core.fsmonitor=false", "-c", "core.pager=cat", "-c", "core.quotePath=false"]
_KEEP = ("PATH", "HOME", "SYSTEMROOT", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL")


@dataclass(frozen=True)
class Head:
    """What is checked out."""

    commit: str
    branch: str
    """``""`` when no branch is."""


@dataclass(frozen=True)
class Changes:
    """What differs from the commit."""

    dirty: bool
    diff: bytes = b""
    """``git diff HEAD``; empty when it is too large."""
    note: str = ""
    """Why a dirty tree has no diff."""
    untracked: int = 0


def head(folder: Path) -> Head | None:
    """Return what is checked out; None outside a repository, before a commit, or without git."""
    answer = _git(folder, "rev-parse", "HEAD", "--abbrev-ref", "HEAD")
    lines = answer.decode(errors="replace").split() if answer else []
    if len(lines) != 2:
        return None
    return Head(lines[0], "" if lines[1] == "HEAD" else lines[1])


def changes(folder: Path, limit: int) -> Changes | None:
    """Return the uncommitted changes below a folder's work tree.

    Parameters
    ----------
    folder : Path
        Any folder of the work tree.
    limit : int
        Bytes; a larger diff is not kept.
    """
    status = _git(folder, "status", "--porcelain", "--untracked-files=normal")
    if status is None:
        return None
    lines = status.splitlines()
    untracked = sum(line.startswith(b"??") for line in lines)
    if len(lines) == untracked:
        return Changes(dirty=bool(lines), untracked=untracked)
    diff = _git(folder, "diff", "--no-ext-diff", "--no-textconv", "--binary", "HEAD", limit=limit)
    if diff is None:
        return Changes(dirty=True, note="git diff failed or took too long", untracked=untracked)
    if len(diff) > limit:
        note = f"the diff is larger than diff_limit ({limit} bytes)"
        return Changes(dirty=True, note=note, untracked=untracked)
    return Changes(dirty=True, diff=diff, untracked=untracked)


def _git(folder: Path, *arguments: str, limit: int | None = None) -> bytes | None:
    program = shutil.which("git")
    if program is None:
        return None
    variables = {name: os.environ[name] for name in _KEEP if name in os.environ}
    variables |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    process = subprocess.Popen(  # noqa: S603  (a fixed program and fixed arguments, no shell)
        [program, *_SAFE, *arguments],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    timer = _Timer(process)
    with process, timer:
        assert process.stdout is not None  # noqa: S101  (PIPE was asked for)
        output = process.stdout.read() if limit is None else process.stdout.read(limit + 1)
        if limit is not None and len(output) > limit:
            process.kill()
            return output
    return output if process.returncode == 0 and not timer.expired else None


class _Timer:
    """Kills a process that runs too long."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        from threading import Timer

        self.expired = False
        self._process = process
        self._timer = Timer(SECONDS, self._expire)
        self._timer.daemon = True

    def _expire(self) -> None:
        self.expired = True
        self._process.kill()

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_details: object) -> None:
        self._process.wait()
        self._timer.cancel()
