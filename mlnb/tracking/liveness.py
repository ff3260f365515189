"""Which open runs have lost their process.

A run's process holds a lock on a file while the run is open. The operating system gives the lock
back when the process ends, however it ends, so a lock that can be taken names a run that will
never be closed by its owner: it is marked KILLED.
"""

import fcntl
import json
import os
from contextlib import suppress
from typing import IO

from mlnb.core.errors import BadInput
from mlnb.core.project import Project

DIED = "The process ended before the run did."
_held: dict[str, IO[str]] = {}


def hold(project: Project, run: str, uri: str) -> None:
    """Announce that this process has a run open."""
    folder = project.local / "runs"
    folder.mkdir(exist_ok=True)
    file = (folder / run).open("w", encoding="utf-8")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    json.dump({"uri": uri, "pid": os.getpid()}, file)
    file.flush()
    _held[run] = file


def release(project: Project, run: str) -> None:
    """Take the announcement back."""
    file = _held.pop(run, None)
    if file is not None:
        (project.local / "runs" / run).unlink(missing_ok=True)
        file.close()


def sweep(project: Project) -> list[str]:
    """Mark the runs of dead processes KILLED and return their ids.

    Raises
    ------
    TrackingUnavailable
        If their store does not answer; they are tried again by the next sweep.
    """
    folder = project.state / "local" / "runs"
    closed = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        with suppress(FileNotFoundError), path.open("r+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue  # its process lives
            try:
                uri = json.load(file)["uri"]
            except (ValueError, KeyError):  # it died while writing this very file
                path.unlink(missing_ok=True)
                continue
            if _killed(path.name, uri):
                closed.append(path.name)
            path.unlink(missing_ok=True)
    return closed


def _killed(run: str, uri: str) -> bool:
    """Mark a run KILLED; False when it has ended already, or is gone with its database."""
    from mlnb.tracking import store

    database = store.sqlite_file(uri)
    if database is not None and not database.exists():
        return False  # opening it would make one
    try:
        with store.failures(uri):
            client = store.client(uri)
            if client.get_run(run).info.status != "RUNNING":
                return False
            client.set_tag(run, "mlnb.error", DIED)
            client.set_terminated(run, "KILLED")
    except BadInput:  # there is no such run, or it was deleted
        return False
    return True
