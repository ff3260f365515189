"""Requests between the workers of one endpoint, over a Unix socket: the answering side.

What comes in is answered by the same app that answers clients (see `mlnb.serving.forwarding` for
the frames).
"""

import asyncio
from functools import partial
from typing import Any

from mlnb.serving.app import App
from mlnb.serving.forwarding import HELLO, Frames, octets, packed, texts
from mlnb.serving.messages import Request, Response


class Gate:
    """Answers other workers; used by one event loop.

    Parameters
    ----------
    app : App
        Answers.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._server: asyncio.AbstractServer | None = None
        self._open: set[_Visitor] = set()

    async def open(self, listener: Any) -> None:
        """Accept on a listening socket."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_unix_server(
            lambda: _Visitor(self._app, self._open), sock=listener
        )

    def leave(self) -> None:
        """Accept no more; connections go on until `close`."""
        if self._server is not None:
            self._server.close()
            self._server = None

    @property
    def busy(self) -> bool:
        """Tell whether something is being answered."""
        return any(visitor.running for visitor in self._open)

    def close(self) -> None:
        """Close the connections; who asks finds the successor."""
        self.leave()
        for visitor in list(self._open):
            visitor.transport.close()


class _Visitor(Frames):
    """One connection of another worker."""

    def __init__(self, app: App, everybody: set["_Visitor"]) -> None:
        super().__init__()
        self._app = app
        self._everybody = everybody
        self.running = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say that somebody is here."""
        super().connection_made(transport)
        self._everybody.add(self)
        self.transport.write(HELLO)

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget it."""
        self._everybody.discard(self)

    def handle(self, header: dict[str, Any], body: bytes) -> None:
        """Have a request answered."""
        request = Request(
            header["method"],
            header["path"],
            header["query"].encode("latin-1"),
            dict(octets(header["headers"])),
            body,
        )
        self.running += 1
        self._app.handle(request, partial(self._answer, header["n"], request))

    def _answer(self, number: int, request: Request, response: Response) -> None:
        self.running -= 1
        if self.transport.is_closing():
            return  # whoever asked is gone
        own = () if response.relayed else self._app.own_headers
        header = {
            "n": number,
            "id": request.id,
            "status": response.status,
            "media": response.media,
            "headers": texts([*response.headers, *own]),
        }
        self.transport.write(packed(header, response.body))
