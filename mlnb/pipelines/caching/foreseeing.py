"""What a run would do and why, found out without running or writing anything."""

import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlnb.core import project as projects
from mlnb.core.errors import MlnbError
from mlnb.core.project import Project
from mlnb.core.records import StepResult
from mlnb.pipelines.caching.entries import Cache, result_of
from mlnb.pipelines.caching.keys import key_of
from mlnb.pipelines.inputs import Given
from mlnb.pipelines.kinds import pipeline_folder
from mlnb.pipelines.performing import FORCED, NOT_CACHED, StepJob
from mlnb.pipelines.planning import prepare
from mlnb.pipelines.plans import Plan, PlannedStep
from mlnb.pipelines.selection import NOT_SELECTED, Selection, wishes
from mlnb.pipelines.stepping import Stepper


def foresee(
    path: Path | str,
    parameters: Mapping[str, Any] | None = None,
    *,
    selection: Selection | None = None,
) -> Plan:
    """Return the plan of a pipeline, saying of each step whether it would run, and why.

    Parameters
    ----------
    path : path
        Pipeline file, or the folder of a ``pipeline.yaml``.
    parameters : mapping, optional
        Values for parameters that the pipeline declares.
    selection : Selection, optional
        Which steps would take part.

    Raises
    ------
    BadInput
        As `mlnb.pipelines.plan` does.
    """
    prepared = prepare(path, parameters)
    plan = prepared.plan
    with projects.using(prepared.project) as project:
        chosen = wishes(project, plan, selection or Selection())
        stepper = Stepper(prepared, "", threading.Event(), wishes=chosen)
        known: dict[str, StepResult] = {}
        told = [_told(project, stepper, step, known) for step in plan.steps]
    return replace(plan, steps=told)


def _told(
    project: Project, stepper: Stepper, step: PlannedStep, known: dict[str, StepResult]
) -> PlannedStep:
    """Return a step with what would become of it; its result, if it is known, is added."""
    if (result := stepper.wishes.known.get(step.name)) is not None:
        known[step.name] = result
        taken = result.status == "FINISHED"
        return replace(step, fresh=True if taken else None, why=result.why or NOT_SELECTED)
    waiting = [need for need in step.needs if need not in known]
    if waiting:
        return replace(step, why=f"it needs {waiting[0]}, which runs before")
    if step.foreach:
        return replace(step, why="its list is known when the run gets there")
    try:
        blocked = stepper.blocked(step, known)
        if blocked or not stepper.holds(step, known):
            result = StepResult(name=step.name, notebook=step.notebook, status="SKIPPED")
            known[step.name] = result
            return replace(step, why=blocked or "its condition is false")
        job = stepper.job(step, known)
        found, why = _look(project, job)
    except MlnbError as error:
        return replace(step, fresh=False, why=error.message)
    if found is not None:
        known[step.name] = found
    return replace(step, fresh=found is not None, why=why)


def _look(project: Project, job: StepJob) -> tuple[StepResult | None, str]:
    """Return the stored result that a run would use, or None and why there is none."""
    if not job.cache:
        return None, NOT_CACHED
    if job.force:
        return None, FORCED
    given = Given(project, job, pipeline_folder(project, job))
    given.find()
    record, why = Cache(project, job, key_of(project, job, given.versions)).look()
    return (result_of(project, record) if record else None), why
