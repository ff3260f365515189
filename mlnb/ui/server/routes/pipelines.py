"""Pipeline files and runs of pipelines."""

from mlnb.ui.server import definitions, pipelines
from mlnb.ui.server.pipeline_records import (
    DefinitionDocument,
    Definitions,
    ExecutedNotebook,
    Page,
    PipelineDocument,
    StepLog,
)
from mlnb.ui.server.routing import Route
from mlnb.ui.server.sources import Source


def files(source: Source) -> Definitions:
    """List the project's pipeline files, and the latest runs of all pipelines."""
    return definitions.listed(source)


def plan(source: Source, *, path: str, parameters: str = "") -> DefinitionDocument:
    """Return a pipeline file, and what a run of it would do: with parameters, as JSON."""
    return definitions.document(source, path, definitions.parsed(parameters))


def run(source: Source, *, run: str) -> PipelineDocument:
    """Return one run of a pipeline, of this machine or any other with the same store."""
    return pipelines.document(source, run)


def log(source: Source, *, run: str, step: str) -> StepLog:
    """Return the end of what a step has shown so far."""
    return pipelines.step_log(source, run, step)


def notebook(source: Source, *, run: str, step: str) -> ExecutedNotebook:
    """Return a step's notebook as it was executed."""
    return pipelines.executed(source, run, step)


def report(source: Source, *, run: str) -> Page:
    """Return a run's report, which is written when it ends."""
    return pipelines.report(source, run)


ROUTES = (
    Route("GET", "/definitions", files, anywhere=True),
    Route("GET", "/definitions/plan", plan, anywhere=True),
    Route("GET", "/pipelines/{run}", run),
    Route("GET", "/pipelines/{run}/log", log),
    Route("GET", "/pipelines/{run}/notebook", notebook),
    Route("GET", "/pipelines/{run}/report", report),
)
