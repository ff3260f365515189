"""What stands between a client and a tracking server: asks for a token, loses answers, is late."""

import http.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

Answer = tuple[int, str, bytes]
"""Status, content type and body."""
Pass = Callable[[], Answer]
"""Passes the request on and returns the answer."""
Decide = Callable[[BaseHTTPRequestHandler, Pass], Answer | None]
"""Is asked about each request; None closes the connection without an answer."""


@contextmanager
def proxy(behind: str, decide: Decide) -> Iterator[str]:
    """Run a reverse proxy on the loopback interface; yields its URL."""
    address = urlsplit(behind).netloc

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = decide(self, lambda: self._asked(body))
            if answer is None:
                self.close_connection = True
                return
            status, kind, data = answer
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _asked(self, body: bytes) -> Answer:
            connection = http.client.HTTPConnection(address, timeout=60)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "host"}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            data = answer.read()
            connection.close()
            return answer.status, answer.headers.get("Content-Type", "text/plain"), data

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

        def log_message(self, *_said: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def wants(token: str) -> Decide:
    """Let only those pass who have a token."""

    def decide(request: BaseHTTPRequestHandler, pass_on: Pass) -> Answer:
        if request.headers.get("Authorization") != f"Bearer {token}":
            return 401, "text/plain", b""
        return pass_on()

    return decide


def loses_answers(path: str) -> Decide:
    """Pass requests on, and close every second connection for a path without the answer."""
    seen: list[str] = []

    def decide(request: BaseHTTPRequestHandler, pass_on: Pass) -> Answer | None:
        answer = pass_on()
        if request.path.endswith(path):
            seen.append(request.path)
            if len(seen) % 2:
                return None
        return answer

    return decide


def is_late(path: str) -> Decide:
    """Close every second connection for a path, and pass its request on after the next one."""
    late: list[Pass] = []

    def decide(request: BaseHTTPRequestHandler, pass_on: Pass) -> Answer | None:
        if not request.path.endswith(path):
            return pass_on()
        if not late:
            late.append(pass_on)
            return None
        answer = pass_on()
        late.pop()()
        return answer

    return decide
