"""Follows the event file: which lists have changed, and how far each pipeline run is."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock

from mlnb.core.events import Event, EventLog
from mlnb.pipelines import progress
from mlnb.pipelines.progress import PipelineProgress
from mlnb.ui.server.messages import Change, Section

HISTORY = 8 * 1024 * 1024
"""Bytes of the event file's end that are read at the start."""
RUNS_KEPT = 30

SECTIONS: dict[str, Section] = {
    "run": "runs",
    "dataset": "datasets",
    "model": "models",
    "validation": "models",
    "release": "endpoints",
    "endpoint": "endpoints",
}
"""Which list an event changes, by the first word of its kind."""
PROGRESS = frozenset({"pipeline", "step", "cell"})


class Feed:
    """What a project's event file says, read on as the file grows.

    Every method may be called from any thread; all but `changed` block for a file read.

    Parameters
    ----------
    path : callable
        Gives the event file. It need not exist, may be replaced, and may become another file
        (when the folder becomes a project of its own).
    """

    def __init__(self, path: Callable[[], Path]) -> None:
        self._path = path
        self._lock = Lock()
        self._identity: tuple[int, int] | None = None
        self._offset = 0
        self._events: dict[str, list[Event]] = {}
        self._progress: dict[str, PipelineProgress] = {}
        self._changed_sections: dict[Section, None] = {}
        self._changed_runs: dict[str, None] = {}

    def changed(self) -> bool:
        """Tell, at the cost of one ``stat``, whether `take` may have something to say."""
        if self._changed_sections or self._changed_runs:
            return True
        identity, size = _stat(self._path())
        return identity != self._identity or size != self._offset

    def take(self) -> Change:
        """Return what has changed since the last call."""
        with self._lock:
            self._read_on()
            change = Change(
                sections=list(self._changed_sections),
                pipelines=[self._progress[run] for run in self._changed_runs],
            )
            self._changed_sections.clear()
            self._changed_runs.clear()
            return change

    def pipelines(self) -> list[PipelineProgress]:
        """Return the latest pipeline runs as they are now, newest first."""
        with self._lock:
            self._read_on()
            for run, known in self._progress.items():
                if known.status == "RUNNING":  # its driver may have vanished, which no event says
                    self._progress.update(progress.fold(self._events[run]))
            return list(reversed(self._progress.values()))

    def _read_on(self) -> None:
        path = self._path()
        identity, size = _stat(path)
        if identity != self._identity or size < self._offset:
            self._forget()
            self._identity, self._offset = identity, max(0, size - HISTORY)
        events, self._offset = EventLog(path).read(self._offset)
        self._note(events)

    def _forget(self) -> None:
        self._events.clear()
        self._progress.clear()
        self._changed_runs.clear()
        if self._identity is not None:
            self._changed_sections.update(dict.fromkeys([*SECTIONS.values(), "pipelines"]))

    def _note(self, events: Iterable[Event]) -> None:
        touched: dict[str, None] = {}
        for event in events:
            word = event.kind.partition(".")[0]
            if word in PROGRESS:
                run = _pipeline_run(event)
                self._events.setdefault(run, []).append(event)
                touched[run] = None
            elif word in SECTIONS:
                self._changed_sections[SECTIONS[word]] = None
        for run in list(self._events)[:-RUNS_KEPT]:
            del self._events[run]
            self._progress.pop(run, None)
            self._changed_runs.pop(run, None)
        for run in touched:
            if run in self._events:
                self._progress.update(progress.fold(self._events[run]))
                if run in self._progress:
                    self._changed_runs[run] = None


def _stat(path: Path) -> tuple[tuple[int, int] | None, int]:
    try:
        found = os.stat(path)  # noqa: PTH116  (one call for inode and size)
    except FileNotFoundError:
        return None, 0
    return (found.st_dev, found.st_ino), found.st_size


def _pipeline_run(event: Event) -> str:
    return str(event.data.get("pipeline_run") or event.subject)
