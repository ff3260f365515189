"""The OpenAPI document of an endpoint, typed by the model's signature.

Every route that the table has is described: its request, each status it can answer with, its
token. The document is made of the same table and schema that answer, so it cannot say otherwise.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from mlnb.serving.fields import Field
from mlnb.serving.routes import Route, Served

_JSON = "application/json"
_LARGEST = 1.7976931348623157e308
_TIME = (
    r"^(1[789][0-9]{2}|20[0-9]{2})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]0[0-9]:[0-5][0-9])?$"
)
_REASONS = {
    "400": "The body is malformed, or a field is missing, unknown or of the wrong type.",
    "401": "No token, or the wrong one.",
    "404": "There is no such route.",
    "405": "The route takes another method.",
    "413": "The body is too large.",
    "429": "Too many requests are waiting; try again after a moment.",
    "500": "The model failed on an input that fits its signature.",
    "503": "The endpoint cannot answer, so it did not predict.",
    "504": "The model took too long.",
}
_NO_PARAMS = {"type": ["object", "null"], "maxProperties": 0}
_PREDICTING = ("400", "401", "413", "429", "500", "503", "504")
_SUMMARIES = {
    "/predict": "Predict rows given as objects",
    "/invocations": "Predict, in MLflow's forms (also SageMaker's)",
    "/ping": "Tell whether it is up (MLflow, SageMaker)",
    "/version": "The version of MLflow it speaks",
    "/metrics": "Counts and latencies for Prometheus",
    "/execution-parameters": "How SageMaker's batch transform should ask",
    "/openapi.json": "This document",
    "/docs": "This document as a page",
    "/v2": "The server (Open Inference Protocol)",
    "/v2/health/live": "Tell whether it is up",
    "/v2/health/ready": "Tell whether it can predict",
}


def document(served: Served, routes: Sequence[Route]) -> dict[str, Any]:
    """Return the document, OpenAPI 3.1.

    Parameters
    ----------
    served : Served
        What the endpoint serves.
    routes : sequence of Route
        Its table.
    """
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, served)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": served.endpoint,
            "version": str(served.release),
            "description": f"Release {served.release} serves {served.model}.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(served),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _operation(route: Route, served: Served) -> dict[str, Any]:
    made: dict[str, Any] = {
        "summary": _SUMMARIES.get(route.path) or _summary(route),
        "operationId": f"{route.method.lower()}_{route.path.strip('/')}".replace("/", "_"),
        "responses": {"200": _answer(route)},
    }
    if route.open:
        made["security"] = []
    if route.exchange is not None:
        made["requestBody"] = {"required": True, "content": _body(route, served)}
    failures = _PREDICTING if route.exchange is not None else () if route.open else ("401",)
    for status in failures:
        schema = "V2Error" if route.path.startswith("/v2") else "Error"
        made["responses"][status] = {
            "description": _REASONS[status],
            "content": {_JSON: {"schema": _of(schema)}},
        }
    return made


def _summary(route: Route) -> str:
    if route.path.endswith("/infer"):
        return "Predict tensors (Open Inference Protocol)"
    if route.path.endswith("/ready"):
        return "Tell whether the model can predict"
    return "The model: its inputs and outputs"


def _of(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _body(route: Route, served: Served) -> dict[str, Any]:
    if route.path == "/predict":
        return {_JSON: {"schema": _of("Rows"), "example": {"rows": [example(served)]}}}
    if route.path.startswith("/v2"):
        return {_JSON: {"schema": _of("InferRequest")}}
    header = ",".join(served.schema.names)
    return {
        _JSON: {"schema": _of("Invocation"), "example": {"dataframe_records": [example(served)]}},
        "text/csv": {"schema": {"type": "string"}, "example": f"{header}\n"},
    }


def _answer(route: Route) -> dict[str, Any]:
    texts = {"/ping": _JSON, "/version": "text/plain", "/metrics": "text/plain"}
    if route.path == "/ping":
        return {"description": "It is up.", "content": {_JSON: {}}}
    if route.path in texts:
        schema = {"type": "string"}
        return {"description": "As text.", "content": {texts[route.path]: {"schema": schema}}}
    if route.path == "/docs":
        return {"description": "A page.", "content": {"text/html": {"schema": {"type": "string"}}}}
    name = "Object"
    if route.exchange is not None:
        name = "InferResponse" if route.path.startswith("/v2") else "Predictions"
    return {"description": "The answer.", "content": {_JSON: {"schema": _of(name)}}}


def example(served: Served) -> dict[str, Any]:
    """Return a row: of the model's own example when there is one."""
    given = served.facts.get("example")
    if isinstance(given, dict) and set(given) == set(served.schema.names):
        return dict(given)
    return {field.name: _sample(field) for field in served.schema.fields}


