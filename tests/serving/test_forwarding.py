"""The way between two workers: real sockets, and an app that answers with what it was asked."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from mlnb.serving.forwarding import Hop, HopFailed
from mlnb.serving.gate import Gate
from mlnb.serving.messages import Reply, Request, Response


class Mirror:
    """Answers like an app: at once, later or never."""

    own_headers = ((b"x-mlnb-release", b"7"),)

    def __init__(self) -> None:
        self.held: list[Callable[[], None]] = []

    def handle(self, request: Request, reply: Reply) -> None:
        request.id = request.headers.get(b"x-request-id", b"none").decode()
        headers = [
            (b"x-asked", f"{request.method} {request.path}?{request.query.decode()}".encode())
        ]
        response = Response(201, request.body, "text/plain", headers)
        if request.path == "/held":
            self.held.append(lambda: reply(response))
        else:
            reply(response)


def request(path: str = "/a", body: bytes = b"body") -> Request:
    return Request("POST", path, b"q=1", {b"x-request-id": b"r1", b"connection": b"close"}, body)


def listening(folder: Path) -> tuple[socket.socket, str]:
    path = str(folder / "gate")
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    return listener, path


def between(
    folder: Path, work: Callable[[Mirror, Gate, Hop], Awaitable[None]], lanes: int = 1
) -> None:
    async def run() -> None:
        listener, path = listening(folder)
        mirror: Any = Mirror()
        gate, hop = Gate(mirror), Hop(path, lanes)
        await gate.open(listener)
        try:
            await work(mirror, gate, hop)
        finally:
            hop.close()
            gate.close()
            await asyncio.sleep(0.01)

    asyncio.run(run())


def test_a_request_and_its_answer_arrive_as_they_were(tmp_path: Path) -> None:
    async def work(_mirror: Mirror, _gate: Gate, hop: Hop) -> None:
        for body in (b"", b"small", bytes(range(256)) * 20_000):
            response = await hop.ask(request(body=body))
            assert (response.status, response.media, response.relayed) == (201, "text/plain", True)
            assert response.body == body
            headers = dict(response.headers)
            assert headers == {b"x-asked": b"POST /a?q=1", b"x-mlnb-release": b"7"}

    between(tmp_path, work)


def test_answers_find_who_asked_in_any_order(tmp_path: Path) -> None:
    async def work(mirror: Mirror, gate: Gate, hop: Hop) -> None:
        waiting = [
            asyncio.create_task(hop.ask(request("/held", str(number).encode())))
            for number in range(20)
        ]
        while len(mirror.held) < 20:
            await asyncio.sleep(0.001)
        assert gate.busy
        assert (await hop.ask(request(body=b"passes"))).body == b"passes"
        for answer in reversed(mirror.held):
            answer()
        assert [(await task).body for task in waiting] == [b"%d" % number for number in range(20)]
        assert not gate.busy

    between(tmp_path, work, lanes=3)


def test_who_asks_learns_that_the_other_side_is_gone(tmp_path: Path) -> None:
    async def work(mirror: Mirror, gate: Gate, hop: Hop) -> None:
        waiting = asyncio.create_task(hop.ask(request("/held")))
        while not mirror.held:
            await asyncio.sleep(0.001)
        gate.close()
        with pytest.raises(HopFailed, match="broke"):
            await waiting
        with pytest.raises(HopFailed, match="nobody is there"):
            await hop.ask(request())
        with pytest.raises(HopFailed, match="a moment ago"):
            await hop.ask(request())

    between(tmp_path, work)


def test_a_socket_without_a_worker_behind_it_is_nobody(tmp_path: Path) -> None:
    listener, path = listening(tmp_path)  # accepts into its backlog, and says nothing

    async def work() -> None:
        with pytest.raises(HopFailed, match="nobody is there"):
            await Hop(path).ask(request())

    with listener:
        asyncio.run(work())


def test_an_answer_that_takes_too_long_is_none(tmp_path: Path) -> None:
    async def work(_mirror: Mirror, _gate: Gate, hop: Hop) -> None:
        with pytest.raises(HopFailed, match=r"no answer within 0\.05 s"):
            await hop.ask(request("/held"), 0.05)
        assert (await hop.ask(request())).status == 201

    between(tmp_path, work)
