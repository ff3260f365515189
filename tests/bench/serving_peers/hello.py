"""Answers ``hello`` by one server: ``python hello.py SERVER PORT``; its own cost."""

import asyncio
import sys
from typing import Any

BODY = b'{"hello":"world"}'


async def asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"17")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": BODY})


def mlnb(port: int) -> None:
    import socket

    from mlnb.serving.http import HttpServer, event_loop
    from mlnb.serving.messages import Response

    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    answer = Response(200, BODY)

    async def serve() -> None:
        server = HttpServer(lambda _request, reply: reply(answer))
        await server.start(listener)
        await asyncio.Event().wait()

    with asyncio.Runner(loop_factory=event_loop()) as runner:
        runner.run(serve())


def uvicorn(port: int) -> None:
    import uvicorn

    uvicorn.run(
        "hello:asgi",
        port=port,
        log_level="error",
        access_log=False,
        loop="uvloop",
        http="httptools",
    )


def granian(port: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    Granian("hello:asgi", port=port, interface=Interfaces.ASGI, workers=1, log_access=False).serve()


def socketify(port: int) -> None:
    from socketify import App

    app = App()
    app.get("/", lambda response, _request: response.end(BODY))
    app.listen(port, lambda _config: None)
    app.run()


def robyn(port: int) -> None:
    from robyn import Robyn

    app = Robyn(__file__)

    @app.get("/")
    def hello() -> str:
        return BODY.decode()

    app.start(host="127.0.0.1", port=port)


if __name__ == "__main__":
    name, number = sys.argv[1], int(sys.argv[2])
    sys.argv = sys.argv[:1]
    {f.__name__: f for f in (mlnb, uvicorn, granian, socketify, robyn)}[name](number)
