"""What an endpoint speaks: each module adds its routes to the table.

A new protocol is a module with ``routes(served) -> list[Route]``, named in `SURFACES`.
"""

from typing import Any

from mlnb.core.errors import MlnbError
from mlnb.serving.casting import Schema
from mlnb.serving.protocols import mlflow, openapi, sagemaker, v2
from mlnb.serving.routes import Route, Served, Surface

SURFACES: tuple[Surface, ...] = (mlflow.routes, openapi.routes, v2.routes, sagemaker.routes)


def routes(served: Served) -> list[Route]:
    """Return every route of an endpoint; the handlers are bound to what it serves."""
    return [route for surface in SURFACES for route in surface(served)]


def all_routes(served: Served) -> list[Route]:
    """Return every route of an endpoint, with the one that its app adds."""
    return [*routes(served), Route("GET", "/metrics")]


def documented() -> list[Route]:
    """Return the routes with ``{model}`` and ``{version}`` in their paths, for the reference."""
    return all_routes(Served("{endpoint}", 0, "{model}@{version}", Schema(())))


def refusal(error: MlnbError, path: str) -> dict[str, Any]:
    """Return an error as the protocol of a path words it."""
    return v2.refusal(error) if path.startswith("/v2") else error.to_dict()
