"""The routing table: which request is answered by what.

A route answers by itself (``answer``), or it is an `Exchange`: it reads rows from a request, the
app has them predicted (together with those of other requests), and it writes the answer.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mlnb.serving.batches import Batch
from mlnb.serving.casting import Schema
from mlnb.serving.messages import Request, Response


@dataclass(frozen=True)
class Served:
    """What an endpoint serves, for routes that describe it or have its name in their path."""

    endpoint: str
    release: int
    model: str
    """``name@number``."""
    schema: Schema
    facts: Mapping[str, Any] = field(default_factory=dict)
    """Of the package: what a description of the endpoint may say."""

    @property
    def name(self) -> str:
        """Return the model's name."""
        return self.model.rpartition("@")[0] or self.model

    @property
    def number(self) -> str:
        """Return the model's version number."""
        return self.model.rpartition("@")[2]


@dataclass(slots=True)
class Answer:
    """What the model said to one request."""

    batch: Batch
    predictions: Any
    """One per row: a list, or an array of numbers."""
    scores: Any
    """Likewise, or None when the model has none."""


class Exchange(Protocol):
    """How one protocol carries rows and predictions; used by one event loop, keeps no state."""

    def read(self, request: Request, schema: Schema) -> Batch:
        """Read the rows; raises BadInput (SignatureMismatch) when they are not in order."""

    def write(self, request: Request, answer: Answer) -> Response:
        """Write the answer."""


@dataclass(frozen=True)
class Route:
    """One path and method."""

    method: str
    """``GET`` answers ``HEAD``, too."""
    path: str
    """Compared as it is: no patterns."""
    answer: Callable[[Request], Response | Awaitable[Response]] | None = None
    exchange: Exchange | None = None
    open: bool = False
    """Whether it asks for no token."""


Surface = Callable[[Served], Sequence[Route]]


class Table:
    """Routes by path.

    Parameters
    ----------
    routes : sequence of Route
        The first of two with the same path and method counts.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes: dict[str, dict[str, Route]] = {}
        for route in routes:
            methods = self._routes.setdefault(route.path, {})
            methods.setdefault(route.method, route)
            if route.method == "GET":
                methods.setdefault("HEAD", route)

    def at(self, path: str) -> Mapping[str, Route] | None:
        """Return the routes of a path by method; None if there is no such path."""
        return self._routes.get(path)

    @property
    def paths(self) -> list[str]:
        """Return all paths."""
        return list(self._routes)
