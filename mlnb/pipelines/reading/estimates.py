"""How long a running pipeline will still take, going by its earlier runs."""

import heapq
from collections.abc import Mapping
from datetime import datetime
from statistics import median

from mlnb.core import project as projects
from mlnb.core.records import PipelineRun
from mlnb.pipelines import history
from mlnb.pipelines.progress import ENDED, PipelineProgress, StepProgress

RUNS = 5
"""So many earlier runs are looked at."""


def expected(pipeline: str) -> dict[str, float]:
    """Return how many seconds each step takes, from the newest runs in which it was executed.

    A job of a matrix that has not run before is expected to take what its fellows take.
    """
    store = projects.current().store
    log = f"{history.LOG}/{pipeline}"
    newest = store.numbers(log)[-RUNS:]
    seen: dict[str, list[float]] = {}
    for entry in store.entries(log, numbers=newest, damaged={}):
        for step in PipelineRun.from_dict(entry.data).steps:
            if step.status == "FINISHED" and not step.cached_from and step.started and step.ended:
                seconds = (step.ended - step.started).total_seconds()
                for name in {step.name, _of_matrix(step.name)}:
                    seen.setdefault(name, []).append(seconds)
    return {name: median(seconds) for name, seconds in seen.items()}


def remaining(
    progress: PipelineProgress, seconds: Mapping[str, float], workers: int, now: datetime
) -> float | None:
    """Return how many seconds are left; None when a step has never run.

    The steps that are left are laid out on so many workers in the order of their needs, as the
    scheduler does. Steps that turn out to be cached or skipped make it less.

    Parameters
    ----------
    progress : PipelineProgress
        How far the run is.
    seconds : mapping of str to float
        What steps take; see `expected`.
    workers : int
        Steps at a time.
    now : datetime
        The present time.
    """
    left = {step.name: _left(step, seconds, now) for step in progress.steps}
    open_steps = [step for step in progress.steps if step.status not in ENDED]
    if any(left[step.name] is None for step in open_steps):
        return None
    waiting = {
        step.name: {need for need in step.needs if need in left and _is_open(progress, need)}
        for step in open_steps
        if step.status == "PENDING"
    }
    running = [(left[step.name] or 0.0, step.name) for step in open_steps if _runs(step)]
    heapq.heapify(running)
    time = 0.0
    while running or waiting:
        ready = [name for name, needs in waiting.items() if not needs]
        for name in ready[: max(workers - len(running), 0)]:
            del waiting[name]
            heapq.heappush(running, (time + (left[name] or 0.0), name))
        if not running:  # a need that nobody knows
            return None
        time, ended = heapq.heappop(running)
        for needs in waiting.values():
            needs.discard(ended)
    return time


def _runs(step: StepProgress) -> bool:
    return step.status == "RUNNING"


def _is_open(progress: PipelineProgress, name: str) -> bool:
    return any(step.name == name and step.status not in ENDED for step in progress.steps)


def _left(step: StepProgress, seconds: Mapping[str, float], now: datetime) -> float | None:
    known = seconds.get(step.name, seconds.get(_of_matrix(step.name)))
    if known is None or step.started is None:
        return known
    return max(known - (now - step.started).total_seconds(), 0.0)


def _of_matrix(name: str) -> str:
    """Return what the jobs of one matrix have in common."""
    return f"{name.partition('[')[0]}[" if "[" in name else name
