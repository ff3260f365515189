"""What an endpoint speaks: each module adds its routes to the table.

A new protocol is a module with ``routes(served) -> list[Route]``, named in `SURFACES`.
"""

from mlnb.serving.casting import Schema
from mlnb.serving.protocols import mlflow
from mlnb.serving.routes import Route, Served, Surface

SURFACES: tuple[Surface, ...] = (mlflow.routes,)


def routes(served: Served) -> list[Route]:
    """Return every route of an endpoint; the handlers are bound to what it serves."""
    return [route for surface in SURFACES for route in surface(served)]


def documented() -> list[Route]:
    """Return the routes with ``{model}`` and ``{version}`` in their paths, for the reference."""
    served = Served("{endpoint}", 0, "{model}@{version}", Schema(()))
    return [*routes(served), Route("GET", "/metrics")]
