"""Take part in a run whose steps are carried out by several machines: CI jobs, containers."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, StoreUnavailable
from mlnb.core.names import check_name
from mlnb.core.records import StepResult, now
from mlnb.pipelines import results, selection
from mlnb.pipelines.attaching import Attacher
from mlnb.pipelines.planning import PlannedStep, Prepared, prepare, project_of
from mlnb.pipelines.running import share_of_cores, state_of
from mlnb.pipelines.scheduling import schedule
from mlnb.pipelines.stepping import Stepper
from mlnb.pipelines.stopping import requests, stop_on_request, stop_on_signals


def perform_step(
    path: Path | str,
    step: str,
    *,
    run: str,
    parameters: Mapping[str, Any] | None = None,
    workers: int | None = None,
    retries: bool = True,
) -> list[StepResult]:
    """Carry out one step of a run whose other steps are carried out elsewhere: by CI, a cluster.

    The run is made when there is none of this id. What the step needs has to have a result in the
    store; its own is written there.

    Parameters
    ----------
    path : path
        Pipeline file, or the folder of a ``pipeline.yaml``.
    step : str
        A job (``train[logistic]``), or a step: all combinations of its matrix.
    run : str
        Id of the run; any name, the same in all jobs.
    parameters : mapping, optional
        Values for parameters that the pipeline declares; by default those that the run has.
    workers : int, optional
        Jobs at a time; by default the setting ``workers``.
    retries : bool
        Whether a step is tried again as often as it says; not where the caller does that.

    Raises
    ------
    BadInput
        Before anything starts or is written: also when a needed step has no result in the run.
    Conflict
        If the run is one of another pipeline, or with other parameters.
    """
    check_name("run", run)
    with projects.using(project_of(path)) as project:
        there = results.find(project, run)
        given = there.parameters if there is not None and not parameters else parameters
        prepared = prepare(path, given)
        chosen = selection.jobs_of(prepared.plan, step)
        known = _needed(prepared, chosen, run)
        results.begin(project, state_of(prepared, run, now()))
        stop = threading.Event()
        attacher = Attacher()
        limit = min(len(chosen), workers or project.settings.workers)
        stepper = Stepper(prepared, run, stop, attacher, threads=share_of_cores(limit))
        asked = requests(project, run)
        with stop_on_signals(stop), stop_on_request(project, run, stop, after=asked):
            made = schedule(
                [replace(item, needs=[]) for item in chosen],
                workers=limit,
                settle=lambda item, _: stepper.settle(_planned(prepared, item.name), known),
                execute=lambda item, _: stepper.execute(_planned(prepared, item.name), known),
                again=stepper.again if retries else None,
            )
            attacher.close()
        _check_kept(prepared, run, list(made.values()))
    return list(made.values())


def _check_kept(prepared: Prepared, run: str, made: list[StepResult]) -> None:
    """Check that the store has the results, for nobody else will hand them on.

    Raises
    ------
    StoreUnavailable
        If it has not.
    """
    jobs = [_planned(prepared, result.name) for result in made]
    kept = results.of(prepared.project, run, jobs)
    for result in made:
        if result.name not in kept and result.status != "KILLED":
            url = prepared.project.store.url
            raise StoreUnavailable(url, f"it has not taken the result of {result.name!r}")


def _needed(prepared: Prepared, chosen: list[PlannedStep], run: str) -> dict[str, StepResult]:
    """Return the results of a run so far.

    Raises
    ------
    BadInput
        If one that is needed is not there.
    """
    known = results.of(prepared.project, run, prepared.plan.steps)
    for item in chosen:
        for need in item.needs:
            if need not in known:
                raise BadInput(
                    f"Step {item.name!r} needs {need!r}, which has no result in run {run!r}.",
                    f"Carry out {need!r} first, with the same store and the same run.",
                )
    return known


def _planned(prepared: Prepared, name: str) -> PlannedStep:
    return next(item for item in prepared.plan.steps if item.name == name)
