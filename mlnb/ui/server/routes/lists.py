"""The lists of the panel: found by words, ordered, page by page; and what has changed in them.

A query is words, ``"phrases"`` and comparisons (``roc_auc>0.8``), all of which must hold. An order
is a name, with ``-`` in front for downwards.
"""

from collections.abc import Sequence

from mlnb.core.records import DatasetVersion, EndpointStatus, ModelVersion
from mlnb.pipelines.progress import PipelineProgress
from mlnb.tracking.reading.records import RunList
from mlnb.ui.server.messages import (
    Change,
    DatasetList,
    DatasetSummary,
    EndpointList,
    ModelList,
    ModelSummary,
    News,
    PipelineList,
    Place,
)
from mlnb.ui.server.paging import Columns
from mlnb.ui.server.pipelines import listed
from mlnb.ui.server.place import place
from mlnb.ui.server.routing import Route
from mlnb.ui.server.sources import Source

AT_ONCE = 100
MOMENT = 1.0
"""Seconds after which an endpoint may be doing something else, which no event says."""
METRICS_SHOWN = 3

DATASETS: Columns[DatasetVersion] = Columns(
    orders={
        "name": lambda version: version.name.lower(),
        "-created": lambda version: version.created,
        "rows": lambda version: version.rows,
        "bytes": lambda version: version.bytes,
    },
    words=lambda version: (
        version.name,
        version.message,
        version.author,
        version.kind,
        *version.tags,
        *(column.name for column in version.columns),
    ),
    values=lambda version: {
        "rows": version.rows,
        "bytes": version.bytes,
        "version": version.number,
        "columns": len(version.columns),
    },
)
MODELS: Columns[ModelVersion] = Columns(
    orders={
        "name": lambda version: (version.name.lower(), -version.number),
        "-created": lambda version: version.created,
    },
    words=lambda version: (
        version.name,
        version.description,
        version.flavor,
        version.author,
        f"gate {version.gate}",
        *version.aliases,
        *version.data,
    ),
    values=lambda version: {**version.metrics, "version": version.number},
)
ENDPOINTS: Columns[EndpointStatus] = Columns(
    orders={
        "name": lambda endpoint: endpoint.name.lower(),
        "status": lambda endpoint: endpoint.status,
        "requests": lambda endpoint: endpoint.requests,
    },
    words=lambda endpoint: (
        endpoint.name,
        endpoint.status,
        endpoint.model,
        endpoint.url,
        *(part.model for part in endpoint.parts),
    ),
    values=lambda endpoint: {"requests": endpoint.requests, "errors": endpoint.errors},
)
PIPELINES: Columns[PipelineProgress] = Columns(
    orders={
        "-started": lambda run: run.started,
        "name": lambda run: run.pipeline.lower(),
        "status": lambda run: run.status,
        "duration": lambda run: run.ended - run.started if run.ended else None,
    },
    words=lambda run: (
        run.pipeline,
        run.id,
        run.status,
        run.error,
        *(step.name for step in run.steps),
    ),
    values=lambda run: run.parameters,
)


def runs(
    source: Source, *, query: str = "", order: str = "", offset: int = 0, limit: int = AT_ONCE
) -> RunList:
    """List runs, the latest first; ordered by started, name, status, duration or metrics.NAME."""
    from mlnb.tracking.reading.browsing import browse

    if source.untouched:
        return RunList(items=[], offset=offset, total=0)
    return browse(query, order=order, offset=offset, limit=limit)


def datasets(
    source: Source, *, query: str = "", order: str = "", offset: int = 0, limit: int = AT_ONCE
) -> DatasetList:
    """List the newest version of every dataset; ordered by name, created, rows or bytes."""
    from mlnb.datasets import latest

    def read() -> Sequence[DatasetVersion]:
        return [] if source.untouched else latest()

    every = source.kept.get("datasets", source.feed.revision_of("datasets"), read)
    found, total = DATASETS.page(every, query, order, offset, limit)
    return DatasetList(items=[_dataset(item) for item in found], offset=offset, total=total)


def _dataset(version: DatasetVersion) -> DatasetSummary:
    return DatasetSummary(
        name=version.name,
        number=version.number,
        kind=version.kind,
        rows=version.rows,
        columns=len(version.columns),
        bytes=version.bytes,
        message=version.message,
        author=version.author,
        created=version.created,
        tags=version.tags,
    )


def models(
    source: Source, *, query: str = "", order: str = "", offset: int = 0, limit: int = AT_ONCE
) -> ModelList:
    """List the newest version of every model, and its champion; ordered by name or created."""
    from mlnb.tracking.models import list_models

    def read() -> Sequence[ModelVersion]:
        return [] if source.untouched else list_models()

    every = source.kept.get("models", source.feed.revision_of("models"), read)
    found, total = MODELS.page(every, query, order, offset, limit)
    return ModelList(items=[_model(item) for item in found], offset=offset, total=total)


def _model(version: ModelVersion) -> ModelSummary:
    return ModelSummary(
        name=version.name,
        number=version.number,
        aliases=version.aliases,
        created=version.created,
        description=version.description,
        gate=version.gate,
        metrics={name: version.metrics[name] for name in sorted(version.metrics)[:METRICS_SHOWN]},
    )


def endpoints(
    source: Source, *, query: str = "", order: str = "", offset: int = 0, limit: int = AT_ONCE
) -> EndpointList:
    """List endpoints and what they are doing now; ordered by name, status or requests."""
    from mlnb.serving import list_endpoints

    def read() -> Sequence[EndpointStatus]:
        return [] if source.untouched else list_endpoints()

    state = source.feed.revision_of("endpoints")
    every = source.kept.get("endpoints", state, read, seconds=MOMENT)
    found, total = ENDPOINTS.page(every, query, order, offset, limit)
    return EndpointList(items=found, offset=offset, total=total)


def pipelines(
    source: Source, *, query: str = "", order: str = "", offset: int = 0, limit: int = AT_ONCE
) -> PipelineList:
    """List pipeline runs, the latest first; ordered by started, name, status or duration."""
    found, total = PIPELINES.page(listed(source), query, order, offset, limit)
    return PipelineList(items=found, offset=offset, total=total)


def changes(source: Source, *, seen: int = 0) -> News:
    """Say what has changed after a revision; for who may have missed what was pushed."""
    found: Change = source.feed.since(seen)
    return News(project=place(source), change=found)


def project(source: Source) -> Place:
    """Say which project is shown and where its files are in the file browser."""
    return place(source)


ROUTES = (
    Route("GET", "/project", project, anywhere=True),
    Route("GET", "/changes", changes, anywhere=True),
    Route("GET", "/runs", runs, anywhere=True),
    Route("GET", "/datasets", datasets, anywhere=True),
    Route("GET", "/models", models, anywhere=True),
    Route("GET", "/endpoints", endpoints, anywhere=True),
    Route("GET", "/pipelines", pipelines, anywhere=True),
)
