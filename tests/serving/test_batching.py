import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from mlnb.core.records import Column
from mlnb.serving.batches import Batch
from mlnb.serving.batching import INLINE, MOST_ROWS, Batcher, Job, Scored
from mlnb.serving.casting import Schema
from mlnb.serving.fields import fields_of
from mlnb.serving.messages import Request

SCHEMA = Schema(fields_of([Column(name="x", type="double")]))


class Model:
    """Counts what it is asked, and takes its time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.batches: list[int] = []
        self.threads: set[str] = set()

    def __call__(self, batches: Sequence[Batch]) -> Scored:
        self.batches.append(len(batches))
        self.threads.add(threading.current_thread().name.split("_")[0])
        time.sleep(self.seconds)
        return Scored([(list(batch.columns[0]), None) for batch in batches])


class Desk:
    """A batcher, and what became of its jobs in order."""

    def __init__(self, model: Model, *, merges: bool = True, seconds: float = 30.0) -> None:
        self.done: list[float] = []
        self.late: list[float] = []
        self.batcher = Batcher(model, self._done, self._late, merges=merges, seconds=seconds)

    def ask(self, *values: float) -> None:
        batch = Batch(SCHEMA, [values])
        exchange: Any = None
        self.batcher.submit(
            Job(Request("POST", "/", b"", {}), lambda _: None, exchange, batch, time.perf_counter())
        )

    def _done(self, jobs: Sequence[Job], scored: Scored) -> None:
        for job, outcome in zip(jobs, scored.outcomes, strict=True):
            assert not job.answered
            job.answered = True
            assert isinstance(outcome, tuple)
            self.done += outcome[0]

    def _late(self, job: Job) -> None:
        self.late += job.batch.columns[0]

    async def until(self, holds: Callable[[], bool]) -> None:
        end = time.monotonic() + 20
        while not holds():
            assert time.monotonic() < end
            await asyncio.sleep(0.002)


def test_one_request_is_predicted_at_once_and_those_of_one_turn_together() -> None:
    model = Model()

    async def work(desk: Desk) -> None:
        for value in range(3):
            desk.ask(value)
            await desk.until(lambda: not desk.batcher.waiting)
        desk.ask(3.0)
        await desk.until(lambda: len(desk.done) == 4)
        for value in range(4, 10):
            desk.ask(value)
        await desk.until(lambda: len(desk.done) == 10)

    desk = Desk(model)

    asyncio.run(work(desk))
    assert desk.done == list(range(10))
    assert model.batches[-1] == 6
    desk.batcher.close()


def test_a_quick_model_is_called_on_the_event_loop_a_slow_one_in_a_thread() -> None:
    for seconds, threads in ((0.0, {"predict", "MainThread"}), (4 * INLINE, {"predict"})):
        model = Model(seconds)
        desk = Desk(model)

        async def work(desk: Desk = desk) -> None:
            for number in range(6):
                desk.ask(float(number))
                await desk.until(lambda number=number: len(desk.done) == number + 1)  # type: ignore[misc]

        asyncio.run(work())
        assert model.threads == threads  # how long it takes is not known at first
        desk.batcher.close()


def test_requests_that_come_while_a_slow_model_works_are_the_next_batch() -> None:
    model = Model(0.05)
    desk = Desk(model)

    async def work() -> None:
        desk.ask(0.0)
        await desk.until(lambda: bool(model.batches))
        for number in range(1, 20):
            desk.ask(float(number))
        await desk.until(lambda: len(desk.done) == 20)

    asyncio.run(work())
    assert model.batches == [1, 19]
    assert desk.done == [float(number) for number in range(20)]
    desk.batcher.close()


def test_a_model_whose_rows_depend_on_each_other_gets_one_request_at_a_time() -> None:
    model = Model()
    desk = Desk(model, merges=False)

    async def work() -> None:
        for number in range(5):
            desk.ask(float(number), float(number))
        await desk.until(lambda: len(desk.done) == 10)

    asyncio.run(work())
    assert model.batches == [1] * 5
    desk.batcher.close()


def test_large_requests_are_not_put_together() -> None:
    model = Model()
    desk = Desk(model)
    rows = [1.0] * (MOST_ROWS - 1)

    async def work() -> None:
        for _ in range(3):
            desk.ask(*rows)
        desk.ask(1.0)
        await desk.until(lambda: len(desk.done) == 3 * len(rows) + 1)

    asyncio.run(work())
    assert model.batches == [1, 1, 2]
    desk.batcher.close()


def test_who_waits_too_long_is_told_so_at_the_time_and_never_answered_again() -> None:
    model = Model(0.6)
    desk = Desk(model, merges=False, seconds=0.2)

    async def work() -> float:
        begun = time.perf_counter()
        desk.ask(0.0)
        desk.ask(1.0)
        await desk.until(lambda: len(desk.late) == 2)
        told = time.perf_counter() - begun
        await desk.until(lambda: desk.batcher.waiting == 0 and len(model.batches) >= 1)
        await asyncio.sleep(0.7)
        return told

    told = asyncio.run(work())
    assert 0.2 <= told < 0.6
    assert sorted(desk.late) == [0.0, 1.0]
    assert desk.done == []
    assert model.batches == [1]  # nobody waited for the second
    desk.batcher.close()
