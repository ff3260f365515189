"""What stops a run: Ctrl-C and SIGTERM of its driver, and requests from any other process.

A request is an entry of the run's own log in the object store, so it comes from another terminal,
from JupyterLab or from another machine that shares the store, and reaches the driver and every
process that executes a step. A driver hears what was asked after it began; what was asked before
ended the driver before it, so a stopped run can be resumed.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlnb.core.errors import MlnbError
from mlnb.core.project import Project
from mlnb.core.records import Record, now

LOOK_EVERY = 0.1
"""Seconds between two looks at a store that is a folder."""
LOOK_FAR_EVERY = 0.5
"""Seconds between two looks at a server's."""


@dataclass(frozen=True, kw_only=True)
class StopRequest(Record):
    """Somebody wants a run to stop."""

    run: str
    time: datetime
    author: str = ""
    reason: str = ""


def log_of(run: str) -> str:
    """Return the log of a run's stop requests."""
    return f"pipelines/runs/{run}/stops"


def request(project: Project, run: str, reason: str = "") -> StopRequest:
    """Ask whoever executes a run to stop, wherever that is."""
    asked = StopRequest(run=run, time=now(), author=project.settings.author, reason=reason)
    project.store.append(log_of(run), lambda _number: asked.to_dict())
    return asked


def requests(project: Project, run: str) -> int:
    """Return how often it was asked so far."""
    return project.store.last_number(log_of(run))


@contextmanager
def stop_on_request(
    project: Project, run: str, stop: threading.Event, *, after: int
) -> Iterator[None]:
    """Set an event when somebody asks a run to stop.

    Parameters
    ----------
    project : Project
        Whose store is looked at.
    run : str
        Id of the run.
    stop : threading.Event
        Set at most half a second after the request (a tenth in a folder).
    after : int
        Requests up to this number (of `requests`) are of the past.
    """
    over = threading.Event()
    pause = LOOK_EVERY if project.store.is_local else LOOK_FAR_EVERY

    def look() -> None:
        while not over.wait(pause) and not stop.is_set():
            try:
                if requests(project, run) > after:
                    stop.set()
            except MlnbError:  # a server that is away for a moment stops nothing
                continue

    watcher = threading.Thread(target=look, name="mlnb-stop-requests", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


@contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Set an event instead of raising where the main thread happens to be.

    The steps see it, interrupt their kernels and end; the run is then closed as any other, so
    nothing is torn. Without effect outside the main thread, where no signal arrives.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    wanted = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        wanted.append(signal.SIGHUP)
    before: dict[signal.Signals, Any] = {}

    def handle(_number: int, _frame: Any) -> None:
        stop.set()

    for number in wanted:
        if signal.getsignal(number) not in (signal.SIG_IGN, None):  # nohup stays nohup
            before[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
