"""The server in this process, asked over real connections."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mlnb.core.errors import RequestTooLarge
from mlnb.serving.http import HttpServer, Limits, event_loop
from mlnb.serving.messages import Request, Response

Reply = Callable[[Response], None]


def echo(request: Request, reply: Reply) -> None:
    """Say what was asked; what begins with /late is answered in the next turns."""
    status = 413 if isinstance(request.fault, RequestTooLarge) else 200
    words = b" ".join([request.method.encode(), request.path.encode(), request.query, request.body])
    answer = Response(status, words, "text/plain")
    if request.path.startswith("/late"):
        asyncio.get_running_loop().call_later(0.02, reply, answer)
    else:
        reply(answer)


def serving(
    work: Callable[[HttpServer, int], Awaitable[Any]],
    handle: Any = echo,
    limits: Limits | None = None,
) -> Any:
    async def run() -> Any:
        listener = socket.create_server(("127.0.0.1", 0))
        server = HttpServer(handle, ((b"x-own", b"1"),), limits)
        await server.start(listener)
        try:
            return await asyncio.wait_for(work(server, listener.getsockname()[1]), 20)
        finally:
            await server.stop(0.1)

    with asyncio.Runner(loop_factory=event_loop()) as runner:
        return runner.run(run())


def said(sent: bytes, limits: Limits | None = None, *, close: bool = True) -> bytes:
    """Return everything the server says to some bytes, until it hangs up or we do."""

    async def work(_server: HttpServer, port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        if close:
            await asyncio.sleep(0.15)
            writer.write_eof()
        data = await reader.read()
        writer.close()
        return data

    found: bytes = serving(work, limits=limits)
    return found


GET = b"GET /a?b=1 HTTP/1.1\r\nHost: x\r\n\r\n"


def test_an_answer_has_its_headers() -> None:
    head, _, body = said(GET).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    names = {line.split(b": ")[0] for line in lines[1:]}
    assert names == {b"date", b"content-type", b"x-own", b"x-request-id", b"content-length"}
    assert body == b"GET /a b=1 "


def test_pipelined_requests_are_answered_in_their_order() -> None:
    late = GET.replace(b"/a", b"/late")
    found = said(late + GET + late)
    assert [part.split(b" b=1")[0] for part in found.split(b"\r\n\r\n")[1:]] == [
        b"GET /late",
        b"GET /a",
        b"GET /late",
    ]


def test_many_pipelined_requests_are_all_answered() -> None:
    assert said(GET * 100).count(b"HTTP/1.1 200") == 100


def test_a_body_may_come_in_pieces_and_chunks() -> None:
    async def work(_server: HttpServer, port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        request = (
            b"POST /a HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )
        for byte in request:
            writer.write(bytes([byte]))
            await asyncio.sleep(0)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200")
        body = await reader.readexactly(len(b"POST /a  abcde"))
        writer.close()
        return body

    assert serving(work) == b"POST /a  abcde"


def test_head_has_no_body() -> None:
    found = said(GET.replace(b"GET", b"HEAD"))
    assert b"content-length: 12" in found
    assert found.endswith(b"\r\n\r\n")


def test_who_asks_whether_to_send_is_told_to() -> None:
    sent = b"POST /a HTTP/1.1\r\nExpect: 100-continue\r\ncontent-length: 2\r\n\r\nhi"
    assert said(sent).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


@pytest.mark.parametrize(
    "sent",
    [
        GET.replace(b"Host: x", b"Connection: close"),
        GET.replace(b"1.1", b"1.0"),
        GET.replace(b"Host: x", b"Connection: Upgrade\r\nUpgrade: websocket"),
    ],
)
def test_who_wants_to_leave_is_answered_and_let_go(sent: bytes) -> None:
    found = said(sent + GET, close=False)
    assert found.count(b"HTTP/1.1 200") == 1
    assert b"connection: close" in found


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET /a HTTP/1.1\r\ncontent-length: two\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\n" + b"x: y\r\n" * 101 + b"\r\n", 200),  # one name
        (b"GET /a HTTP/1.1\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(101)) + b"\r\n", 431),
        (b"GET /" + b"a" * 200_000, 431),
        (b"GET / HTTP/1.1\r\nx: " + b"a" * 200_000, 431),
        (b"POST / HTTP/1.1\r\ncontent-length: 1000001\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\ncontent-length: 1500\r\n\r\n" + b"a" * 1500, 413),
        (
            b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
            + (b"400\r\n" + b"a" * 1024 + b"\r\n") * 100,
            413,
        ),
    ],
)
def test_what_is_no_request_is_one_refusal(sent: bytes, status: int) -> None:
    found = said(sent, Limits(body=1000))
    assert found.startswith(b"HTTP/1.1 %d " % status)
    assert found.count(b"HTTP/1.1") == 1


def test_a_body_that_is_too_large_does_not_end_the_connection_if_it_is_read() -> None:
    sent = b"POST / HTTP/1.1\r\ncontent-length: 1500\r\n\r\n" + b"a" * 1500
    found = said(sent + GET, Limits(body=1000))
    assert found.startswith(b"HTTP/1.1 413")
    assert b"HTTP/1.1 200 OK" in found


@pytest.mark.parametrize(
    ("sent", "answer"),
    [(b"", b""), (b"GET /a", b"HTTP/1.1 408"), (GET[:-2] + b"content-le", b"HTTP/1.1 408")],
)
def test_who_is_slow_is_sent_away(sent: bytes, answer: bytes) -> None:
    found = said(sent, Limits(idle=0.2, pause=0.2), close=False)
    assert found.startswith(answer)
    assert bool(found) == bool(answer)


def test_who_does_not_read_is_cut_off() -> None:
    big = Response(200, b"x" * 8_000_000)

    async def work(server: HttpServer, port: int) -> int:
        _reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1000)
        writer.write(GET * 3)
        while not server.connections:
            await asyncio.sleep(0.01)
        while server.connections:
            await asyncio.sleep(0.1)
        writer.close()
        return 0

    assert serving(work, lambda _request, reply: reply(big), Limits(unread=0.5)) == 0


def test_a_client_that_goes_away_before_its_answer_harms_nobody() -> None:
    async def work(server: HttpServer, port: int) -> bytes:
        _, gone = await asyncio.open_connection("127.0.0.1", port)
        gone.write(GET.replace(b"/a", b"/late"))
        await gone.drain()
        gone.transport.abort()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.sleep(0.05)
        writer.write(GET)
        line = await reader.readline()
        writer.close()
        return line

    assert serving(work) == b"HTTP/1.1 200 OK\r\n"


def test_stopping_finishes_what_runs() -> None:
    async def work(server: HttpServer, port: int) -> tuple[bytes, int]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        idle, other = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET.replace(b"/a", b"/late"))
        await asyncio.sleep(0.005)
        await server.stop(2)
        found = await reader.read()
        assert await idle.read() == b""
        writer.close()
        other.close()
        return found, len(server.connections)

    found, left = serving(work)
    assert found.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in found
    assert left == 0


def test_leaving_the_socket_keeps_open_connections() -> None:
    async def work(server: HttpServer, port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await reader.readuntil(b"b=1 ")
        server.leave_socket()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        line = await reader.readline()
        writer.close()
        return line

    assert serving(work) == b"HTTP/1.1 200 OK\r\n"


def test_a_relayed_answer_keeps_its_headers() -> None:
    headers = [(b"x-request-id", b"theirs"), (b"x-mlnb-release", b"4"), (b"connection", b"close")]
    answer = Response(200, b"{}", headers=headers).foreign(closes=True)

    async def work(_server: HttpServer, port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        found = await reader.read()
        writer.close()
        return found

    found: bytes = serving(work, lambda _request, reply: reply(answer))
    assert found.count(b"x-request-id: theirs") == 1
    assert found.count(b"connection: close") == 1
    assert b"x-own" not in found
