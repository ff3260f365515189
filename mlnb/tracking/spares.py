"""Empty files made ahead for the journal's next runs.

Making a file takes a file system tens of microseconds, and milliseconds while it writes to the
disk; a cell should wait for neither. A spare is open and locked like a run's file and ends in
``.new``, so that nobody reads it. A run that takes one writes its first record and renames it.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path
from threading import Lock

COUNT = 4
"""How many are kept for a folder in which runs are recorded."""
STALE_SECONDS = 60.0
"""Spares that no process holds are removed when they are older."""

_spares: dict[str, list[tuple[int, str]]] = {}
_filling = Lock()


def created(folder: str) -> tuple[int, str]:
    """Make a file that is open for appending and locked; return descriptor and path.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    name = f"{folder}/{time.time_ns():020d}-{os.getpid()}.new"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(name, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor, name


def taken(folder: str) -> tuple[int, str] | None:
    """Take a spare of a folder, if there is one; from now on there will be."""
    mine = _spares.setdefault(folder, [])
    with suppress(IndexError):
        while True:
            descriptor, name = mine.pop()
            if os.path.exists(name):  # noqa: PTH110  (in every cell's way)
                return descriptor, name
            os.close(descriptor)  # somebody removed the folder
    return None


def fill() -> None:
    """Make spares for the folders from which one was taken, when no cell waits."""
    with _filling:
        for folder, mine in list(_spares.items()):
            if not mine:
                _clean(folder)
            with suppress(OSError):
                while len(mine) < COUNT:
                    mine.append(created(folder))


def remove() -> None:
    """Remove this process's spares at its end."""
    with _filling:
        for mine in _spares.values():
            while mine:
                descriptor, name = mine.pop()
                Path(name).unlink(missing_ok=True)
                os.close(descriptor)
        _spares.clear()


def after_fork() -> None:
    """Leave the parent's spares to it."""
    global _filling
    _filling = Lock()
    for mine in _spares.values():
        for descriptor, _name in mine:
            with suppress(OSError):
                os.close(descriptor)
    _spares.clear()


def _clean(folder: str) -> None:
    """Remove what processes that are gone have left."""
    oldest = time.time() - STALE_SECONDS
    with suppress(OSError):
        for path in Path(folder).glob("*.new"):
            if path.stat().st_mtime < oldest:
                with suppress(OSError), path.open("rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
