"""The table of routes, one module per part of the panel."""

from mlnb.ui.server.routes import (
    datasets,
    endpoints,
    jobs,
    lineage,
    lists,
    models,
    notebooks,
    openapi,
    pipelines,
    runs,
)
from mlnb.ui.server.routing import Route

ROUTES: tuple[Route, ...] = (
    *lists.ROUTES,
    *runs.ROUTES,
    *datasets.ROUTES,
    *models.ROUTES,
    *endpoints.ROUTES,
    *lineage.ROUTES,
    *jobs.ROUTES,
    *pipelines.ROUTES,
    *notebooks.ROUTES,
    *openapi.ROUTES,
)
"""All routes; what it lists is what there is."""
