"""A request and an answer, as the handlers of an endpoint's routes see them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from mlnb.core.errors import MlnbError

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
    fault: MlnbError | None = None
    """Why it is refused, although who sends it hears so only if they may know: a body too large."""
    keep: bool = True
    """Whether the connection goes on after the answer."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    body: bytes
    media: str = "application/json"
    headers: Sequence[tuple[bytes, bytes]] = field(default=())
    relayed: bool = False
    """Whether somebody else made it, and has said so in its headers."""

    def foreign(self, *, closes: bool) -> "Response":
        """Return it as somebody else's answer, after which the connection may end."""
        extra = [(b"connection", b"close")] if closes else []
        return replace(self, headers=[*self.headers, *extra], relayed=True)
