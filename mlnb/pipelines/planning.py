"""Pipeline file and parameters → a checked plan: which step runs after which, with what.

Everything that can be wrong is found here, before anything starts and before anything is written.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlnb.core import project as projects
from mlnb.core.errors import InvalidPipeline
from mlnb.core.project import Project
from mlnb.pipelines import spec
from mlnb.pipelines.jobs import Planner
from mlnb.pipelines.plans import Plan as Plan
from mlnb.pipelines.plans import PlannedStep as PlannedStep
from mlnb.pipelines.plans import Prepared as Prepared
from mlnb.pipelines.references import ON_FAILURE, check_json, check_references
from mlnb.pipelines.spec import Pipeline
from mlnb.pipelines.spec.graph import before
from mlnb.pipelines.spec.values import values_of


def project_of(path: Path | str) -> Project:
    """Return the project that a pipeline belongs to: its file's, unless ``MLNB_PROJECT`` says."""
    named = "MLNB_PROJECT" in os.environ
    return projects.current(None if named else spec.find(Path(path)).parent)


def plan(path: Path | str, parameters: Mapping[str, Any] | None = None) -> Plan:
    """Return what running a pipeline would do, having checked all of it.

    Raises
    ------
    UnknownName, InvalidPipeline, CyclicPipeline, MissingNotebook, InvalidNotebook
        If the pipeline cannot run.
    UnknownParameter, InvalidParameter
        If it or one of its notebooks does not take a parameter.
    """
    return prepare(path, parameters).plan


def prepare(path: Path | str, given: Mapping[str, Any] | None = None) -> Prepared:
    """Read, check and plan a pipeline; the project is the one its file belongs to."""
    file = spec.find(Path(path))
    project = project_of(file)
    with projects.using(project):
        pipeline = spec.load(file)
        return _prepared(project, file, pipeline, values_of(pipeline, given or {}))


def _prepared(
    project: Project, file: Path, pipeline: Pipeline, values: Mapping[str, Any]
) -> Prepared:
    check_json("params", values)
    needs = spec.needs(pipeline)
    steps: list[PlannedStep] = []
    for name in spec.order(pipeline):
        check_references(pipeline, name, before(needs, name))
        steps += _planned(Planner(project, file, pipeline, values, name), needs[name], steps)
    on_failure = None
    if pipeline.on_failure is not None:
        check_references(pipeline, ON_FAILURE, set(pipeline.steps))
        planner = Planner(project, file, pipeline, values, ON_FAILURE)
        on_failure = replace(_planned(planner, [], steps)[0], stage=0)
    made = Plan(
        pipeline=pipeline.name,
        path=project.relative(file),
        parameters=dict(values),
        steps=steps,
        on_failure=on_failure,
    )
    return Prepared(made, pipeline, project)


def expand(prepared: Prepared, planned: PlannedStep, items: Any) -> list[PlannedStep]:
    """Return the jobs of a step whose ``foreach`` had to wait, one for each item.

    Parameters
    ----------
    prepared : Prepared
        The plan that the step is of.
    planned : PlannedStep
        One with ``foreach``.
    items : list
        What its expression has become; empty when there is nothing to do.

    Raises
    ------
    InvalidPipeline, UnknownParameter, InvalidParameter
        If it is no list, or an item does not fit the step's parameter.
    """
    if not isinstance(items, list):
        raise InvalidPipeline(
            f"Step {planned.name!r}: its foreach has become {items!r:.80}, which is no list.",
            "Glue a list in the step that it comes from.",
        )
    project, pipeline, plan = prepared.project, prepared.pipeline, prepared.plan
    with projects.using(project):
        file = project.root / plan.path
        planner = Planner(project, file, pipeline, plan.parameters, planned.step)
        combinations = [{planned.each: item} for item in items]
        check_json(f"Step {planned.name!r}: foreach", {planned.each: items})
        others = [item for item in plan.steps if item.name != planned.name]
        return planner.jobs(combinations, planned.needs, planned.stage, others)


def _planned(planner: Planner, needs: list[str], earlier: list[PlannedStep]) -> list[PlannedStep]:
    """Plan a step: one job, one for each combination, or one that waits for its list."""
    step = planner.step
    needed = [planned for planned in earlier if planned.step in needs]
    names = [planned.name for planned in needed]
    stage = 1 + max((planned.stage for planned in needed), default=0)
    check_json(f"Step {planner.name!r}: params", step.params)
    if step.foreach is None:
        return planner.jobs(planner.combinations(), names, stage, earlier)
    items = planner.items()
    if isinstance(items, list) and items:
        combinations = [{step.foreach.name: item} for item in items]
        return planner.jobs(combinations, names, stage, earlier)
    return [planner.waiting(items, names, stage, earlier)]
