"""Pipeline files: which there are, what a run of each would do, and with what parameters."""

import json
from typing import Any

from mlnb.core.errors import BadInput, MlnbError, UnknownName
from mlnb.core.project import Project
from mlnb.pipelines import definitions, spec
from mlnb.pipelines.caching.foreseeing import foresee
from mlnb.pipelines.spec.models import Pipeline
from mlnb.ui.server import pipelines
from mlnb.ui.server.messages import Problem
from mlnb.ui.server.pipeline_records import (
    Definition,
    DefinitionDocument,
    Definitions,
    PastRun,
    PipelineParameter,
)
from mlnb.ui.server.sources import Source

RUNS = 50


def listed(source: Source) -> Definitions:
    """Return the project's pipeline files, and the latest runs of all pipelines."""
    runs = [pipelines.of_progress(run) for run in pipelines.listed(source)[: pipelines.LISTED]]
    found = [_definition(source.project, path, runs) for path in definitions.files(source.project)]
    return Definitions(definitions=found, runs=runs[:RUNS])


def document(source: Source, path: str, parameters: dict[str, Any]) -> DefinitionDocument:
    """Return a pipeline file and what a run of it with these parameters would do.

    Raises
    ------
    UnknownName
        If it is no pipeline file of the project.
    """
    project = source.project
    known = definitions.files(project)
    if path not in known:
        raise UnknownName("pipeline file", path, known)
    pipeline, problem = _loaded(project, path)
    if pipeline is None:
        return DefinitionDocument(definition=_broken(path, problem), problem=problem)
    runs = pipelines.past(source, pipeline.name)
    plan = None
    try:
        plan = foresee(project.root / path, parameters)
    except MlnbError as error:
        problem = problem_of(error)
    return DefinitionDocument(
        definition=_definition(project, path, runs),
        parameters=_parameters(pipeline),
        plan=plan,
        problem=problem,
        runs=runs,
    )


def parsed(text: str) -> dict[str, Any]:
    """Return parameters that a query gives as JSON.

    Raises
    ------
    BadInput
        If it is no JSON object.
    """
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise BadInput(f"The parameters are no JSON: {error}.") from None
    if not isinstance(found, dict):
        raise BadInput("The parameters are no JSON object.")
    return found


def problem_of(error: MlnbError) -> Problem:
    """Return an error as the browser shows it."""
    return Problem(error=type(error).__name__, message=error.message, fix=error.fix)


def _definition(project: Project, path: str, runs: list[PastRun]) -> Definition:
    pipeline, problem = _loaded(project, path)
    if pipeline is None:
        return _broken(path, problem)
    return Definition(
        path=path,
        name=pipeline.name,
        description=pipeline.description,
        steps=len(pipeline.steps),
        schedule=pipeline.schedule.cron if pipeline.schedule else "",
        latest=next((run for run in runs if run.pipeline == pipeline.name), None),
    )


def _broken(path: str, problem: Problem | None) -> Definition:
    return Definition(path=path, name=path, problem=problem)


def _loaded(project: Project, path: str) -> tuple[Pipeline | None, Problem | None]:
    try:
        return spec.load(project.root / path), None
    except MlnbError as error:
        return None, problem_of(error)


def _parameters(pipeline: Pipeline) -> list[PipelineParameter]:
    return [
        PipelineParameter(
            name=name,
            type=item.type or _type_of(item.default),
            default=None if item.secret else item.default,
            choices=list(item.choices or []),
            min=item.min,
            max=item.max,
            help=item.help,
            secret=item.secret,
            required=item.required,
        )
        for name, item in pipeline.params.items()
    ]


def _type_of(default: Any) -> str:
    return (
        type(default).__name__ if isinstance(default, (bool, int, float, str, list, dict)) else ""
    )
