"""How much of each resource the steps of a run may use at a time, shared out fairly.

Resources are ``cpus``, ``memory`` (bytes), ``gpu`` and whatever else a pipeline names. A step that
waits for one keeps later steps from taking what it needs, so that many small steps do not hold up
a large one for ever; steps that need other things may start meanwhile.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from mlnb.pipelines.plans import PlannedStep
from mlnb.pipelines.spec import Pipeline

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
MACHINE = ("cpus", "memory", "gpu")
"""What every machine has; of a cluster it is not known here, so only declared limits count."""
SLOTS = "steps at a time"
"""What every step takes one of."""
_TINY = 1e-9
"""Halves and tenths of a core add up to a little less or more than one."""


def machine() -> dict[str, float]:
    """Return what this machine has: cores that it may use, bytes of memory, GPUs."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):  # Windows does not say it like this
        import psutil

        memory = psutil.virtual_memory().total
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return {"cpus": float(_cores()), "memory": float(memory), "gpu": float(len(visible) or 1)}


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        return os.cpu_count() or 1


def of(pipeline: Pipeline, workers: int, *, here: bool = True) -> "Limits":
    """Return the limits of a pipeline's run.

    Parameters
    ----------
    pipeline : Pipeline
        Its ``limits`` count, and ``max_parallel`` of its matrices.
    workers : int
        How many steps may execute at a time.
    here : bool
        Whether they execute on this machine, so that what it has counts, too.
    """
    at_a_time = {
        _jobs_of(name): float(most)
        for name, step in pipeline.steps.items()
        if (most := step.matrix.max_parallel or (step.foreach and step.foreach.max_parallel))
    }
    return Limits(
        workers,
        declared={**pipeline.limits, **at_a_time},
        present=machine() if here else dict.fromkeys(MACHINE, float("inf")),
    )


def _jobs_of(step: str) -> str:
    return f"jobs of {step}"


def threads(resources: Mapping[str, float]) -> dict[str, str]:
    """Return the environment that gives a step as many threads as it has cores, if it says that."""
    cores = str(max(1, round(resources["cpus"]))) if resources.get("cpus") else ""
    return dict.fromkeys(THREADS, cores) if cores else {}


@dataclass
class Limits:
    """What is free of each resource; used on one thread.

    Parameters
    ----------
    slots : int
        How many steps may execute at a time.
    declared : mapping
        The limits that the pipeline gives; no step of it wants more than that.
    present : mapping
        What there is of resources without a declared limit. A step that wants more gets all of
        it, so that a pipeline for a large machine runs on a small one, one step after another. A
        resource that is in neither counts as one.
    """

    slots: int
    declared: Mapping[str, float] = field(default_factory=dict)
    present: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._taken: dict[str, float] = {}

    def wanted(self, planned: PlannedStep) -> dict[str, float]:
        """Return what a job takes while it executes."""
        jobs = _jobs_of(planned.step)
        return planned.resources | ({jobs: 1.0} if jobs in self.declared else {})

    def capacity(self, name: str) -> float:
        """Return how much there is of a resource in all."""
        if name == SLOTS:
            return self.slots
        return self.declared.get(name, self.present.get(name, 1.0))

    def free(self, name: str) -> float:
        """Return how much there is of a resource now."""
        return self.capacity(name) - self._taken.get(name, 0.0)

    def admit(self, waiting: Iterable[tuple[str, Mapping[str, float]]]) -> Iterator[str]:
        """Yield, and count, the steps that may start now.

        Parameters
        ----------
        waiting : iterable of (name, wanted)
            In the order in which they should start.
        """
        held: set[str] = set()
        for name, wanted in waiting:
            if self.free(SLOTS) < 1:
                return
            needs = self._needs(wanted)
            if any(amount > self.free(what) + _TINY for what, amount in needs.items()):
                # All that it needs is held, not only what is short: else two resources could be
                # short in turn, and the step wait for ever.
                held.update(needs)
            elif not held & set(needs):
                self.take(wanted)
                yield name

    def take(self, wanted: Mapping[str, float], *, times: int = 1) -> None:
        """Count what a step takes, whether there is room or not."""
        for what, amount in {**self._needs(wanted), SLOTS: 1.0}.items():
            self._taken[what] = self._taken.get(what, 0.0) + times * amount

    def release(self, wanted: Mapping[str, float]) -> None:
        """Take back what a step had."""
        self.take(wanted, times=-1)

    def _needs(self, wanted: Mapping[str, float]) -> dict[str, float]:
        return {
            name: min(amount, self.capacity(name)) for name, amount in wanted.items() if amount > 0
        }
