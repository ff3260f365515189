"""The app in this process, with real models, asked over ASGI."""

import asyncio
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression

from mlnb.core.records import Column
from mlnb.serving.app import App, Service
from mlnb.serving.fields import fields_of
from mlnb.serving.metrics import Metrics
from mlnb.serving.prediction_log import PredictionLog
from mlnb.serving.prediction_reader import gaps, read
from mlnb.serving.scoring import Scorer

FIELDS = fields_of([Column(name="x", type="double"), Column(name="n", type="int64")])
FRAME = pd.DataFrame({"x": np.linspace(-1, 1, 50), "n": [0, 1] * 25})
GOOD = {"dataframe_split": {"columns": ["x", "n"], "data": [[0.5, 3], [-0.5, 4]]}}
TOKEN = {"Authorization": "Bearer sesame"}


class Asker:
    """Sends requests to an app; each gets an event loop of its own."""

    def __init__(self, folder: Path, model: Any, **service: Any) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        schema = pa.schema([(field.name, field.type) for field in FIELDS])
        self.log = PredictionLog(folder, "w0", 3, "m@1", schema)
        settings = {"token": "sesame", "body_limit": 2000, **service}
        self.app = App(
            Service(
                endpoint="a",
                release=3,
                model="m@1",
                fields=FIELDS,
                scorer=Scorer(model),
                log=self.log,
                metrics=Metrics("3", "m@1"),
                **settings,
            )
        )

    def __call__(self, method: str, path: str, **request: Any) -> httpx.Response:
        request.setdefault("headers", TOKEN)

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)  # raises what the app raises
            async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
                return await client.request(method, path, **request)

        return asyncio.run(ask())

    def logged(self) -> pa.Table:
        tables = read(self.folder)
        found = [table for table in tables if table is not None]
        return pa.concat_tables(found) if found else pa.table({"id": []})


@pytest.fixture
def classifier(tmp_path: Path) -> Iterator[Asker]:
    asker = Asker(tmp_path / "log", LogisticRegression().fit(FRAME, FRAME["x"] > 0))
    yield asker
    asker.log.close()


def samples(asker: Asker) -> dict[str, float]:
    lines = asker("GET", "/metrics").text.splitlines()
    return {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
        for line in lines
        if not line.startswith("#")
    }


def test_predictions_come_with_scores_and_say_who_made_them(classifier: Asker) -> None:
    response = classifier("POST", "/invocations", json=GOOD)
    assert response.status_code == 200
    answer = response.json()
    assert answer["predictions"] == [True, False]
    assert answer["scores"][0] > 0.5 > answer["scores"][1]
    assert response.headers["x-mlnb-release"] == "3"
    assert response.headers["x-mlnb-model"] == "m@1"
    assert len(response.headers["x-request-id"]) == 32


def test_a_regressor_has_no_scores(tmp_path: Path) -> None:
    asker = Asker(tmp_path / "log", LinearRegression().fit(FRAME, FRAME["x"] * 2))
    answer = asker("POST", "/invocations", json=GOOD).json()
    assert list(answer) == ["predictions"]
    assert answer["predictions"] == pytest.approx([1.0, -1.0])
    assert asker.logged()["score"].null_count == 2
    asker.log.close()


def test_the_clients_request_id_is_kept_when_it_is_one(classifier: Asker) -> None:
    for given, kept in (("order-7", True), ("x" * 101, False), ("a b", False), ("", False)):
        headers = {**TOKEN, "X-Request-Id": given}
        response = classifier("POST", "/invocations", json=GOOD, headers=headers)
        assert (response.headers["x-request-id"] == given) is kept


def test_what_is_answered_is_logged(classifier: Asker) -> None:
    body = {**GOOD, "ids": ["a", "b"], "times": ["2013-05-01", "2013-05-02"]}
    classifier("POST", "/invocations", json=body, headers={**TOKEN, "X-Request-Id": "r1"})
    classifier("POST", "/invocations", json=GOOD, headers={**TOKEN, "X-Request-Id": "r2"})
    rows = classifier.logged().to_pylist()
    assert [row["id"] for row in rows] == ["a", "b", "r2-0", "r2-1"]
    assert [row["request_id"] for row in rows] == ["r1", "r1", "r2", "r2"]
    assert [row["time"].isoformat()[:10] for row in rows[:2]] == ["2013-05-01", "2013-05-02"]
    assert {(row["release"], row["model"]) for row in rows} == {(3, "m@1")}
    assert [(row["x"], row["n"], row["prediction"]) for row in rows[:2]] == [
        (0.5, 3, True),
        (-0.5, 4, False),
    ]
    assert rows[0]["score"] > 0.5


@pytest.mark.parametrize(
    ("path", "method"), [("/invocations", "POST"), ("/version", "GET"), ("/metrics", "GET")]
)
@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic sesame"}]
)
def test_everything_but_ping_asks_for_the_token(
    classifier: Asker, path: str, method: str, headers: dict[str, str]
) -> None:
    response = classifier(method, path, headers=headers, json=GOOD)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json()["error"] == "Unauthorized"
    assert classifier.logged().num_rows == 0
    assert classifier("GET", "/ping", headers=headers).status_code == 200


def test_no_token_is_asked_for_when_there_is_none(tmp_path: Path) -> None:
    asker = Asker(tmp_path / "log", LinearRegression().fit(FRAME, FRAME["x"]), token="")
    assert asker("POST", "/invocations", json=GOOD, headers={}).status_code == 200
    asker.log.close()


