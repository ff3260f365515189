"""The HTTP/1.1 server of a worker: httptools reads requests, uvloop moves bytes, no task each.

A request is handed on as soon as its last byte is there, in the same turn of the event loop, and
its answer is one write; that is what makes it several times as fast as a general server (decision
0028). What a hostile or slow client may do is bounded by `Limits`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import httptools

from mlnb.core.errors import RequestTooLarge
from mlnb.serving.messages import Request, Response
from mlnb.serving.sockets import BACKLOG

Handle = Callable[[Request, Callable[[Response], None]], None]
"""Answers a request by calling back, at once or later; never raises."""

MOST_HEADERS = 100
PIPELINED = 16
"""Requests of one connection that may wait for their turn."""
_OURS = frozenset({b"connection", b"content-length", b"content-type", b"date"})
"""Headers that the server writes itself."""
_STATUSES = frozenset(status.value for status in HTTPStatus)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Limits:
    """What a client may ask of a connection."""

    body: int = 64 * 1024 * 1024
    """Bytes; up to four times as many are read, so that the client gets to see the refusal."""
    head: int = 64 * 1024
    """Bytes of the request line and headers together."""
    idle: float = 20.0
    """Seconds a connection stays open without a request."""
    pause: float = 10.0
    """Seconds between two pieces of a request."""
    whole: float = 300.0
    """Seconds that sending a request may take."""
    unread: float = 30.0
    """Seconds that a client may leave an answer unread."""


class HttpServer:
    """Serves one handler on listening sockets; used by one event loop.

    Parameters
    ----------
    handle : callable
        Answers requests.
    own : sequence of (bytes, bytes)
        Headers of every answer that was not relayed.
    limits : Limits
        Of each connection.
    """

    def __init__(
        self,
        handle: Handle,
        own: tuple[tuple[bytes, bytes], ...] = (),
        limits: Limits | None = None,
    ) -> None:
        self.handle = handle
        self.limits = limits or Limits()
        self.connections: set[Connection] = set()
        self.leaving = False
        """Whether connections end after the request they are at."""
        self._own = b"".join(b"%s: %s\r\n" % pair for pair in own)
        self._heads: dict[tuple[int, str, bool], bytes] = {}
        self._servers: list[asyncio.AbstractServer] = []
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self, listener: Any) -> None:
        """Accept on a listening socket."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), sock=listener, backlog=BACKLOG)
        self._servers.append(server)
        if self._sweeper is None:
            self._sweeper = loop.create_task(self._sweep())

    def leave_socket(self) -> None:
        """Stop accepting in this process; the socket stays open in the others."""
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def connections_closed(self, seconds: float) -> None:
        """Wait until every connection is closed, or the time is up."""
        end = time.monotonic() + seconds
        while self.connections and time.monotonic() < end:
            await asyncio.sleep(0.02)

    async def stop(self, grace: float) -> None:
        """Stop accepting, let running requests finish for a while, and close everything."""
        self.leave_socket()
        self.leaving = True
        for connection in list(self.connections):
            connection.leave()
        await self.connections_closed(grace)
        for connection in list(self.connections):
            connection.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()

    def answer(self, request: Request, response: Response, *, close: bool) -> bytes:
        """Return an answer's bytes."""
        kind = (response.status, response.media, response.relayed)
        head = self._heads.get(kind) or self._head(kind)
        length = len(response.body)
        more = b""
        named = False
        for name, value in response.headers:
            named = named or name == b"x-request-id"
            if name not in _OURS:
                more += b"%b: %b\r\n" % (name, value)
        if not named:
            more += b"x-request-id: %b\r\n" % request.id.encode()
        if close:
            more += b"connection: close\r\n"
        body = response.body if request.method != "HEAD" else b""
        return b"%b%bcontent-length: %d\r\n\r\n%b" % (head, more, length, body)

    def _head(self, kind: tuple[int, str, bool]) -> bytes:
        """Return the first lines of an answer; the same for a second, so they are kept."""
        status, media, relayed = kind
        phrase = HTTPStatus(status).phrase if status in _STATUSES else "Unknown"
        date = formatdate(usegmt=True)
        lines = f"HTTP/1.1 {status} {phrase}\r\ndate: {date}\r\ncontent-type: {media}\r\n"
        found = self._heads[kind] = lines.encode("latin-1") + (b"" if relayed else self._own)
        return found

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1)
            self._heads.clear()  # the date is another
            now = time.monotonic()
            for connection in list(self.connections):
                connection.check(now)


