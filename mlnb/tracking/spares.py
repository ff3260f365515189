"""Empty files made ahead for the journal's next runs.

Making a file takes a file system tens of microseconds, and milliseconds while it writes to the
disk, and so does renaming one; a cell should wait for neither. A spare is open, locked and named
like a run's file, with the id that its run will have. It is empty, so that nobody reads it: a run
that takes it becomes known with its first record.
"""

import fcntl
import os
import time
from collections import deque
from contextlib import suppress
from itertools import chain
from pathlib import Path
from threading import Lock
from uuid import uuid4

from mlnb.tracking.unyielding import stamp

COUNT = 8
"""How many are kept for a folder in which runs are recorded."""
STALE_SECONDS = 60.0
"""Spares that no process holds are removed when they are older."""

_spares: dict[str, deque[tuple[int, str]]] = {}
_taken: dict[str, tuple[int, str]] = {}  # by the run's id: no longer spare, and not yet written
_filling = Lock()


def created(folder: str, run: str) -> tuple[int, str]:
    """Make a run's file, open for appending and locked; return descriptor and path.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    unique = f"{os.getpid()}.{time.monotonic_ns() % 10**9}"
    name = f"{folder}/{time.time_ns():020d}-{run}-{unique}.log"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor, name


def run_id(folder: str) -> str:
    """Return an id for a new run: that of a spare, if there is one; from now on there will be."""
    mine = _spares.setdefault(folder, deque())
    with suppress(IndexError):
        while True:
            descriptor, name = mine.popleft()
            if stamp(name) is not None:
                run = name.rpartition("/")[2].split("-", 2)[1]
                _taken[run] = descriptor, name
                return run
            os.close(descriptor)  # somebody removed the folder
    return uuid4().hex


def file_of(run: str) -> tuple[int, str] | None:
    """Return descriptor and path of the spare whose id a run was given, if it was."""
    return _taken.pop(run, None)


def fill() -> None:
    """Make spares for the folders from which one was taken, when no cell waits."""
    with _filling:
        for folder, mine in list(_spares.items()):
            if not mine:
                _clean(folder)
            with suppress(OSError):
                while len(mine) < COUNT:
                    mine.append(created(folder, uuid4().hex))


def remove() -> None:
    """Remove this process's spares at its end."""
    with _filling:
        for descriptor, name in _all():
            Path(name).unlink(missing_ok=True)
            os.close(descriptor)
        _spares.clear()
        _taken.clear()


def after_fork() -> None:
    """Leave the parent's spares to it."""
    global _filling
    _filling = Lock()
    for descriptor, _name in _all():
        with suppress(OSError):
            os.close(descriptor)
    _spares.clear()
    _taken.clear()


def _all() -> list[tuple[int, str]]:
    return [*chain.from_iterable(_spares.values()), *_taken.values()]


def _clean(folder: str) -> None:
    """Remove what processes that are gone have left."""
    oldest = time.time() - STALE_SECONDS
    with suppress(OSError):
        for path in Path(folder).glob("*.log"):
            if path.stat().st_size == 0 and path.stat().st_mtime < oldest:
                with suppress(OSError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if path.stat().st_size == 0:
                        path.unlink(missing_ok=True)
