"""Runs steps in the order of their needs, as many at a time as the limits allow."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import replace
from functools import partial
from time import monotonic

from mlnb.core.records import StepResult
from mlnb.pipelines.limits import Limits
from mlnb.pipelines.planning import PlannedStep

Results = Mapping[str, StepResult]
Settle = Callable[[PlannedStep, Results], StepResult | None]
Execute = Callable[[PlannedStep, Results], StepResult]
Expand = Callable[[PlannedStep, Results], list[PlannedStep] | StepResult]
Again = Callable[[PlannedStep, StepResult], float | StepResult]

_STOP_EVERY = 0.1
"""Seconds between two looks at the stop event while steps wait for their next attempt."""


def schedule(
    steps: Sequence[PlannedStep],
    *,
    workers: int,
    settle: Settle,
    execute: Execute,
    expand: Expand | None = None,
    again: Again | None = None,
    limits: Limits | None = None,
    stop: threading.Event | None = None,
) -> dict[str, StepResult]:
    """Bring every step to its end.

    Parameters
    ----------
    steps : sequence of PlannedStep
        Earlier ones are preferred when several could start.
    workers : int
        How many may execute at a time.
    settle : callable
        Called when all that a step needs has ended. Returns the step's result when it is not to
        be executed (skipped), else None. Asked again when the run was stopped before the step, or
        its next attempt, could start.
    execute : callable
        Makes an attempt at a step; called on a thread of its own, with the caller's context. Must
        not raise.
    expand : callable, optional
        Called with a step that has a ``foreach`` when all that it needs has ended. Returns the
        jobs that take its place, or its result when there are none. Steps that need it need all
        of its jobs instead.
    again : callable, optional
        Called with the result of an attempt. Returns the seconds until the next one, or what
        became of the step. The step takes nothing of the limits while it waits.
    limits : Limits, optional
        By default only ``workers``.
    stop : threading.Event, optional
        When it is set, steps that wait are settled instead of started.

    Returns
    -------
    dict
        Results by name, in the order of the steps; the jobs of a ``foreach`` in its place.
    """
    return _Schedule(
        list(steps),
        settle=settle,
        execute=execute,
        expand=expand,
        again=again or (lambda _step, result: result),
        limits=limits or Limits(workers),
        stop=stop or threading.Event(),
    ).run()


class _Schedule:
    """The state of one run; all of it on the thread that calls `run`."""

    def __init__(
        self,
        steps: list[PlannedStep],
        *,
        settle: Settle,
        execute: Execute,
        expand: Expand | None,
        again: Again,
        limits: Limits,
        stop: threading.Event,
    ) -> None:
        self._steps = {step.name: step for step in steps}
        self._order: dict[str, tuple[int, ...]] = {
            step.name: (number,) for number, step in enumerate(steps)
        }
        self._settle, self._execute, self._expand = settle, execute, expand
        self._again, self._limits, self._stop = again, limits, stop
        self._missing = {step.name: set(step.needs) for step in steps}  # needs that have not ended
        self._ready: list[str] = []
        self._pausing: dict[str, float] = {}  # until when a step waits for its next attempt
        self._running: dict[Future[StepResult], str] = {}
        self._results: dict[str, StepResult] = {}

    def run(self) -> dict[str, StepResult]:
        with ThreadPoolExecutor(self._limits.slots, thread_name_prefix="mlnb-step") as pool:
            while self._missing or self._ready or self._pausing or self._running:
                self._resume()
                self._look()
                self._start(pool)
                self._await()
        order = sorted(self._results, key=self._place)
        return {name: self._results[name] for name in order}

    def _place(self, name: str) -> tuple[int, ...]:
        return self._order[name]

    def _look(self) -> None:
        """Settle, expand or queue the steps whose needs have ended, until there are no more."""
        while open_now := [name for name, needs in self._missing.items() if not needs]:
            for name in sorted(open_now, key=self._place):
                del self._missing[name]
                step = self._steps[name]
                if (settled := self._settle(step, self._results)) is not None:
                    self._note(name, settled)
                elif step.foreach and self._expand is not None:
                    self._replace(step, self._expand(step, self._results))
                else:
                    self._ready.append(name)

    def _replace(self, step: PlannedStep, made: list[PlannedStep] | StepResult) -> None:
        """Put the jobs of a ``foreach`` in its place."""
        jobs = [] if isinstance(made, StepResult) else made
        names = [job.name for job in jobs]
        for number, job in enumerate(jobs):
            self._steps[job.name] = job
            self._order[job.name] = (*self._order[step.name], number)
            self._missing[job.name] = {need for need in job.needs if need not in self._results}
        if isinstance(made, StepResult) and made.status != "SKIPPED":
            self._note(step.name, made)  # it failed: those who need it are told so
            return
        for other in [item for item in self._steps.values() if step.name in item.needs]:
            needs = [need for need in other.needs if need != step.name]
            self._steps[other.name] = replace(other, needs=[*needs, *names])
            self._missing[other.name].discard(step.name)
            self._missing[other.name].update(names)
        if isinstance(made, StepResult):
            self._results[step.name] = made

    def _start(self, pool: ThreadPoolExecutor) -> None:
        self._ready.sort(key=self._place)
        if self._stop.is_set():
            waiting, self._ready = self._ready, []
            for name in waiting:
                self._begin(name, pool)
            return
        queue = [(name, self._limits.wanted(self._steps[name])) for name in self._ready]
        for name in self._limits.admit(queue):
            self._ready.remove(name)
            self._submit(name, pool)

    def _begin(self, name: str, pool: ThreadPoolExecutor) -> None:
        """Settle a step of a stopped run."""
        settled = self._settle(self._steps[name], self._results)
        if settled is not None:
            self._note(name, settled)
        else:  # whoever settles thinks otherwise
            self._limits.take(self._limits.wanted(self._steps[name]))
            self._submit(name, pool)

    def _submit(self, name: str, pool: ThreadPoolExecutor) -> None:
        work = partial(self._execute, self._steps[name], self._results)
        self._running[pool.submit(copy_context().run, work)] = name

    def _await(self) -> None:
        """Wait until a step has ended, or until one may be tried again."""
        if any(not needs for needs in self._missing.values()):
            return
        if not self._running:
            if self._pausing and not self._stop.is_set():
                self._stop.wait(max(0.0, min(self._pausing.values()) - monotonic()))
            return
        pause = self._pause()
        for future in wait(self._running, pause, return_when=FIRST_COMPLETED).done:
            name = self._running.pop(future)
            result = future.result()
            self._limits.release(self._limits.wanted(self._steps[name]))
            ended = self._again(self._steps[name], result)
            if isinstance(ended, StepResult):
                self._note(name, ended)
            else:
                self._pausing[name] = monotonic() + ended

    def _pause(self) -> float | None:
        if not self._pausing:
            return None
        return min(_STOP_EVERY, max(0.0, min(self._pausing.values()) - monotonic()))

    def _resume(self) -> None:
        """Queue the steps whose next attempt is due; all of them when the run is stopped."""
        for name, until in list(self._pausing.items()):
            if self._stop.is_set() or until <= monotonic():
                del self._pausing[name]
                self._ready.append(name)

    def _note(self, name: str, result: StepResult) -> None:
        self._results[name] = result
        for needs in self._missing.values():
            needs.discard(name)
