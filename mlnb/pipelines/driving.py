"""Brings the steps of a run to their ends: scheduled, performed somewhere, stopped when asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mlnb.core.records import StepResult
from mlnb.pipelines import limits, stopping
from mlnb.pipelines.executors import Place
from mlnb.pipelines.plans import PlannedStep
from mlnb.pipelines.scheduling import schedule
from mlnb.pipelines.stepping import Stepper
from mlnb.pipelines.triggers.on_failure import after_failure

_HEAR_EVERY = 0.2
"""Seconds between two looks at what workers in other processes tell."""


def drive(
    stepper: Stepper, steps: list[PlannedStep], place: Place, *, workers: int
) -> dict[str, StepResult]:
    """Carry out steps of a run, and what the pipeline wants to be run when one of them fails.

    Parameters
    ----------
    stepper : Stepper
        Of the run; the current project is its.
    steps : list of PlannedStep
        Those that take part.
    place : Place
        Where they are performed.
    workers : int
        How many at a time.

    Returns
    -------
    dict
        Results by name, that of ``on_failure`` last.
    """
    project, run, stop = stepper.project, stepper.run, stepper.stop
    before = stopping.requests(project, run)
    stepper.perform = place.performer(project, run, stop, after=before)
    with stopping.stop_on_request(project, run, stop, after=before), _heard(stepper, place):
        made = schedule(
            steps,
            workers=workers,
            settle=stepper.settle,
            execute=stepper.execute,
            expand=stepper.expand,
            again=stepper.again,
            limits=limits.of(stepper.prepared.pipeline, workers, here=place.here),
            stop=stop,
        )
        if (further := after_failure(stepper, made)) is not None:
            made[further.name] = further
    return made


@contextmanager
def _heard(stepper: Stepper, place: Place) -> Iterator[None]:
    """Let those who follow the run hear of cells that other processes execute."""
    if place.beside:
        yield
        return
    events, over = stepper.project.events, threading.Event()

    def hear() -> None:
        offset, last = events.end(), False
        while not last:
            last = over.wait(_HEAR_EVERY)
            found, offset = events.read(offset)
            for event in found:
                if event.kind.startswith("cell.") and event.data.get("pipeline_run") == stepper.run:
                    events.retell(event)

    listener = threading.Thread(target=hear, name="mlnb-hear", daemon=True)
    listener.start()
    try:
        yield
    finally:
        over.set()
        listener.join()
