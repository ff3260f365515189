"""The client against a real HTTP server that answers as an endpoint (and as none) would."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from mlnb.core.errors import (
    BadInput,
    EndpointUnavailable,
    PredictionFailed,
    SignatureMismatch,
    Unauthorized,
)
from mlnb.serving.client import Endpoint


class Recorder(ThreadingHTTPServer):
    """Keeps what it was sent and answers what it was told to."""

    status = 200
    answer: Any = {"predictions": [1, 0]}  # noqa: RUF012  (replaced, never changed)

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[Any] = []
        self.tokens: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    server: Recorder

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.bodies.append(json.loads(self.rfile.read(length)))
        self.server.tokens.append(self.headers["Authorization"])
        answer = self.server.answer
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Recorder]:
    with Recorder() as recorder:
        thread = threading.Thread(target=recorder.serve_forever)
        thread.start()
        yield recorder
        recorder.shutdown()
        thread.join()


@pytest.fixture
def endpoint(server: Recorder) -> Iterator[Endpoint]:
    client = Endpoint("a", f"http://127.0.0.1:{server.server_port}", "sesame")
    yield client
    client.close()


def test_every_type_of_column_is_sent_as_json(server: Recorder, endpoint: Endpoint) -> None:
    frame = pd.DataFrame(
        {
            "f": [1.5, np.nan],
            "f32": np.array([0.5, 1], dtype="float32"),
            "i": [1, 2],
            "nullable": pd.array([1, None], dtype="Int64"),
            "b": [True, False],
            "s": ["a", None],
            "c": pd.Categorical(["x", "y"]),
            "t": pd.to_datetime(["2013-05-01", None]),
            "z": pd.to_datetime(["2013-05-01T02:00+02:00", None]),
        }
    )[::-1]  # not contiguous
    endpoint.predict(
        frame, ids=np.array([7, 8]), times=pd.Series(pd.to_datetime(["2013-05-01"] * 2))
    )
    (body,) = server.bodies
    assert body["ids"] == [7, 8]
    assert [moment[:19] for moment in body["times"]] == ["2013-05-01T00:00:00"] * 2
    sent = body["inputs"]
    assert [value and value[:19] for value in sent.pop("t")] == [None, "2013-05-01T00:00:00"]
    assert [value and value[:19] for value in sent.pop("z")] == [None, "2013-05-01T00:00:00"]
    assert sent == {
        "f": [None, 1.5],
        "f32": [1.0, 0.5],
        "i": [2, 1],
        "nullable": [None, 1],
        "b": [False, True],
        "s": [None, "a"],
        "c": ["y", "x"],
    }
    assert server.tokens == ["Bearer sesame"]


def test_answers_have_the_frames_index(server: Recorder, endpoint: Endpoint) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0]}, index=[5, 3])
    assert list(endpoint.predict(frame).columns) == ["prediction"]
    server.answer = {"predictions": ["late", "on time"], "scores": [0.75, 0.25]}
    answer = endpoint.predict(frame)
    assert answer.to_dict() == {
        "prediction": {5: "late", 3: "on time"},
        "score": {5: 0.75, 3: 0.25},
    }


@pytest.mark.parametrize(
    ("status", "said", "error"),
    [
        (400, "SignatureMismatch", SignatureMismatch),
        (400, "BadInput", BadInput),
        (413, "RequestTooLarge", BadInput),
        (401, "Unauthorized", Unauthorized),
        (500, "PredictionFailed", PredictionFailed),
        (503, "EndpointUnavailable", EndpointUnavailable),
    ],
)
def test_refusals_are_raised_as_what_they_are(
    server: Recorder, endpoint: Endpoint, status: int, said: str, error: type[Exception]
) -> None:
    server.status = status
    server.answer = {"error": said, "message": "It is so.", "fix": "Do.", "field": "x", "row": 4}
    with pytest.raises(error) as caught:
        endpoint.predict(pd.DataFrame({"x": [1.0, 2.0]}))
    assert type(caught.value) is error
    assert "It is so" in str(caught.value)
    if isinstance(caught.value, SignatureMismatch):
        assert str(caught.value) == "It is so. Do."
        assert (caught.value.field, caught.value.row) == ("x", 4)


def test_another_server_on_the_port_is_no_endpoint(server: Recorder, endpoint: Endpoint) -> None:
    server.status, server.answer = 502, b"<html>"
    with pytest.raises(EndpointUnavailable, match="HTTP 502"):
        endpoint.predict(pd.DataFrame({"x": [1.0, 2.0]}))


def test_nobody_on_the_port(server: Recorder) -> None:
    with Recorder() as closed:
        port = closed.server_port
    endpoint = Endpoint("a", f"http://127.0.0.1:{port}")
    assert endpoint.ping() is False
    with pytest.raises(EndpointUnavailable, match="does not answer"):
        endpoint.predict(pd.DataFrame({"x": [1.0]}))


def test_the_shell_command_holds_no_token(endpoint: Endpoint) -> None:
    command = endpoint.curl({"carrier": "O'Hare"})
    assert "sesame" not in command
    assert "$(mlnb endpoint token a)" in command
    assert "O'\\''Hare" in command
    assert "sesame" not in repr(endpoint)


def test_arrow_and_polars_tables_are_sent_too(server: Recorder, endpoint: Endpoint) -> None:
    for table in (pa.table({"x": [1.0, 2.0]}), pl.DataFrame({"x": [1.0, 2.0]})):
        assert len(endpoint.predict(table)) == 2  # type: ignore[arg-type]
    assert server.bodies == [{"inputs": {"x": [1.0, 2.0]}}] * 2


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (pd.DataFrame({"x": [1]}), {"times": ["soon"]}, "`times` cannot be read"),
        (pd.DataFrame({"x": [object()]}), {}, "cannot be sent as JSON"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), {}, "same name"),
        ([1, 2], {}, "A list is no table"),
    ],
)
def test_what_cannot_be_sent_is_one_clear_error(
    server: Recorder, endpoint: Endpoint, frame: Any, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        endpoint.predict(frame, **options)
    assert server.bodies == []