class Connection(asyncio.Protocol):
    """One client; its requests are answered one after the other."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._limits = server.limits
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._current: Request | None = None
        """What is being answered."""
        self._waiting: deque[Request] = deque()
        self._url = b""
        self._headers: dict[bytes, bytes] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._fed = 0
        """Bytes of the head so far."""
        self._in_head = True
        self._begun = 0.0
        """When the first byte of an unfinished request came; 0 between requests."""
        self._last = 0.0
        """When the last byte came, or the last answer went."""
        self._blocked = 0.0
        """Since when the client leaves an answer unread."""
        self._deaf = False
        """Whether nothing more is read: the connection ends after what it is at."""

    # -- the transport's side --------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport = transport
        self._last = time.monotonic()
        self._server.connections.add(self)

    def connection_lost(self, _error: Exception | None) -> None:
        """End; an answer that comes later is dropped."""
        self._server.connections.discard(self)
        self._deaf = True
        self._waiting.clear()

    def eof_received(self) -> bool:
        """Answer what was asked before the client stopped sending."""
        return self._hears_last()

    def _hears_last(self) -> bool:
        """Read no more, and end after the last request that is here; False if there is none."""
        last = self._waiting[-1] if self._waiting else self._current
        if last is None:
            return False
        last.keep = False
        self._deaf = True
        return True

    def pause_writing(self) -> None:
        """Note that the client does not read."""
        self._blocked = time.monotonic()

    def resume_writing(self) -> None:
        """Go on."""
        self._blocked = 0.0
        self._next()

    def data_received(self, data: bytes) -> None:
        """Read."""
        if self._deaf:
            return
        self._last = time.monotonic()
        if not self._begun:
            self._begun = self._last
        if self._in_head:
            self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._hears_last()  # answered as if it had not asked, and closed
        except httptools.HttpParserError:
            self._refuse(400, "The request is no valid HTTP.")
        else:
            if self._in_head and self._fed > self._limits.head + len(data):
                self._refuse(431, "The request's headers are too large.")
        self._next()

    # -- the parser's side -----------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._url, self._headers, self._body = b"", {}, []
        self._size, self._in_head = 0, True
        if not self._begun:
            self._begun = self._last

    def on_url(self, url: bytes) -> None:
        """Take the target, or a part of it."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; several of one name become one."""
        name = name.lower()
        known = self._headers.get(name)
        self._headers[name] = value if known is None else known + b", " + value

    def on_headers_complete(self) -> None:
        """See whether the body may come."""
        self._in_head = False
        if len(self._headers) > MOST_HEADERS or len(self._url) > self._limits.head:
            self._refuse(431, "The request has too many headers.")
            return
        expected = self._headers.get(b"content-length")
        if expected is not None and int(expected) > 4 * self._limits.body:
            self._too_large()
        elif b"expect" in self._headers and not self._waiting and self._current is None:
            self._transport.write(_CONTINUE)

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body; what is over the limit is dropped."""
        self._size += len(body)
        if self._size <= self._limits.body:
            self._body.append(body)
        elif self._size > 4 * self._limits.body and not self._deaf:
            self._too_large()

    def on_message_complete(self) -> None:
        """Hand the request on."""
        self._fed, self._begun = 0, 0.0
        if self._deaf:
            return
        request = self._request()
        request.keep = self._parser.should_keep_alive()
        if self._size > self._limits.body:
            request.fault = RequestTooLarge(self._limits.body)
        else:
            request.body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._in_head = True
        self._waiting.append(request)
        if len(self._waiting) > PIPELINED:
            self._transport.pause_reading()

    def _request(self) -> Request:
        url, _, query = self._url.partition(b"?")
        if not url.startswith(b"/") and b"://" in url:
            url = b"/" + url.partition(b"://")[2].partition(b"/")[2]
        path = url.decode("latin-1")
        return Request(
            self._parser.get_method().decode("latin-1"),
            unquote(path) if "%" in path else path,
            query,
            self._headers,
        )

    def _too_large(self) -> None:
        """Answer without waiting for the end, which may be far."""
        request = self._request()
        request.fault, request.keep = RequestTooLarge(self._limits.body), False
        self._deaf = True
        self._waiting.append(request)

    # -- answers ---------------------------------------------------------------------------------

    def _next(self) -> None:
        """Have the next request answered, if none is and the client reads."""
        while self._current is None and self._waiting and not self._blocked:
            request = self._current = self._waiting.popleft()
            if len(self._waiting) == PIPELINED:
                self._transport.resume_reading()
            self._server.handle(request, self._reply)

    def _reply(self, response: Response) -> None:
        request, self._current = self._current, None
        if request is None or self._transport.is_closing():
            return
        close = not request.keep or self._server.leaving
        close = close or (b"connection", b"close") in response.headers
        self._transport.write(self._server.answer(request, response, close=close))
        self._last = time.monotonic()
        if close:
            self._end()
        elif self._waiting:
            asyncio.get_running_loop().call_soon(self._next)

    def _refuse(self, status: int, message: str) -> None:
        """Answer what is no request; behind good ones, the connection just ends after them."""
        if self._deaf or self._hears_last():
            return
        body = b'{"error":"BadRequest","message":"%b","fix":""}' % message.encode()
        request = Request("GET", "", b"", {}, keep=False)
        self._transport.write(self._server.answer(request, Response(status, body), close=True))
        self._end()

    def _end(self) -> None:
        """Say goodbye; a client that is still sending gets a moment to read the answer."""
        sending = self._deaf or self._begun
        self._deaf = True
        self._waiting.clear()
        if sending and self._transport.can_write_eof():
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(1.0, self._transport.abort)
        else:
            self._transport.close()

    # -- time ------------------------------------------------------------------------------------

    def check(self, now: float) -> None:
        """Close the connection if the client has been slow, or idle."""
        limits = self._limits
        if self._blocked and now - self._blocked > limits.unread:
            self.abort()
        elif self._current is not None or self._deaf:
            return
        elif self._begun:
            if now - self._last > limits.pause or now - self._begun > limits.whole:
                self._refuse(408, "The request did not come in time.")
        elif now - self._last > limits.idle:
            self._transport.close()

    def leave(self) -> None:
        """Close now, or after the request that is being answered."""
        if self._current is None and not self._waiting:
            self._transport.close()

    def abort(self) -> None:
        """Close without a word."""
        self._transport.abort()


def event_loop() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes the event loop that serves: uvloop's where there is one."""
    try:
        import uvloop
    except ImportError:  # Windows
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
