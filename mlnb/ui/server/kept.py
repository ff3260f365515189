"""Lists that are kept for a moment, so that paging, filtering and sorting need not read again."""

import time
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

SECONDS = 5.0
"""What others do on the same stores, which no event here tells, shows after so long."""


class Kept:
    """The lists of one project as they were read last; safe to use from several threads.

    A list is read by one thread at a time: the others wait for its answer, and take it.
    """

    def __init__(self) -> None:
        self._lists: dict[str, _List] = {}
        self._lock = Lock()

    def get(
        self,
        name: str,
        state: object,
        read: Callable[[], Sequence[Any]],
        seconds: float = SECONDS,
    ) -> Sequence[Any]:
        """Return a list as it was read before, or read it.

        Parameters
        ----------
        name : str
            Of the list.
        state : object
            A list that was read when this was something else is read again.
        read : callable
            Reads it.
        seconds : float
            A list that was read longer ago is read again.
        """
        with self._lock:
            kept = self._lists.setdefault(name, _List())
        with kept.lock:
            now = time.monotonic()
            if kept.state != state or now - kept.when > seconds:
                kept.items = read()
                kept.state, kept.when = state, now
            return kept.items


class _List:
    def __init__(self) -> None:
        self.lock = Lock()
        self.state: object = None
        self.when = float("-inf")
        self.items: Sequence[Any] = ()