def _sample(field: Field) -> Any:
    samples = {"integer": 0, "number": 0.5, "boolean": True, "text": "text"}
    return samples.get(field.kind, "2013-01-01T12:00:00")


def _schemas(served: Served) -> dict[str, Any]:
    row = {
        "type": "object",
        "properties": {field.name: schema_of(field) for field in served.schema.fields},
        "required": list(served.schema.names),
        "additionalProperties": False,
    }
    rows = {"type": "array", "items": _of("Row"), "minItems": 1}
    beside = {
        "ids": {
            "type": ["array", "null"],
            "items": {"type": ["string", "integer"]},
            "description": "One per row, by which its outcome is joined later.",
        },
        "times": {
            "type": ["array", "null"],
            "items": {"type": "string", "pattern": _TIME},
            "description": "One per row: when its event happens.",
        },
    }
    return {
        "Row": row,
        "Rows": _object({"rows": rows, **beside}, ["rows"]),
        "Invocation": {
            "oneOf": [
                _object({**form, **beside, "params": _NO_PARAMS}, list(form))
                for form in _forms(served, rows)
            ]
        },
        "Predictions": _object(
            {
                "predictions": {"type": "array"},
                "scores": {"type": "array", "items": {"type": ["number", "null"]}},
            },
            ["predictions"],
        ),
        "Error": _object(_error_fields(), ["error", "message", "fix", "request_id"], more=True),
        "V2Error": _object({"error": {"type": "string"}}, ["error"], more=True),
        "InferRequest": _infer_request(),
        "InferResponse": _object(
            {
                "id": {"type": "string"},
                "model_name": {"type": "string"},
                "model_version": {"type": "string"},
                "outputs": {"type": "array", "items": {"type": "object"}},
            },
            ["model_name", "outputs"],
        ),
        "Object": {"type": "object"},
    }


def _error_fields() -> dict[str, Any]:
    text = {"type": "string"}
    return {"error": text, "message": text, "fix": text, "request_id": text}


def _object(
    properties: dict[str, Any], required: list[str], *, more: bool = False
) -> dict[str, Any]:
    made = {"type": "object", "properties": properties, "required": required}
    return made if more else {**made, "additionalProperties": False}


def _forms(served: Served, rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Return MLflow's forms; where columns may come in any order, their values have no type."""
    fields = served.schema.fields
    names = [field.name for field in fields]
    width = {"minItems": len(fields), "maxItems": len(fields)}
    values = {"type": "array", "prefixItems": [schema_of(field) for field in fields], **width}
    lists = {"type": "array", "items": values, "minItems": 1}
    split = _object(
        {
            "columns": {"type": "array", "items": {"enum": names}, "uniqueItems": True, **width},
            "data": {"type": "array", "items": {"type": "array", **width}, "minItems": 1},
            "index": {},
        },
        ["columns", "data"],
    )
    columns = {field.name: _column(schema_of(field)) for field in fields}
    return [
        {"dataframe_split": split},
        {"dataframe_records": rows},
        {"instances": rows},
        {"instances": lists},
        {"inputs": _object(columns, names)},
        {"inputs": rows},
        {"inputs": lists},
    ]


def _column(value: dict[str, Any]) -> dict[str, Any]:
    """Return a column: its values, or the only one as it is."""
    return {"anyOf": [{"type": "array", "items": value, "minItems": 1}, value]}


def _infer_request() -> dict[str, Any]:
    tensor = _object(
        {
            "name": {"type": "string"},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "datatype": {"type": "string"},
            "data": {"type": "array"},
            "parameters": {"type": "object"},
        },
        ["name", "shape", "datatype", "data"],
        more=True,
    )
    properties = {
        "id": {"type": "string"},
        "inputs": {"type": "array", "items": tensor, "minItems": 1},
        "outputs": {"type": "array", "items": {"type": "object"}},
    }
    return _object(properties, ["inputs"], more=True)


def schema_of(field: Field) -> dict[str, Any]:
    """Return the JSON Schema of one input."""
    if field.kind == "integer":
        least, most = field.bounds or (0, 0)
        return {"type": "integer", "minimum": int(least), "maximum": int(most)}
    if field.kind == "number":
        least, most = field.bounds or (-_LARGEST, _LARGEST)
        if field.dtype == np.dtype(np.float32):  # a bound that a double shows as it is
            least, most = -3.4e38, 3.4e38
        return {"type": ["number", "null"], "minimum": float(least), "maximum": float(most)}
    if field.kind == "boolean":
        return {"type": "boolean"}
    if field.kind == "text":
        return {"type": ["string", "null"]}
    return {"type": ["string", "null"], "pattern": _TIME, "description": "ISO 8601"}
