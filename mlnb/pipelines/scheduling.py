"""Runs steps in the order of their needs, several at a time."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from graphlib import TopologicalSorter

from mlnb.core.records import StepResult
from mlnb.pipelines.planning import PlannedStep

Results = Mapping[str, StepResult]


def schedule(
    steps: Sequence[PlannedStep],
    *,
    workers: int,
    settle: Callable[[PlannedStep, Results], StepResult | None],
    execute: Callable[[PlannedStep, Results], StepResult],
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
        be executed (skipped), else None.
    execute : callable
        Runs a step; called on a thread of its own, with the caller's context. Must not raise.
    """
    order = {step.name: position for position, step in enumerate(steps)}
    graph = TopologicalSorter({step.name: step.needs for step in steps})
    graph.prepare()
    results: dict[str, StepResult] = {}
    running: dict[Future[StepResult], str] = {}

    def note(name: str, result: StepResult) -> None:
        results[name] = result
        graph.done(name)

    with ThreadPoolExecutor(workers, thread_name_prefix="mlnb-step") as pool:
        while graph.is_active():
            for name in sorted(graph.get_ready(), key=order.__getitem__):
                step = steps[order[name]]
                settled = settle(step, results)
                if settled is not None:
                    note(name, settled)
                else:
                    future = pool.submit(copy_context().run, execute, step, results)
                    running[future] = name
            if running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    note(running.pop(future), future.result())
    return {step.name: results[step.name] for step in steps}
