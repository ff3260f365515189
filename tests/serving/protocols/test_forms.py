"""Every form of every protocol: the predictions are those of ``model.predict``, bit for bit."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from mlnb.core.records import Column
from mlnb.serving.app import App, Service
from mlnb.serving.fields import fields_of
from mlnb.serving.metrics import Metrics
from mlnb.serving.prediction_log import PredictionLog
from mlnb.serving.scoring import Scorer
from mlnb.tracking import serialization

CHANCE = np.random.default_rng(3)
FRAME = pd.DataFrame(
    {
        "distance": CHANCE.normal(900, 300, 300),
        "hour": CHANCE.integers(0, 24, 300),
        "weight": CHANCE.normal(0, 1e-9, 300).astype(np.float32),
        "weekend": CHANCE.random(300) > 0.7,
        "carrier": CHANCE.choice(["AA", "UA", 'ü,"\n'], 300),
    }
)
LATE = FRAME["distance"] / 7 + FRAME["hour"] + CHANCE.normal(0, 1, 300)
Ask = Callable[..., httpx.Response]


def _columns() -> Any:
    coded = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_column_transformer((coded, ["carrier"]), remainder="passthrough")


MODELS: dict[str, Any] = {
    "linear": make_pipeline(_columns(), LinearRegression()).fit(FRAME, LATE),
    "boosting": make_pipeline(
        _columns(), HistGradientBoostingRegressor(max_iter=9, random_state=0)
    ).fit(FRAME, LATE),
    "classes": make_pipeline(_columns(), LogisticRegression(max_iter=5000)).fit(
        FRAME, np.where(LATE > 140, "late", "in time")
    ),
}
DTYPES = {"distance": "FP64", "hour": "INT64", "weight": "FP32", "weekend": "BOOL"}


@pytest.fixture(params=list(MODELS))
def served(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, App]:
    model = MODELS[request.param]
    found = serialization.signature_of(model, FRAME, None)
    return model, next(iter(apps(model, serialization.columns(found), tmp_path)))


def apps(model: Any, columns: list[Column], folder: Path) -> Iterator[App]:
    fields = fields_of(columns)
    schema = pa.schema([(field.name, field.type) for field in fields])
    log = PredictionLog(folder, "w0", 1, "m@7", schema)
    yield App(Service("a", 1, "m@7", fields, Scorer(model), log, Metrics("1", "m@7"), "sesame"))


async def asked(app: App, method: str, path: str, **request: Any) -> httpx.Response:
    headers = {"Authorization": "Bearer sesame", **request.pop("headers", {})}
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://a") as client:
        return await client.request(method, path, headers=headers, **request)


def ask(app: App, method: str, path: str, **request: Any) -> httpx.Response:
    import asyncio

    return asyncio.run(asked(app, method, path, **request))


def _plain(frame: pd.DataFrame) -> dict[str, list[Any]]:
    return {str(name): frame[name].tolist() for name in frame.columns}


def _lists(frame: pd.DataFrame) -> list[list[Any]]:
    return [list(row) for row in zip(*_plain(frame).values(), strict=True)]


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in _lists(frame)]


def _split(frame: pd.DataFrame, **more: Any) -> dict[str, Any]:
    return {"columns": list(frame.columns), "data": _lists(frame), **more}


def _mixed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame.columns[::-1]]


FORMS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "dataframe_split": lambda frame: {"dataframe_split": _split(frame)},
    "dataframe_split with an index": lambda frame: {
        "dataframe_split": _split(frame, index=list(range(len(frame))))
    },
    "dataframe_split in another order": lambda frame: {"dataframe_split": _split(_mixed(frame))},
    "dataframe_records": lambda frame: {"dataframe_records": _records(frame)},
    "dataframe_records in another order": lambda frame: {
        "dataframe_records": _records(_mixed(frame))
    },
    "instances as records": lambda frame: {"instances": _records(frame)},
    "instances as lists": lambda frame: {"instances": _lists(frame)},
    "inputs as columns": lambda frame: {"inputs": _plain(frame)},
    "inputs as lists": lambda frame: {"inputs": _lists(frame)},
    "inputs as records": lambda frame: {"inputs": _records(frame)},
    "no params": lambda frame: {"inputs": _plain(frame), "params": {}},
    "params of null": lambda frame: {"dataframe_split": _split(frame), "params": None},
    "ids and times": lambda frame: {
        "dataframe_records": _records(frame),
        "ids": [f"row {row}" for row in range(len(frame))],
        "times": ["2013-01-01T00:00:00Z"] * len(frame),
    },
}


@pytest.mark.parametrize("rows", [1, 2, 300])
@pytest.mark.parametrize("form", FORMS)
def test_invocations(served: tuple[Any, App], form: str, rows: int) -> None:
    model, app = served
    frame = FRAME.tail(rows)
    for encoded in (orjson.dumps, lambda body: json.dumps(body, indent=1).encode()):
        response = ask(app, "POST", "/invocations", content=encoded(FORMS[form](frame)))
        assert response.status_code == 200, response.text
        check(model, frame, response.json()["predictions"])


def check(model: Any, frame: pd.DataFrame, predictions: Any) -> None:
    """Compare bit for bit."""
    wanted = model.predict(frame)
    found = np.asarray(predictions, dtype=wanted.dtype)
    assert found.tobytes() == np.ascontiguousarray(wanted).tobytes()


@pytest.mark.parametrize("media", ["text/csv", "text/csv; charset=utf-8", "TEXT/CSV"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_csv(served: tuple[Any, App], media: str, ends: str) -> None:
    model, app = served
    for frame in (FRAME.head(1), FRAME, _mixed(FRAME)):
        body = frame.to_csv(index=False, lineterminator=ends)
        response = ask(
            app, "POST", "/invocations", content=body.encode(), headers={"Content-Type": media}
        )
        assert response.status_code == 200, response.text
        check(model, FRAME.head(len(frame)), response.json()["predictions"])


@pytest.mark.parametrize("rows", [1, 300])
def test_predict(served: tuple[Any, App], rows: int) -> None:
    model, app = served
    frame = FRAME.head(rows)
    body = {"rows": _records(frame), "ids": list(range(rows))}
    check(model, frame, ask(app, "POST", "/predict", json=body).json()["predictions"])


def tensors(frame: pd.DataFrame, column: bool = False) -> list[dict[str, Any]]:
    shape = [len(frame), 1] if column else [len(frame)]
    return [
        {
            "name": name,
            "shape": shape,
            "datatype": DTYPES.get(name, "BYTES"),
            "data": [[value] for value in values] if column else values,
        }
        for name, values in _plain(frame).items()
    ]


@pytest.mark.parametrize("path", ["/v2/models/m/infer", "/v2/models/m/versions/7/infer"])
@pytest.mark.parametrize("column", [False, True])
def test_open_inference(served: tuple[Any, App], path: str, column: bool) -> None:
    model, app = served
    body = {"id": "x", "inputs": tensors(_mixed(FRAME), column), "parameters": {"any": 1}}
    answer = ask(app, "POST", path, json=body).json()
    assert (answer["model_name"], answer["model_version"], answer["id"]) == ("m", "7", "x")
    found = {item["name"]: item for item in answer["outputs"]}
    assert found["prediction"]["shape"] == [300]
    check(model, FRAME, found["prediction"]["data"])
    assert ("score" in found) == hasattr(model, "predict_proba")
    only = {**body, "outputs": [{"name": "prediction"}]}
    answer = ask(app, "POST", path, json=only).json()
    assert [item["name"] for item in answer["outputs"]] == ["prediction"]


@pytest.mark.parametrize("datatype", ["FP64", "FP32", "INT64"])
@pytest.mark.parametrize("nested", [True, False])
def test_one_tensor_for_all_inputs(tmp_path: Path, datatype: str, nested: bool) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0, 5.0], "b": [3.0, 4.0, 1.0]})
    model = LinearRegression().fit(frame, [1, 2, 7])
    columns = [Column(name=name, type="double") for name in frame]
    (app,) = apps(model, columns, tmp_path)
    rows = frame.to_numpy().astype(int if datatype == "INT64" else float)
    data = rows.tolist() if nested else rows.ravel().tolist()
    body = {"inputs": [{"name": "x", "shape": [3, 2], "datatype": datatype, "data": data}]}
    answer = ask(app, "POST", "/v2/models/m/infer", json=body).json()
    check(model, frame, answer["outputs"][0]["data"])


def test_the_protocol_describes_the_model(served: tuple[Any, App]) -> None:
    _, app = served
    assert ask(app, "GET", "/v2").json()["name"] == "mlnb"
    for path in ("/v2/health/live", "/v2/health/ready", "/v2/models/m/ready"):
        assert ask(app, "GET", path, headers={"Authorization": ""}).status_code == 200
    for path in ("/v2/models/m", "/v2/models/m/versions/7"):
        described = ask(app, "GET", path).json()
        assert described["versions"] == ["7"]
        found = {item["name"]: item["datatype"] for item in described["inputs"]}
        assert found == {**DTYPES, "carrier": "BYTES"}
    for path in ("/v2/models/other", "/v2/models/m/versions/8", "/v2/models/m/../m"):
        assert ask(app, "GET", path).status_code in (404, 200 if ".." in path else 404)
    refused = ask(app, "GET", "/v2/models/other").json()
    assert refused["error"].startswith("There is no route '/v2/models/other'")
    assert refused["kind"] == "UnknownName"


def test_sagemaker_asks_how_it_may_ask(served: tuple[Any, App]) -> None:
    _, app = served
    nothing = {"Authorization": ""}
    assert ask(app, "GET", "/ping", headers=nothing).status_code == 200
    found = ask(app, "GET", "/execution-parameters", headers=nothing).json()
    assert found["BatchStrategy"] == "MULTI_RECORD"


BAD_TENSORS: list[tuple[Any, str]] = [
    ({}, "'inputs' is no list"),
    ({"inputs": []}, "'inputs' is no list"),
    ({"inputs": [1]}, "no name"),
    ({"inputs": [{"name": "hour"}]}, "no shape"),
    ({"inputs": [{"name": "hour", "shape": [-1], "datatype": "INT64", "data": []}]}, "sizes"),
    ({"inputs": [{"name": "hour", "shape": [1], "datatype": "INT65", "data": [1]}]}, "datatype"),
    ({"inputs": [{"name": "hour", "shape": [2], "datatype": "INT64", "data": [1]}]}, "1 values"),
    ({"inputs": [{"name": "hour", "shape": [1], "datatype": "INT64", "data": ["a"]}]}, "no INT64"),
    ({"inputs": [{"name": "x", "shape": [1, 9], "datatype": "INT64", "data": [1] * 9}]}, "all 5"),
    ({"inputs": tensors(FRAME.head(1))[:-1]}, "carrier"),
    ({"inputs": tensors(FRAME.head(1)) * 2}, "twice"),
    ({"inputs": tensors(FRAME.head(0))}, "no rows"),
    ({"inputs": tensors(FRAME.head(1)), "outputs": [{"name": "no"}]}, "no output"),
    ({"inputs": tensors(FRAME.head(1)), "outputs": 3}, "'outputs' is no list"),
    ({"inputs": tensors(FRAME.head(1)), "parameters": 3}, "'parameters' is no object"),
    (
        {
            "inputs": [
                {
                    "name": "hour",
                    "shape": [1],
                    "datatype": "INT64",
                    "parameters": {"binary_data_size": 8},
                }
            ]
        },
        "fewer bytes",
    ),
]


@pytest.mark.parametrize(("body", "says"), BAD_TENSORS)
def test_bad_tensors_are_one_clear_error(tmp_path: Path, body: Any, says: str) -> None:
    columns = serialization.columns(serialization.signature_of(MODELS["linear"], FRAME, None))
    (app,) = apps(MODELS["linear"], columns, tmp_path)
    response = ask(app, "POST", "/v2/models/m/infer", json=body)
    assert response.status_code == 400, response.text
    assert says in response.json()["error"]


def test_params_are_refused_when_there_are_any(tmp_path: Path) -> None:
    columns = serialization.columns(serialization.signature_of(MODELS["linear"], FRAME, None))
    (app,) = apps(MODELS["linear"], columns, tmp_path)
    body = {"inputs": _plain(FRAME), "params": {"temperature": 1}}
    response = ask(app, "POST", "/invocations", json=body)
    assert response.status_code == 400
    assert "'params'" in response.json()["message"]
