"""Requests between the workers of one endpoint, over a Unix socket: the asking side.

A canary's share, a shadow's copies and what arrives late at a worker that is being replaced go
this way (the answering side is `mlnb.serving.gate`). One connection carries many requests at a
time. A frame is two lengths (4 bytes each, big endian: header, body), a JSON header and the body.
"""

import asyncio
import struct
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from mlnb.core.extras import require
from mlnb.serving.messages import Request, Response

Headers = Sequence[tuple[bytes, bytes]]
LENGTHS = struct.Struct("!II")
HELLO = b"mlnb\n"
"""Said by a worker that accepts: a socket with no worker behind it accepts connections, too."""
PATIENCE = 1.0
"""Seconds until somebody has to say hello."""
AGAIN = 0.5
"""Seconds until a lane that failed is tried again."""
ANSWER = 60.0
"""Seconds that an answer may take."""

_HOP = frozenset({b"connection", b"keep-alive", b"transfer-encoding", b"content-length"})


class HopFailed(Exception):
    """Nobody answered on the other side."""


def packed(header: dict[str, Any], body: bytes) -> bytes:
    """Return a frame."""
    text: bytes = require("orjson", "serving").dumps(header)
    return LENGTHS.pack(len(text), len(body)) + text + body


def texts(headers: Headers) -> list[tuple[str, str]]:
    """Return headers as JSON takes them."""
    return [(key.decode("latin-1"), value.decode("latin-1")) for key, value in headers]


def octets(headers: Sequence[Sequence[str]]) -> Headers:
    """Return headers as HTTP takes them."""
    return [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers]


class Frames(asyncio.Protocol, ABC):
    """Cuts a stream into frames; used by one event loop."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._loads = require("orjson", "serving").loads
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where to write."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what has come, and handle every frame that is complete."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= LENGTHS.size:
            header, body = LENGTHS.unpack_from(buffer)
            end = LENGTHS.size + header + body
            if len(buffer) < end:
                return
            split = LENGTHS.size + header
            found = self._loads(bytes(buffer[LENGTHS.size : split]))
            content = bytes(buffer[split:end])
            del buffer[:end]
            self.handle(found, content)

    @abstractmethod
    def handle(self, header: dict[str, Any], body: bytes) -> None:
        """Take one frame."""


class _Lane(Frames):
    """One connection."""

    def __init__(self) -> None:
        super().__init__()
        self.greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hello = b""
        self._waiting: dict[int, asyncio.Future[Response]] = {}
        self._number = 0
        self.open = True

    def data_received(self, data: bytes) -> None:
        """Wait for the word that somebody is there, then take frames."""
        missing = len(HELLO) - len(self._hello)
        if missing:
            self._hello += data[:missing]
            data = data[missing:]
            if len(self._hello) == len(HELLO) and not self.greeted.done():
                self.greeted.set_result(None)
        super().data_received(data)

    def handle(self, header: dict[str, Any], body: bytes) -> None:
        """Hand an answer to who waits for it."""
        waiting = self._waiting.pop(header["n"], None)
        if waiting is not None and not waiting.done():
            headers = octets(header["headers"])
            response = Response(header["status"], body, header["media"], headers, relayed=True)
            waiting.set_result(response)

    def connection_lost(self, error: Exception | None) -> None:
        """Tell everybody who waits."""
        self.open = False
        failure = HopFailed(f"the connection broke ({error or 'closed'})")
        awaited: list[asyncio.Future[Any]] = [*self._waiting.values(), self.greeted]
        for waiting in awaited:
            if not waiting.done():
                waiting.set_exception(failure)
                waiting.exception()  # some are not waited for: a shadow's
        self._waiting.clear()

    def send(self, request: Request) -> "asyncio.Future[Response]":
        """Send a request; the answer comes by the future."""
        self._number += 1
        kept = [(key, value) for key, value in request.headers.items() if key not in _HOP]
        header = {
            "n": self._number,
            "method": request.method,
            "path": request.path,
            "query": request.query.decode("latin-1"),
            "headers": texts(kept),
        }
        future: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = future
        self.transport.write(packed(header, request.body))
        return future


class Hop:
    """The way to the workers of one release; used by one event loop.

    Parameters
    ----------
    gate : str
        Path of their Unix socket.
    lanes : int
        Connections, of which each lands at a worker: about as many as there are workers.
    """

    def __init__(self, gate: str, lanes: int = 1) -> None:
        self.gate = gate
        self._lanes: list[_Lane | None] = [None] * max(1, lanes)
        self._locks = [asyncio.Lock() for _ in self._lanes]
        self._next = 0
        self._closed_until = 0.0

    async def ask(self, request: Request, seconds: float = ANSWER) -> Response:
        """Return the answer.

        Raises
        ------
        HopFailed
            If there is none, and so none was sent to the client either.
        """
        if asyncio.get_running_loop().time() < self._closed_until:
            raise HopFailed("nobody was there a moment ago")
        lane = await self._lane()
        try:
            return await asyncio.wait_for(lane.send(request), seconds)
        except TimeoutError:
            raise HopFailed(f"no answer within {seconds:g} s") from None

    async def _lane(self) -> _Lane:
        self._next = (self._next + 1) % len(self._lanes)
        position = self._next
        lane = self._lanes[position]
        if lane is not None and lane.open:
            return lane
        async with self._locks[position]:
            lane = self._lanes[position]
            if lane is None or not lane.open:
                lane = self._lanes[position] = await self._connected()
            return lane

    async def _connected(self) -> _Lane:
        loop = asyncio.get_running_loop()
        transport = None
        try:
            async with asyncio.timeout(PATIENCE):
                transport, lane = await loop.create_unix_connection(_Lane, self.gate)
                await lane.greeted
                return lane
        except (OSError, TimeoutError, HopFailed) as error:
            if transport is not None:
                transport.abort()
            self._closed_until = loop.time() + AGAIN
            raise HopFailed(f"nobody is there ({error or 'no word'})") from None

    def close(self) -> None:
        """Close the connections; what is awaited fails."""
        for lane in self._lanes:
            if lane is not None and lane.open:
                lane.transport.close()
