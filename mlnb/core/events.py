"""The event stream: one append-only file, one JSON line per event.

The terminal display, the Lab panel, the reports and the alerts all read this one stream.
Kinds are dotted, past tense: ``run.started``, ``run.finished``, ``pipeline.started``,
``pipeline.finished``, ``step.started``, ``cell.started``, ``cell.finished``, ``cell.cached``,
``checkpoint.saved``, ``notebook.resumed``, ``step.delayed``, ``step.expanded``,
``step.finished``, ``notification.sent``, ``notification.failed``,
``dataset.saved``, ``dataset.pushed``, ``dataset.pulled``, ``model.registered``,
``model.promoted``, ``model.rolled_back``, ``model.approved``,
``validation.finished``, ``release.deployed``, ``release.rolled_back``, ``endpoint.stopped``,
``labels.added``, ``monitor.reported``, ``drift.found``, ``performance.dropped``,
``lineage.recorded``, ``job.started``, ``job.finished``.
"""

import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from mlnb.core import redaction
from mlnb.core.records import Record, finite, now

_logger = logging.getLogger("mlnb.events")
Listener = Callable[["Event"], None]


@dataclass(frozen=True, kw_only=True)
class Event(Record):
    """Something that happened."""

    time: datetime
    kind: str
    subject: str
    """What it happened to: a run id, a pipeline run id, ``flights@3``, an endpoint's name."""
    data: dict[str, Any] = field(default_factory=dict)


class EventLog:
    """Appends to and reads the event file; many processes may do both at once.

    A line is written by a single ``write`` to a file opened for appending, so lines of several
    writers never mix. A torn last line (power loss) is skipped by readers and closed off by the
    next writer.
    """

    def __init__(self, path: Path, *, before_first: Callable[[], object] | None = None) -> None:
        self.path = path
        self._before_first = before_first
        self._listeners: list[Listener] = []
        self._told = False

    def emit(self, kind: str, subject: str, /, **data: Any) -> Event:
        """Append an event and tell this process's listeners.

        Values must be JSON types; secrets are taken out of them. What the event tells of has
        happened, so a file that cannot be written (a full disk, a read-only folder) is a warning,
        given once.
        """
        return self.emit_at(now(), kind, subject, **data)

    def emit_at(self, time: datetime, kind: str, subject: str, /, **data: Any) -> Event:
        """Append an event of an earlier time; see `emit`."""
        event = Event(
            time=time, kind=kind, subject=redaction.text(subject), data=redaction.body(data)
        )
        text = json.dumps(finite(event.to_dict()), ensure_ascii=False)
        try:
            self._append(text.encode(errors="replace") + b"\n")  # a lone surrogate stops nothing
        except OSError as error:
            if not self._told:
                _logger.warning("mlnb: events are not recorded: %s", error.strerror or error)
            self._told = True
        self.retell(event)
        return event

    def _append(self, line: bytes) -> None:
        if self._before_first is not None and not self.path.exists():
            self._before_first()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            os.write(descriptor, line)
        finally:
            os.close(descriptor)

    def retell(self, event: Event) -> None:
        """Tell this process's listeners of an event that another process has emitted."""
        for listener in list(self._listeners):
            try:
                listener(event)
            except Exception as error:  # who listens must not stop who works
                _logger.warning("mlnb: a listener failed at %s: %r", event.kind, error)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call a function at each event this process emits; returns how to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def end(self) -> int:
        """Return the byte offset behind the last event."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def read(self, offset: int = 0) -> tuple[list[Event], int]:
        """Read the events after a byte offset.

        Returns
        -------
        events : list of Event
            In the order written; damaged lines are skipped.
        offset : int
            Where to go on reading.
        """
        lines, end = self.lines(offset)
        return [event for line in lines if (event := parse(line)) is not None], end

    def lines(self, offset: int = 0) -> tuple[list[bytes], int]:
        """Read the lines after a byte offset, for who needs few of their events; see `read`."""
        try:
            with self.path.open("rb") as file:
                if offset > os.fstat(file.fileno()).st_size:
                    offset = 0
                file.seek(offset)
                data = file.read()
        except FileNotFoundError:
            return [], 0
        end = data.rfind(b"\n") + 1
        return data[:end].splitlines(), offset + end

    def containing(self, *words: str) -> list[Event]:
        """Return the events whose lines contain all of these words, reading no other line's JSON.

        For what few of many events tell; whoever asks looks at the fields all the same.
        """
        wanted = [word.encode() for word in words]
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return []
        chosen = (line for line in lines if all(word in line for word in wanted))
        return [event for line in chosen if (event := parse(line)) is not None]


def parse(line: bytes) -> Event | None:
    """Return the event of a line, or None if it is damaged."""
    try:
        return Event.from_dict(json.loads(line))
    except Exception:  # a damaged line must never hide the others
        return None
