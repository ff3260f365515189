"""A request and an answer, as the handlers of an endpoint's routes see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

Reply = Callable[["Response"], None]
"""Sends an answer; called once per request."""


@dataclass(slots=True)
class Request:
    """One request, read to its end."""

    method: str
    path: str
    """Without the query, as it was sent."""
    query: bytes
    headers: dict[bytes, bytes]
    """Names in lower case."""
    body: bytes = b""
    id: str = ""
    """The client's ``X-Request-Id``, or one of our own."""
    at: int = 0
    """Arrival, microseconds since the epoch."""
    rows: int = 0
    """Rows predicted, once they are."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    body: bytes
    media: str = "application/json"
    headers: Sequence[tuple[bytes, bytes]] = field(default=())
