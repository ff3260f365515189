"""Threads for work on columns: Arrow, hashing and compression release the interpreter's lock."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

_SMALL = 200_000
_MOST = 16


class AtOnce(Executor):
    """Does the work when it is submitted: for tables so small that threads cost more."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call the function and return its finished future."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@contextmanager
def workers(cells: int, *, light: bool = False) -> Iterator[Executor]:
    """Give threads for work on a table of so many cells.

    Parameters
    ----------
    cells : int
        Rows times columns.
    light : bool
        The work waits for memory more than it computes (hashing, comparing). Two processors are
        often two threads of one core, and then a second thread only makes the first one slower.
    """
    count = min(_MOST, cores() // 2 if light else cores())
    if cells < _SMALL or count < 2:
        yield AtOnce()
        return
    with ThreadPoolExecutor(count) as pool:
        yield pool


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
