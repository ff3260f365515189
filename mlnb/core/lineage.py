"""Lineage: what was read and written, recorded where it happens and never guessed.

``datasets.load`` calls `record_input`, ``save``/``register``/``deploy`` call `record_output`.
Each edge goes to the event stream under the active subject (a run, else the step or the
session), and to whoever listens: the tracking package listens to attach edges to its run.
"""

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from mlnb.core import project
from mlnb.core.records import Record

Direction = Literal["input", "output"]


@dataclass(frozen=True, kw_only=True)
class Edge(Record):
    """One thing read or written by one subject."""

    direction: Direction
    kind: Literal["dataset", "model", "release"]
    ref: str
    """``name@number``."""
    digest: str = ""


_logger = logging.getLogger("mlnb.lineage")
Listener = Callable[[Edge, Any], None]
_listeners: list[Listener] = []
_runs: list[str] = []


def enter_run(run: str) -> None:
    """Make a run the subject of what is read and written from now on."""
    _runs.append(run)


def leave_run(run: str) -> None:
    """Give the place back to the run (or step, or session) before it."""
    if run in _runs:
        _runs.remove(run)


def active_run() -> str | None:
    """Return the id of the run that is open in this process, or None."""
    return _runs[-1] if _runs else None


def record_input(
    kind: Literal["dataset", "model", "release"], ref: str, digest: str = "", *, value: Any = None
) -> None:
    """Record that something was read; ``value`` (the record) is passed to listeners only."""
    _record(Edge(direction="input", kind=kind, ref=ref, digest=digest), value)


def record_output(
    kind: Literal["dataset", "model", "release"], ref: str, digest: str = "", *, value: Any = None
) -> None:
    """Record that something was written."""
    _record(Edge(direction="output", kind=kind, ref=ref, digest=digest), value)


def listen(listener: Listener) -> Callable[[], None]:
    """Call a function at each edge recorded in this process; returns how to stop."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def _record(edge: Edge, value: Any) -> None:
    step, pipeline_run = os.environ.get("MLNB_STEP", ""), os.environ.get("MLNB_PIPELINE_RUN", "")
    subject = active_run() or step or "session"
    where = {"step": step, "pipeline_run": pipeline_run} if pipeline_run else {}
    project.current().events.emit("lineage.recorded", subject, **edge.to_dict(), **where)
    for listener in list(_listeners):
        try:
            listener(edge, value)
        except Exception as error:  # the data was read or written all the same
            _logger.warning("mlnb: that %s was used is not recorded: %s", edge.ref, error)
