"""Work on items in threads, a few ahead of whoever takes the results, in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def pool(minimum: int = 1) -> ThreadPoolExecutor:
    """Return threads for work that mostly runs outside of the interpreter."""
    count = max(minimum, min(16, (os.cpu_count() or 1) + 1))
    return ThreadPoolExecutor(count, thread_name_prefix="mlnb-folder")


def ahead(
    threads: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T], window: int
) -> Iterator[R]:
    """Yield the result of each item in order, with at most ``window`` of them under way.

    Unlike ``Executor.map`` this holds neither all items nor all results in memory.
    """
    pending: deque[Future[R]] = deque()
    try:
        for item in items:
            pending.append(threads.submit(work, item))
            if len(pending) >= window:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
