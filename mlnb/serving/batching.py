"""Requests that wait together are predicted together, without a timer.

An idle endpoint predicts at once: what has arrived in one turn of the event loop is a batch, be it
one request. While a batch is predicted, others arrive, and they are the next one; so batches grow
with the load and nobody waits for company. A model that is quick is called on the event loop
itself (a thread would cost more than the model); one that is not gets the only other thread.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from mlnb.serving.batches import Batch
from mlnb.serving.casting import Columns
from mlnb.serving.messages import Reply, Request
from mlnb.serving.routes import Exchange

INLINE = 0.005
"""Seconds: a batch that is expected to take longer is predicted in the thread."""
MOST_ROWS = 1024
"""Rows predicted together; a request that has more is predicted alone."""
_SLOWER, _QUICKER = 0.3, 0.1
"""How fast the expected duration follows the measured one, up and down."""


@dataclass(slots=True, eq=False)
class Job:
    """A request that waits for its prediction."""

    request: Request
    reply: Reply
    exchange: Exchange
    batch: Batch
    begun: float
    """`time.perf_counter` at its arrival."""
    answered: bool = False


Outcome = tuple[Any, Any] | Exception
"""Predictions and scores of one job, or why there are none."""


@dataclass(frozen=True, slots=True)
class Scored:
    """What became of a batch."""

    outcomes: Sequence[Outcome]
    """One per request."""
    columns: Columns | None = None
    """Of all requests together; None when they were predicted one by one."""
    predictions: Any = None
    scores: Any = None


class Batcher:
    """Hands waiting jobs to a model; used by one event loop.

    Parameters
    ----------
    score : callable
        Predicts for several requests at once. Called by one thread at a time.
    done : callable
        Gets the jobs and what became of them, on the event loop.
    late : callable
        Gets each job whose time is up while it waits or is predicted.
    merges : bool
        Whether several requests may be predicted at once.
    seconds : float
        Time limit of a request.
    """

    def __init__(
        self,
        score: Callable[[Sequence[Batch]], Scored],
        done: Callable[[Sequence[Job], Scored], None],
        late: Callable[[Job], None],
        *,
        merges: bool,
        seconds: float,
    ) -> None:
        self._score = score
        self._done = done
        self._late = late
        self._merges = merges
        self._seconds = seconds
        self._waiting: deque[Job] = deque()
        self._due = False
        """Whether a turn is scheduled, or a batch in the thread will schedule one."""
        self._expected: dict[int, float] = {}
        """Seconds that a batch takes, by the magnitude of its rows."""
        self._thread: ThreadPoolExecutor | None = None
        self._running: list[Job] = []
        """What the thread is at work on."""
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Return how many requests wait."""
        return len(self._waiting)

    def submit(self, job: Job) -> None:
        """Have a request predicted."""
        self._waiting.append(job)
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def close(self) -> None:
        """End the thread once it has nothing to do."""
        if self._thread is not None:
            self._thread.shutdown(wait=False)

    def _turn(self) -> None:
        """Predict what waits now; what arrives meanwhile is for the next turn."""
        jobs = self._next()
        self._due = bool(jobs)
        if not jobs:
            return
        rows = sum(job.batch.rows for job in jobs)
        if self._expected.get(rows.bit_length(), INLINE + 1) > INLINE:
            self._in_thread(jobs, rows)
            return
        self._due = bool(self._waiting)
        if self._due:
            asyncio.get_running_loop().call_soon(self._turn)
        self._done(jobs, self._timed(jobs, rows))

    def _next(self) -> list[Job]:
        waiting = self._waiting
        oldest = time.perf_counter() - self._seconds
        jobs: list[Job] = []
        rows = 0
        while waiting:
            job = waiting[0]
            if job.begun < oldest:
                waiting.popleft()
                self._expire(job)
                continue
            rows += job.batch.rows
            if jobs and (rows > MOST_ROWS or not self._merges):
                break
            jobs.append(waiting.popleft())
        return jobs

    def _timed(self, jobs: Sequence[Job], rows: int) -> Scored:
        begun = time.perf_counter()
        scored = self._score([job.batch for job in jobs])
        seconds = time.perf_counter() - begun
        size = rows.bit_length()
        known = self._expected.get(size, seconds)
        follow = _SLOWER if seconds > known else _QUICKER
        self._expected[size] = known + follow * (seconds - known)
        return scored

    def _in_thread(self, jobs: list[Job], rows: int) -> None:
        loop = asyncio.get_running_loop()
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="predict")
        self._running = jobs
        future = loop.run_in_executor(self._thread, self._timed, jobs, rows)
        future.add_done_callback(self._back)
        self._watch()

    def _back(self, future: "asyncio.Future[Scored]") -> None:
        """Answer what the thread predicted, and go on with what waits."""
        jobs, self._running = self._running, []
        if self._alarm is not None:
            self._alarm.cancel()
        scored = future.result()
        if any(job.answered for job in jobs):  # too late for some
            pairs = zip(jobs, scored.outcomes, strict=True)
            kept = [(job, outcome) for job, outcome in pairs if not job.answered]
            jobs, scored = [job for job, _ in kept], Scored([outcome for _, outcome in kept])
        if jobs:
            self._done(jobs, scored)
        asyncio.get_running_loop().call_soon(self._turn)

    def _watch(self) -> None:
        """Answer those whose time is up while the thread is at work on them, or on others."""
        now = time.perf_counter()
        for job in (*self._running, *self._waiting):
            if now - job.begun >= self._seconds:
                self._expire(job)
        self._waiting = deque(job for job in self._waiting if not job.answered)
        begun = [job.begun for job in (*self._running, *self._waiting) if not job.answered]
        wait = min(begun, default=now) + self._seconds - now
        self._alarm = asyncio.get_running_loop().call_later(wait, self._watch)

    def _expire(self, job: Job) -> None:
        if not job.answered:
            job.answered = True
            self._late(job)
