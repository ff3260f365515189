"""What ``mlnb project status`` shows: what the project holds and what runs now."""

import os
from dataclasses import dataclass, field

from mlnb.core import project as projects
from mlnb.core.errors import TrackingUnavailable
from mlnb.core.records import EndpointStatus, ModelVersion, PipelineRun, Record, RunRecord
from mlnb.core.urls import without_secrets

RECENT = 5


@dataclass(frozen=True, kw_only=True)
class ProjectStatus(Record):
    """What a project holds and what runs now."""

    name: str
    root: str
    """Relative to the working directory: what a magic shows is saved in the notebook."""
    store: str
    tracking_uri: str
    datasets: int
    versions: int
    """Of all datasets together."""
    models: list[ModelVersion] = field(default_factory=list)
    """The champions."""
    runs: list[RunRecord] = field(default_factory=list)
    """The newest, at most `RECENT`."""
    pipelines: list[PipelineRun] = field(default_factory=list)
    """The newest runs, at most `RECENT`."""
    endpoints: list[EndpointStatus] = field(default_factory=list)
    waiting: int = 0
    """Records of runs that the tracking store does not have yet."""
    trouble: str = ""
    """Why it does not have them."""


def status() -> ProjectStatus:
    """Ask every package what it has."""
    from mlnb import datasets, pipelines, serving
    from mlnb.tracking import journal, models, runs

    project = projects.current()
    newest = datasets.latest()
    recent = runs.list_runs(limit=RECENT)  # delivers what waits, if that can be
    trouble = journal.trouble(project)
    reason = trouble.reason if trouble else ""
    champions: list[ModelVersion] = []
    try:
        champions = [model for model in models.list_models() if "champion" in model.aliases]
    except TrackingUnavailable as error:
        reason = error.message
    return ProjectStatus(
        name=project.name,
        root=os.path.relpath(project.root),
        store=without_secrets(project.settings.store),
        tracking_uri=without_secrets(project.settings.tracking_uri),
        datasets=len(newest),
        versions=sum(version.number for version in newest),
        models=champions,
        runs=recent,
        pipelines=sorted(pipelines.runs(), key=lambda run: run.started, reverse=True)[:RECENT],
        endpoints=serving.list_endpoints(),
        waiting=journal.undelivered(project)[1],
        trouble=reason,
    )
