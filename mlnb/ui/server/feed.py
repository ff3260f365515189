"""Follows the event file: which lists have changed, and how far each pipeline run is.

Every change gets a revision, a number that only grows, also over restarts of the server. Whoever
says which revision it has seen is told what has changed since: the pusher, and every browser whose
socket was lost.
"""

import os
import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Lock

from mlnb.core.events import Event, EventLog, parse
from mlnb.pipelines import progress
from mlnb.pipelines.progress import PipelineProgress
from mlnb.ui.server.jobs import folder as jobs
from mlnb.ui.server.messages import SECTIONS, Change, Section

HISTORY = 8 * 1024 * 1024
"""Bytes of the event file's end that are read at the start."""
RUNS_KEPT = 30
JOBS_KEPT = 100
LOOK = 2.0
"""Seconds between two looks for drivers that have vanished, which no event says."""

CHANGES: dict[str, Section] = {
    "run": "runs",
    "dataset": "datasets",
    "model": "models",
    "validation": "models",
    "release": "endpoints",
    "endpoint": "endpoints",
    "monitor": "endpoints",
    "drift": "endpoints",
    "performance": "endpoints",
}
"""Which list an event changes, by the first word of its kind."""
PROGRESS = frozenset({"pipeline", "step", "cell"})
_PROGRESS = re.compile(rb'"kind": ?"(pipeline|step|cell)\.')
_RUN = re.compile(rb'"pipeline_run": ?"([^"]*)"')


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
        self._progress: dict[str, PipelineProgress] = {}
        self._looked = float("-inf")
        self._first = self._revision = time.time_ns() // 1_000_000
        self._sections: dict[Section, int] = {}
        self._runs: dict[str, int] = {}
        self._jobs: dict[str, int] = {}
        with self._lock:
            self._read_on(first=True)

    @property
    def revision(self) -> int:
        """Return the number of the latest change that was noticed."""
        return self._revision

    def changed(self, seen: int) -> bool:
        """Tell, at the cost of one ``stat``, whether `since` may have something to say."""
        if self._revision > seen or (self._is_running() and self._is_time_to_look()):
            return True
        identity, size = _stat(self._path())
        return identity != self._identity or size != self._offset

    def since(self, seen: int) -> Change:
        """Return what has changed after a revision; all that there is for one of another time."""
        with self._lock:
            self._read_on()
            self._settle()
            if seen < self._first or seen > self._revision:
                return Change(
                    revision=self._revision,
                    sections=list(SECTIONS),
                    pipelines=list(self._progress.values()),
                    jobs=jobs.some(self._path().parent, self._jobs),
                )
            return Change(
                revision=self._revision,
                sections=[name for name, at in self._sections.items() if at > seen],
                pipelines=[self._progress[run] for run, at in self._runs.items() if at > seen],
                jobs=jobs.some(
                    self._path().parent, [job for job, at in self._jobs.items() if at > seen]
                ),
            )

    def revision_of(self, section: Section) -> int:
        """Return when a list was last said to have changed."""
        with self._lock:
            self._read_on()
            return self._sections.get(section, self._first)

    def pipelines(self) -> list[PipelineProgress]:
        """Return the latest pipeline runs as they are now, newest first."""
        with self._lock:
            self._read_on()
            self._looked = float("-inf")
            self._settle()
            return list(reversed(self._progress.values()))

    def _is_running(self) -> bool:
        return any(run.status == "RUNNING" for run in list(self._progress.values()))

    def _is_time_to_look(self) -> bool:
        return time.monotonic() - self._looked > LOOK

    def _settle(self) -> None:
        """Mark the runs whose drivers have vanished."""
        if not self._is_time_to_look():
            return
        self._looked = time.monotonic()
        for run, known in self._progress.items():
            if known.status == "RUNNING":
                found = progress.settled(known)
                if found.status != known.status:
                    self._progress[run] = found
                    self._runs[run] = self._next()

    def _read_on(self, *, first: bool = False) -> None:
        path = self._path()
        identity, size = _stat(path)
        if identity == self._identity and size == self._offset:
            return
        log = EventLog(path)
        is_known = identity == self._identity and size >= self._offset
        is_new = self._identity is None and not first and size < HISTORY
        if not is_known and not is_new:
            self._forget()
            self._identity = identity
            lines, self._offset = log.lines(max(0, size - HISTORY))
            self._note(_history(lines))
            return
        self._identity = identity
        events, self._offset = log.read(self._offset)
        self._note(events)
        for section in dict.fromkeys(_sections(events)):
            self._sections[section] = self._next()
        for event in events:
            if event.kind.startswith("job."):
                self._jobs.pop(event.subject, None)
                self._jobs[event.subject] = self._next()
        for job in list(self._jobs)[:-JOBS_KEPT]:
            del self._jobs[job]

    def _forget(self) -> None:
        self._progress.clear()
        self._runs.clear()
        self._jobs.clear()
        if self._identity is not None:
            self._sections = dict.fromkeys(SECTIONS, self._next())

    def _note(self, events: Iterable[Event]) -> None:
        touched = dict.fromkeys(
            run
            for event in events
            if event.kind.partition(".")[0] in PROGRESS
            and (run := progress.advance(self._progress, event)) is not None
        )
        for run in list(self._progress)[:-RUNS_KEPT]:
            del self._progress[run]
            self._runs.pop(run, None)
        at = self._next() if touched else 0
        for run in touched:
            if run in self._progress:
                self._runs[run] = at

    def _next(self) -> int:
        self._revision += 1
        return self._revision


def _sections(events: Iterable[Event]) -> Iterable[Section]:
    for event in events:
        word = event.kind.partition(".")[0]
        if word in CHANGES:
            yield CHANGES[word]


def _history(lines: list[bytes]) -> list[Event]:
    """Return the events that tell of pipeline runs; of runs that have ended, not every cell."""
    telling = [line for line in lines if _PROGRESS.search(line)]
    ended = {
        event.subject
        for line in telling
        if b'"pipeline.finished"' in line and (event := parse(line)) is not None
    }
    found = []
    for line in telling:
        run = _RUN.search(line)
        if b'"cell.' in line and run and run[1].decode(errors="replace") in ended:
            continue
        event = parse(line)
        if event is not None:
            found.append(event)
    return found


def _stat(path: Path) -> tuple[tuple[int, int] | None, int]:
    try:
        found = os.stat(path)  # noqa: PTH116  (one call for inode and size)
    except FileNotFoundError:
        return None, 0
    return (found.st_dev, found.st_ino), found.st_size
