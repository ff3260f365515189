"""Clients that ask an endpoint without a pause, over kept connections: a program of its own.

``python serving_clients.py URL TOKEN CLIENTS OUT``: writes one JSON line per attempt to OUT until
its standard input is closed.
"""

import asyncio
import json
import sys
import time
from typing import Any

BODY = b'{"dataframe_records": [{"distance": 800.0, "hour": 20, "carrier": "AA"}]}'

PAUSE = 0.03
"""Seconds between an answer and the next request, so that two cores are enough for all."""


class Client:
    """One client: one connection at a time; what breaks is asked again under the same id."""

    def __init__(self, number: int, url: str, token: str, out: Any) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._number, self._host, self._port = number, host, int(port)
        self._token, self._out = token, out
        self._streams: Any = None

    async def run(self, end: asyncio.Event) -> None:
        """Ask until told to stop."""
        count = 0
        while not end.is_set():
            count += 1
            name = f"c{self._number}-{count}"
            while not await self._attempt(name):
                await asyncio.sleep(0.01)
            await asyncio.sleep(PAUSE)

    async def _attempt(self, name: str) -> bool:
        begun = time.time()
        try:
            status, release, closes = await asyncio.wait_for(self._ask(name), 60)
        except (OSError, EOFError, asyncio.IncompleteReadError, TimeoutError) as error:
            self._tell(name=name, begun=begun, ended=time.time(), error=repr(error))
            await self._close()
            return False
        self._tell(name=name, begun=begun, ended=time.time(), status=status, release=release)
        if closes:
            await self._close()
        return True

    async def _ask(self, name: str) -> tuple[int, str, bool]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        writer.write(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer %b\r\nX-Request-Id: %b\r\nContent-Length: %d\r\n\r\n%b"
            % (self._token.encode(), name.encode(), len(BODY), BODY)
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        lines = head.split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:] if line)
        await reader.readexactly(int(headers["content-length"]))
        closes = headers.get("connection") == "close"
        return int(lines[0].split()[1]), headers.get("x-mlnb-release", ""), closes

    def _tell(self, **facts: Any) -> None:
        self._out.write(json.dumps(facts) + "\n")

    async def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def main() -> None:
    """Run until standard input is closed."""
    url, token, clients, out = sys.argv[1:5]
    end = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, end.set)
    with open(out, "w", encoding="utf-8") as stream:  # noqa: PTH123  (a program without pathlib)
        await asyncio.gather(
            *(Client(number, url, token, stream).run(end) for number in range(int(clients)))
        )


if __name__ == "__main__":
    asyncio.run(main())