def test_the_field_and_row_that_break_the_signature_are_named(classifier: Asker) -> None:
    body = {"dataframe_records": [{"x": 1, "n": 1}, {"x": "far", "n": 2}]}
    response = classifier("POST", "/invocations", json=body)
    assert response.status_code == 400
    assert response.json() == {
        "error": "SignatureMismatch",
        "message": "Field 'x' (row 1): needs a number, got text 'far'.",
        "fix": "",
        "field": "x",
        "row": 1,
        "request_id": response.headers["x-request-id"],
    }
    assert classifier.logged().num_rows == 0


@pytest.mark.parametrize(
    ("request_", "status", "error"),
    [
        ({"content": b"{nonsense"}, 400, "BadInput"),
        ({"content": b""}, 400, "BadInput"),
        ({"content": b"x\n1\n", "headers": {**TOKEN, "Content-Type": "text/csv"}}, 400, "Sig"),
        ({"content": b" " * 2001}, 413, "RequestTooLarge"),
        ({"content": b" " * 100_000}, 413, "RequestTooLarge"),
    ],
)
def test_bad_bodies_are_one_clear_error(
    classifier: Asker, request_: dict[str, Any], status: int, error: str
) -> None:
    response = classifier("POST", "/invocations", **request_)
    assert response.status_code == status
    assert response.json()["error"].startswith(error)
    assert response.json()["message"]


def test_csv_is_answered(classifier: Asker) -> None:
    headers = {**TOKEN, "Content-Type": "text/csv"}
    response = classifier("POST", "/invocations", content=b"n,x\n1,0.9\n", headers=headers)
    assert response.json()["predictions"] == [True]


@pytest.mark.parametrize("rows", [[None], [0.5, None], [None, None]])
def test_a_null_that_the_model_cannot_take_is_named(classifier: Asker, rows: list[Any]) -> None:
    body = {"inputs": {"x": rows, "n": [1] * len(rows)}}
    response = classifier("POST", "/invocations", json=body)
    assert response.status_code == 400
    assert response.json()["field"] == "x"
    assert response.json()["row"] == rows.index(None)
    assert "is null, which the model cannot take" in response.json()["message"]


def test_other_routes_and_methods(classifier: Asker) -> None:
    missing = classifier("GET", "/invocation")
    assert missing.status_code == 404
    assert "Did you mean '/invocations'" in missing.json()["fix"]
    wrong = classifier("GET", "/invocations")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert classifier("GET", "/version").text.startswith("3.")
    assert classifier("HEAD", "/ping").status_code == 200


def test_a_model_that_fails_leaks_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    class Fragile(BaseEstimator):  # type: ignore[misc]
        def predict(self, _frame: pd.DataFrame) -> Any:
            raise RuntimeError("secret path /srv/models")

    asker = Asker(tmp_path / "log", Fragile())
    with caplog.at_level(logging.ERROR, "mlnb.serving"):
        whole = asker("POST", "/invocations", json={"inputs": {"x": [0.5], "n": [1]}})
        gaps = asker("POST", "/invocations", json={"inputs": {"x": [0.5, None], "n": [1, 1]}})
    assert gaps.status_code == 500  # not the null's fault
    response = whole
    assert response.status_code == 500
    assert response.json()["error"] == "PredictionFailed"
    assert "secret" not in response.text
    assert "Traceback" not in response.text
    assert response.headers["x-request-id"] in caplog.text
    assert "secret path" in caplog.text
    assert asker.logged().num_rows == 0
    asker.log.close()


def test_an_error_of_our_own_leaks_nothing_either(classifier: Asker) -> None:
    classifier.app.service.metrics.exposition = None  # type: ignore[assignment,method-assign]
    response = classifier("GET", "/metrics")
    assert response.status_code == 500
    assert response.json()["message"] == "The endpoint failed on this request."
    assert "NoneType" not in response.text


def test_what_cannot_be_logged_is_answered_and_says_so(classifier: Asker) -> None:
    real, classifier.log._descriptor = classifier.log._descriptor, os.open("/dev/full", os.O_WRONLY)
    for _ in range(2):
        response = classifier("POST", "/invocations", json=GOOD)
        assert response.status_code == 200
        assert response.headers["x-mlnb-logged"] == "no"
    assert classifier.log.lost == 2
    os.close(classifier.log._descriptor)
    classifier.log._descriptor = real  # there is room again
    response = classifier("POST", "/invocations", json=GOOD)
    assert "x-mlnb-logged" not in response.headers
    assert classifier.logged().num_rows == len(response.json()["predictions"])
    assert gaps(classifier.folder) == [2]


def test_the_metrics_count(classifier: Asker) -> None:
    classifier("POST", "/invocations", json=GOOD)
    classifier("POST", "/invocations", json=GOOD)
    classifier("POST", "/invocations", content=b"{")
    found = samples(classifier)
    assert found['mlnb_requests_total{release="3",status="200"}'] == 2
    assert found['mlnb_requests_total{release="3",status="400"}'] == 1
    assert found['mlnb_predictions_total{model="m@1",release="3"}'] == 4
    assert found['mlnb_request_seconds_count{release="3"}'] == 3
    assert found['mlnb_requests_in_flight{release="3"}'] == 1  # the one that asks
    assert found['mlnb_release_info{model="m@1",release="3"}'] == 1
