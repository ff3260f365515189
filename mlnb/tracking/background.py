"""What a run needs and no cell waits for, done by one thread: git, packages, the notebook, events.

Python threads share one lock: work that is done while a cell runs is taken from the cell. So the
thread lets a short cell end first, and takes breaks when many runs follow each other.
"""

import logging
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Condition, Thread

DELAY_SECONDS = 0.02
"""How long it waits before it begins, so that a short cell is through by then."""
PATIENCE_SECONDS = 0.25
"""How long it waits for a cell that is running."""
REPLY_SECONDS = 0.0015
"""How long after its end a cell's reply is on its way."""
GAP_SECONDS = 0.005
"""How long after a cell's end the next one has hardly begun, when many are run …"""
CALM_SECONDS = 0.1
"""… and after what time there is none to be expected."""
LONGEST_SECONDS = 2.0
"""How long it lets many short cells pass."""
AWAKE_SECONDS = 1.0
"""How long it looks for work by itself: to wake it costs a cell more than to let it look."""
BREAK_SECONDS = 0.5
"""The least time from one round of work to the next."""
_LOOK = 0.002  # between looks whether a cell still runs, in seconds
_LOOK_FOR_WORK = 0.05

Job = Callable[[int], object]
"""Is given the number of the round: jobs of one round may share what they find."""

_logger = logging.getLogger("mlnb.tracking")


class _Worker:
    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin with nothing to do, and no thread (a fork has none)."""
        self.cells = 0
        self.began = self.ended = float("-inf")
        self._jobs: deque[Job] = deque()
        self._open = 0
        self._round = 0
        self._hurried = False
        self._sleeps = False
        self._rested = 0.0
        self._changed = Condition()
        self._thread: Thread | None = None

    def add(self, job: Job) -> None:
        with self._changed:
            self._jobs.append(job)
            self._open += 1
            if self._thread is None:
                self._thread = Thread(target=self._run, name="mlnb-runs", daemon=True)
                self._thread.start()
            elif self._sleeps:
                self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._open == 0, seconds)

    def _run(self) -> None:
        while True:
            self._wait_for_work()
            self._rest()
            self._round += 1
            patience = time.monotonic() + LONGEST_SECONDS
            for _ in range(len(self._jobs)):
                while not self._hurried and self.is_busy() and time.monotonic() < patience:
                    time.sleep(_LOOK)
                self._do(self._jobs.popleft())
            self._rested = time.monotonic()

    def _wait_for_work(self) -> None:
        asleep = time.monotonic() + AWAKE_SECONDS
        with self._changed:
            while not self._jobs:
                self._sleeps = time.monotonic() > asleep
                self._changed.wait(None if self._sleeps else _LOOK_FOR_WORK)
            self._sleeps = False

    def is_busy(self) -> bool:
        """Tell whether a short cell runs, or may begin before a piece of work is done."""
        now = time.monotonic()
        if self.cells:
            return now - self.began < PATIENCE_SECONDS
        return not REPLY_SECONDS < now - self.ended < GAP_SECONDS and (
            now - self.ended < CALM_SECONDS
        )

    def _rest(self) -> None:
        """Wait before a round; not when somebody waits for its end."""
        end = max(time.monotonic() + DELAY_SECONDS, self._rested + BREAK_SECONDS)
        with self._changed:
            self._changed.wait_for(lambda: self._hurried, end - time.monotonic())

    def _do(self, job: Job) -> None:
        try:
            job(self._round)
        except Exception as error:  # never the user's trouble
            _logger.warning("mlnb: a part of this run is not recorded: %s", error)
        with self._changed:
            self._open -= 1
            if self._open == 0:
                self._hurried = False
                self._changed.notify_all()


_worker = _Worker()
os.register_at_fork(after_in_child=_worker.reset)


def add(job: Job) -> None:
    """Have something done soon."""
    _worker.add(job)


def wait(seconds: float) -> bool:
    """Wait until all that was added is done; says whether it is."""
    return _worker.wait(seconds)


def warm_up(steps: "Iterator[Callable[[], object]]") -> None:
    """Do what would make the first run wait, step by step, when no cell runs."""

    def step(_round: int) -> None:
        with suppress(Exception):  # it is done, or said, when it is needed
            if (do := next(steps, None)) is not None:
                do()
                add(step)

    add(step)


def cell_begins() -> None:
    """Say that a cell runs from now on."""
    _worker.cells += 1
    _worker.began = time.monotonic()


def cell_ended() -> None:
    """Say that a cell has ended."""
    _worker.cells = max(0, _worker.cells - 1)
    _worker.ended = time.monotonic()


def let_a_cell_end() -> None:
    """Wait until no cell runs, for `DELAY_SECONDS` at most: for work that must not wait longer."""
    end = time.monotonic() + DELAY_SECONDS
    while (
        _worker.cells or time.monotonic() - _worker.ended < REPLY_SECONDS
    ) and time.monotonic() < end:
        time.sleep(_LOOK)
