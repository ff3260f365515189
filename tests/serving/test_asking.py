"""Retries and batches, against a server that answers as it is told to."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlnb.core.errors import BadInput, EndpointUnavailable, SignatureMismatch
from mlnb.serving import snippets
from mlnb.serving.client import Endpoint

FRAME = pd.DataFrame({"x": np.arange(25.0)}, index=range(100, 125))


class Moody(ThreadingHTTPServer):
    """Predicts the input; fails as often as it is told to, in the way it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.moods: list[int | str] = []
        self.ids: list[str | None] = []
        self.sizes: list[int] = []
        self.under_way = self.most = 0
        self.lock = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    server: Moody
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        values = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["inputs"]["x"]
        with server.lock:
            server.ids.append(self.headers["X-Request-Id"])
            mood = server.moods.pop(0) if server.moods else 200
            server.under_way += 1
            server.most = max(server.most, server.under_way)
        time.sleep(0.02)
        with server.lock:
            server.under_way -= 1
        if mood == "hang up":
            self.close_connection = True
            return
        body: dict[str, Any] = {"predictions": values, "scores": values}
        if mood != 200:
            body = {"error": "Overloaded", "message": "Too much.", "fix": ""}
        elif 13.0 in values:
            mood = 400
            row = values.index(13.0)
            message = f"Field 'x' (row {row}): is unlucky."
            body = {"error": "SignatureMismatch", "message": message, "fix": ""}
            body |= {"field": "x", "row": row}
        server.sizes.append(len(values))
        data = json.dumps(body).encode()
        self.send_response(int(mood))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Moody]:
    with Moody() as moody:
        thread = threading.Thread(target=moody.serve_forever)
        thread.start()
        yield moody
        moody.shutdown()
        thread.join()


def endpoint(server: Moody, **options: Any) -> Endpoint:
    return Endpoint("a", f"http://127.0.0.1:{server.server_port}", **options)


def ask(client: Endpoint, way: str, frame: pd.DataFrame, **options: Any) -> pd.DataFrame:
    if way == "sync":
        return client.predict(frame, **options)
    return asyncio.run(client.predict_async(frame, **options))


@pytest.mark.parametrize("way", ["sync", "async"])
@pytest.mark.parametrize("mood", ["hang up", 429, 503, 504, 502])
def test_what_passes_is_tried_again_under_the_same_id(
    server: Moody, way: str, mood: int | str
) -> None:
    server.moods = [mood, mood]
    frame = FRAME.head(3)
    found = ask(endpoint(server), way, frame)
    assert found["prediction"].tolist() == [0, 1, 2]
    assert found.index.tolist() == [100, 101, 102]
    assert len(server.ids) == 3
    assert len(set(server.ids)) == 1


@pytest.mark.parametrize("way", ["sync", "async"])
def test_what_does_not_pass_is_one_error(server: Moody, way: str) -> None:
    server.moods = [503] * 9
    with pytest.raises(EndpointUnavailable, match="Too much"):
        ask(endpoint(server, retries=2), way, FRAME.head(3))
    assert len(server.ids) == 3
    server.moods = []
    with pytest.raises(SignatureMismatch):
        ask(endpoint(server), way, FRAME)
    assert len(server.ids) == 4, "a refusal is not asked for again"


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_long_frame_is_sent_in_batches(server: Moody, way: str) -> None:
    frame = FRAME.drop(index=113)
    found = ask(endpoint(server), way, frame, batch=10, ids=range(24))
    assert found["prediction"].tolist() == frame["x"].tolist()
    assert found["score"].tolist() == frame["x"].tolist()
    assert sorted(server.sizes) == [4, 10, 10]
    assert (server.most > 1) == (way == "async")


@pytest.mark.parametrize("way", ["sync", "async"])
def test_the_row_of_an_error_is_that_of_the_frame(server: Moody, way: str) -> None:
    with pytest.raises(SignatureMismatch, match=r"\(row 13\)") as caught:
        ask(endpoint(server), way, FRAME, batch=10)
    assert caught.value.row == 13


def test_bad_batches_are_one_error(server: Moody) -> None:
    client = endpoint(server)
    with pytest.raises(BadInput, match="0 rows"):
        client.predict(FRAME, batch=0)
    with pytest.raises(BadInput, match="`ids` has 2 entries for 25 rows"):
        client.predict(FRAME, ids=[1, 2])
    assert server.ids == []


def test_the_python_snippet_runs_and_holds_no_token() -> None:
    code = snippets.python("flight-delays", "http://127.0.0.1:1", {"x": 1.5, "name": "a\"'b"})
    compile(code, "snippet", "exec")
    assert "os.environ['FLIGHT_DELAYS_TOKEN']" in code
    assert "mlnb endpoint token flight-delays" in code
    assert "environ" not in snippets.python("a", "http://b", token=False)
