"""Lineage: what was read and written, recorded where it happens and never guessed.

``datasets.load`` calls `record_input`, ``save``/``register``/``deploy`` call `record_output`.
Each edge goes to the event stream under the active subject (a run, else the step or the
session), and to whoever listens: the tracking package listens to attach edges to its run.
"""

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


Listener = Callable[[Edge, Any], None]
_listeners: list[Listener] = []


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
    subject = os.environ.get("MLNB_STEP", "session")
    project.current().events.emit("lineage.recorded", subject, **edge.to_dict())
    for listener in list(_listeners):
        listener(edge, value)
