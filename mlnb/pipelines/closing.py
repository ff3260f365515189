"""Close a run whose steps several machines have carried out: CI jobs, containers, people.

No one process has driven such a run, so none knows that it is over. Its last job gathers the
results from the store, runs the pipeline's ``on_failure`` when a step has failed, writes the
report and the record, and tells those whom ``notify`` names.
"""

import threading
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, MlnbError
from mlnb.core.names import check_name
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult, now
from mlnb.pipelines import ending, results
from mlnb.pipelines.attaching import Attacher
from mlnb.pipelines.planning import prepare, project_of
from mlnb.pipelines.plans import Prepared
from mlnb.pipelines.results import RunState
from mlnb.pipelines.running import announce, share_of_cores
from mlnb.pipelines.stepping import Stepper
from mlnb.pipelines.stopping import stop_on_signals
from mlnb.pipelines.triggers.notifications import tell
from mlnb.pipelines.triggers.on_failure import after_failure

FOLLOWS = ("notify", "on_failure")
"""What the end of a run can have for a consequence."""
MISSING = "No job has carried it out: its job was cancelled, or ended before the step began."
SILENT = timedelta(days=1)
"""A run that nobody has closed is taken for dead when no step has ended for so long."""


def close(
    path: Path | str,
    *,
    run: str,
    parameters: Mapping[str, Any] | None = None,
    without: Collection[str] = (),
) -> PipelineRun:
    """End a run whose steps were carried out by `mlnb.pipelines.perform_step`.

    Closing it again, after a job was repeated, makes a new record, which then counts.

    Parameters
    ----------
    path : path
        Pipeline file, or the folder of a ``pipeline.yaml``.
    run : str
        Its id.
    parameters : mapping, optional
        Values that the run was given; by default those that the store has of it.
    without : collection of str
        ``notify`` or ``on_failure``: what shall not follow.

    Returns
    -------
    PipelineRun
        With status FINISHED or FAILED; `mlnb.pipelines.failure` makes an error of it.

    Raises
    ------
    BadInput
        If no step of such a run was carried out with this store.
    Conflict
        If it is a run of another pipeline, or with other parameters.
    """
    check_name("run", run)
    with projects.using(project_of(path)) as project:
        state = results.find(project, run)
        if state is None:
            raise BadInput(
                f"No step of a run {run!r} was carried out with the store {project.store.url}.",
                "Give the id that its steps had, and the same store.",
            )
        prepared = prepare(path, parameters or state.parameters)
        results.begin(project, replace(state, parameters=prepared.plan.parameters))
        ended = _closed(prepared, state, without)
    if "notify" not in without:
        tell(ended, prepared.pipeline.notify, project=project)
    return ended


def _closed(prepared: Prepared, state: RunState, without: Collection[str]) -> PipelineRun:
    project, stop, attacher = prepared.project, threading.Event(), Attacher()
    stepper = Stepper(prepared, state.id, stop, attacher, threads=share_of_cores(1))
    announce(prepared, state.id, workers=0)
    made = gathered(stepper)
    for planned in prepared.plan.steps:
        stepper.finish(planned, made[planned.name])
    if "on_failure" not in without:
        with stop_on_signals(stop):
            further = after_failure(stepper, made)
        if further is not None:
            made[further.name] = further
    attacher.close()
    first = min((item.started for item in made.values() if item.started), default=state.started)
    run = ending.ended(prepared, replace(state, started=min(first, state.started)), made)
    ending.record(project, run)
    return run


def gathered(stepper: Stepper) -> dict[str, StepResult]:
    """Return the results of all steps of a run; of those without, what must have happened."""
    plan = stepper.prepared.plan
    there = results.of(stepper.project, stepper.run, plan.steps)
    made: dict[str, StepResult] = {}
    for planned in plan.steps:
        result = there.get(planned.name)
        if result is None:
            blocked = stepper.blocked(planned, made)
            result = StepResult(
                name=planned.name,
                notebook=planned.notebook,
                status="SKIPPED" if blocked else "FAILED",
                cells=planned.cells,
                error=blocked or MISSING,
            )
        made[planned.name] = result
    return made


def as_far(project: Project, state: RunState) -> PipelineRun:
    """Return how far a run is that nobody has closed, as the store tells.

    One that has a result for each of its steps has ended; one of which nothing was heard for
    `SILENT` is dead.
    """
    try:
        with projects.using(project):
            prepared = prepare(project.root / state.path, state.parameters)
    except MlnbError:  # the pipeline is not what it was, or not on this machine
        return _told(state, {}, "RUNNING" if _is_fresh(state, {}) else "KILLED")
    stepper = Stepper(prepared, state.id, threading.Event())
    there = results.of(project, state.id, prepared.plan.steps)
    made = gathered(stepper)
    if all(name in there or item.status == "SKIPPED" for name, item in made.items()):
        return _told(state, made, ending.status_of(list(made.values())))
    if not _is_fresh(state, there):
        return _told(state, made, "KILLED")
    waiting = {
        name: item if name in there else replace(item, status="PENDING", error="")
        for name, item in made.items()
    }
    return _told(state, waiting, "RUNNING")


def _told(state: RunState, made: Mapping[str, StepResult], status: Any) -> PipelineRun:
    ends = [item.ended for item in made.values() if item.ended]
    first = next((item for item in made.values() if item.status == "FAILED"), None)
    error = f"Step {first.name!r} failed: {first.error}" if first else ""
    return PipelineRun(
        id=state.id,
        pipeline=state.pipeline,
        status=status,
        parameters=state.parameters,
        started=state.started,
        ended=max(ends, default=state.started) if status != "RUNNING" else None,
        error="" if status == "RUNNING" else error or (MISSING if status == "KILLED" else ""),
        steps=list(made.values()),
    )


def _is_fresh(state: RunState, there: Mapping[str, StepResult]) -> bool:
    heard = max((item.ended for item in there.values() if item.ended), default=state.started)
    return now() - heard < SILENT
