"""Who answers in a worker's place: a canary its share, a successor what comes late.

Usually the app itself does, and then this costs nothing: the hooks are empty. While there is a
canary, its share goes to its workers (and comes back to the app if nobody answers there); while
there is a shadow, it gets a copy after the answer was sent; and a worker that is replaced passes
late requests on to its successor.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from mlnb.core.errors import EndpointUnavailable
from mlnb.serving.app import App, Forward
from mlnb.serving.forwarding import Hop, HopFailed
from mlnb.serving.messages import Request, Response
from mlnb.serving.routing import Route, Way, chosen

Failed = Callable[[str, int, int, int], None]
"""Notes that a release did not answer: request id, arrival (µs), HTTP status, release."""

TRIES = 20
"""Times that a successor is asked; its workers may have just been killed."""
SHADOW_LOAD = 64
"""Copies that a shadow has not answered, above which it gets none."""
HOP_SECONDS = 30.0
_logger = logging.getLogger("mlnb.serving")


class Gateway:
    """Sets the hooks of a worker's app; used by one event loop.

    Parameters
    ----------
    app : App
        Answers for this release.
    failed : callable
        Notes requests that another release left unanswered.
    """

    def __init__(self, app: App, failed: Failed) -> None:
        self._app = app
        self._failed = failed
        self._canary: tuple[Way, Hop] | None = None
        self._shadow: tuple[Way, Hop] | None = None
        self._successor: Hop | None = None
        self._own: set[int] = set()
        """Requests that the canary did not answer, and so the app itself has to."""
        self._copies: set[asyncio.Task[None]] = set()
        self.dropped = 0
        """Copies that a shadow did not get because it was behind."""

    def follow(self, route: Route) -> None:
        """Send requests along a route from now on."""
        self._canary = _way(self._canary, route.canary)
        self._shadow = _way(self._shadow, route.shadow)
        self._app.split = self._split if self._canary else None
        self._app.shadow = self._copy if self._shadow else None

    def succeed(self, gate: str) -> None:
        """Pass everything on to the workers of another release from now on."""
        self._successor = Hop(gate)
        self._canary = self._shadow = None
        self._app.split = self._app.shadow = None
        self._app.forward = self._late

    async def _late(self, request: Request) -> Response:
        for attempt in range(TRIES):
            hop = self._successor
            if hop is None:
                break
            try:
                return await hop.ask(request)
            except HopFailed as error:
                if attempt == TRIES - 1:
                    _logger.error("a late request could not be passed on: %s", error)
                await asyncio.sleep(0.05 * (attempt + 1))
        name = self._app.service.endpoint
        raise EndpointUnavailable(name, "the release that takes over does not answer")

    def _split(self, request: Request) -> Forward | None:
        canary = self._canary
        if canary is None or id(request) in self._own:
            return None
        return self._tried if chosen(canary[0], request) else None

    async def _tried(self, request: Request) -> Response:
        """Ask the canary; what it leaves unanswered the app answers itself."""
        canary = self._canary
        request.headers[b"x-request-id"] = request.id.encode()  # the same for whoever answers
        if canary is not None:
            way, hop = canary
            try:
                response = await hop.ask(request, HOP_SECONDS)
            except HopFailed as error:
                _logger.warning("release %d did not answer: %s", way.release, error)
                self._failed(request.id, request.at, 502, way.release)
            else:
                self._copy(request, response)
                return response
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._own.add(id(request))
        try:
            self._app.handle(request, answered.set_result)
            response = await answered
        finally:
            self._own.discard(id(request))
        if response.relayed:  # this release was replaced meanwhile
            return response
        return replace(response, headers=[*response.headers, *self._app.own_headers])

    def _copy(self, request: Request, _response: Response) -> None:
        """Let the shadow have a copy, now that the client has its answer."""
        if self._shadow is None:
            return
        if len(self._copies) >= SHADOW_LOAD:
            self.dropped += 1
            return
        request.headers[b"x-request-id"] = request.id.encode()
        task = asyncio.create_task(self._copied(self._shadow[1], request))
        self._copies.add(task)
        task.add_done_callback(self._copies.discard)

    async def _copied(self, hop: Hop, request: Request) -> None:
        try:
            await hop.ask(request, HOP_SECONDS)
        except HopFailed:
            self.dropped += 1


def _way(known: tuple[Way, Hop] | None, way: Way | None) -> tuple[Way, Hop] | None:
    if way is None:
        return None  # what is under way comes to its end by itself
    if known is not None and known[1].gate == way.gate:
        return way, known[1]
    return way, Hop(way.gate, way.lanes)
