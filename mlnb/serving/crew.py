"""The workers that a loader has forked, as it sees them."""

import contextlib
import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

READY = 30.0
"""Seconds a forked worker may take to serve."""


class WorkerLost(Exception):
    """A worker that ended, or said nothing, instead of answering an order."""


@dataclass(eq=False)
class Child:
    """One worker process, and the socket for its orders."""

    pid: int
    line: socket.socket
    begun: float
    leaves_by: float = 0.0
    buffer: bytes = b""

    def tell(self, **order: Any) -> None:
        """Give an order; one that is gone does not hear it."""
        with contextlib.suppress(OSError):
            self.line.settimeout(READY)
            self.line.sendall(json.dumps(order).encode() + b"\n")

    def heard(self, seconds: float = READY) -> None:
        """Wait for the answer to an order.

        Raises
        ------
        WorkerLost
            If there is none, or one that says why it failed.
        """
        try:
            self.line.settimeout(seconds)
            while b"\n" not in self.buffer:
                part = self.line.recv(65536)
                if not part:
                    raise WorkerLost("the worker process ended")
                self.buffer += part
        except OSError as error:
            raise WorkerLost(str(error) or type(error).__name__) from None
        line, _, self.buffer = self.buffer.partition(b"\n")
        failure = json.loads(line).get("failed")
        if failure:
            raise WorkerLost(failure)


def all_told(children: Iterable[Child], seconds: float = READY, **order: Any) -> None:
    """Give workers an order, and wait until all that are still there have followed it."""
    told = list(children)
    for child in told:
        child.tell(**order)
    for child in told:
        with contextlib.suppress(WorkerLost):
            child.heard(seconds)


@dataclass
class Crew:
    """The workers that serve now."""

    order: dict[str, Any]
    """What they were told: release, role, route."""
    children: list[Child] = field(default_factory=list)
