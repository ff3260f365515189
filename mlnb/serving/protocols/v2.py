"""The Open Inference Protocol (v2), as KServe, Triton and MLServer speak it.

One tensor per input of the model, named like it, of shape ``[rows]`` or ``[rows, 1]``; or a single
tensor of shape ``[rows, inputs]`` with all of them in the signature's order. Tensors are JSON or,
by the binary tensor data extension, raw bytes after the JSON. The answer has ``prediction`` and,
of a classifier, ``score``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlnb.core.errors import BadInput, MlnbError, SignatureMismatch, suggestion
from mlnb.core.extras import require
from mlnb.serving.batches import Batch
from mlnb.serving.casting import Schema
from mlnb.serving.messages import Request, Response
from mlnb.serving.protocols.tensors import (
    DATATYPES,
    Tensor,
    from_bytes,
    from_json,
    to_bytes,
    to_json,
)
from mlnb.serving.routes import Answer, Exchange, Route, Served

LENGTH = b"inference-header-content-length"
OUTPUTS = ("prediction", "score")
_HOW = "Send {'inputs': [{'name', 'shape', 'datatype', 'data'}, …]}, one tensor per input."


def routes(served: Served) -> list[Route]:
    """Return the routes of the protocol, with the model's name and version in their paths."""
    found = [
        Route("GET", "/v2", _Fixed(_server())),
        Route("GET", "/v2/health/live", _Fixed({"live": True}), open=True),
        Route("GET", "/v2/health/ready", _Fixed({"ready": True}), open=True),
    ]
    model = f"/v2/models/{served.name}"
    for path in (model, f"{model}/versions/{served.number}"):
        found += [
            Route("GET", path, _Fixed(metadata(served))),
            Route("GET", f"{path}/ready", _Fixed({"name": served.name, "ready": True}), open=True),
            Route("POST", f"{path}/infer", exchange=Infer(served)),
        ]
    return found


def refusal(error: MlnbError) -> dict[str, Any]:
    """Return an error as the protocol wants it: ``error`` is the message."""
    said = error.to_dict()
    return {**said, "error": str(error), "kind": said["error"]}


def metadata(served: Served) -> dict[str, Any]:
    """Return the description of the model."""
    inputs = [
        {"name": field.name, "datatype": DATATYPES[field.kind], "shape": [-1, 1]}
        if field.kind in ("text", "time")
        else {"name": field.name, "datatype": _datatype(field.dtype), "shape": [-1, 1]}
        for field in served.schema.fields
    ]
    predicted = served.facts.get("prediction_datatype")
    outputs: list[dict[str, Any]] = []
    if predicted:
        outputs.append({"name": "prediction", "datatype": predicted, "shape": [-1]})
    if served.facts.get("scored"):
        outputs.append({"name": "score", "datatype": "FP64", "shape": [-1]})
    return {
        "name": served.name,
        "versions": [served.number],
        "platform": "mlnb_sklearn",
        "inputs": inputs,
        "outputs": outputs,
    }


def _datatype(dtype: "np.dtype[Any]") -> str:
    kind = {"f": "FP", "i": "INT", "u": "UINT"}.get(dtype.kind)
    return f"{kind}{dtype.itemsize * 8}" if kind else "BOOL"


def _server() -> dict[str, Any]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        number = version("mlnb")
    except PackageNotFoundError:  # copied into an image or an environment of its own
        number = ""
    return {"name": "mlnb", "version": number, "extensions": ["binary_tensor_data"]}


class _Fixed:
    """Answers with the same JSON each time."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._response = Response(200, require("orjson", "serving").dumps(body))

    def __call__(self, _request: Request) -> Response:
        return self._response


class Infer(Exchange):
    """Reads tensors, writes tensors."""

    def __init__(self, served: Served) -> None:
        self._served = served
        json = require("orjson", "serving")
        self._loads, self._dumps, self._option = json.loads, json.dumps, json.OPT_SERIALIZE_NUMPY

    def read(self, request: Request, schema: Schema) -> Batch:
        """Read the body."""
        header, binary = self._split(request)
        message = self._message(header)
        _wanted(message)
        tensors = _tensors(message.get("inputs"), binary)
        return Batch(schema, schema.columns(_columns(tensors, schema)))

    def _split(self, request: Request) -> tuple[bytes, bytes | None]:
        """Return the JSON part and, when the request says that there is one, the binary part."""
        given = request.headers.get(LENGTH)
        if given is None:
            return request.body, None
        if not given.isdigit() or len(given) > 12 or int(given) > len(request.body):
            raise BadInput("Inference-Header-Content-Length is not the length of the JSON part.")
        return request.body[: int(given)], request.body[int(given) :]

    def _message(self, header: bytes) -> dict[str, Any]:
        try:
            message = self._loads(header)
        except ValueError as error:
            raise BadInput(f"The body is no valid JSON: {error}.", _HOW) from None
        if not isinstance(message, dict):
            raise BadInput("The body is no JSON object.", _HOW)
        return message

    def write(self, request: Request, answer: Answer) -> Response:
        """Write the answer."""
        header, _ = self._split(request)
        message = self._message(header)
        wanted = _wanted(message)
        values = {"prediction": answer.predictions, "score": answer.scores}
        outputs, parts = [], []
        for name, binary in wanted.items():
            if values[name] is None:
                continue
            tensor, raw = (to_bytes if binary else to_json)(name, values[name])
            outputs.append(tensor)
            parts.append(raw)
        body: dict[str, Any] = {
            "model_name": self._served.name,
            "model_version": self._served.number,
            "outputs": outputs,
        }
        if isinstance(message.get("id"), str):
            body["id"] = message["id"]
        text = self._dumps(body, option=self._option)
        if not any(wanted.values()):
            return Response(200, text)
        extra = [(LENGTH, str(len(text)).encode())]
        return Response(200, text + b"".join(parts), "application/octet-stream", extra)


def _wanted(message: dict[str, Any]) -> dict[str, bool]:
    """Return which outputs are asked for, and whether as bytes."""
    every = _parameters(message).get("binary_data_output") is True
    asked = message.get("outputs")
    if asked is None:
        return dict.fromkeys(OUTPUTS, every)
    if not isinstance(asked, list):
        raise BadInput("'outputs' is no list of tensors.", _HOW)
    found: dict[str, bool] = {}
    for item in asked:
        name = item.get("name") if isinstance(item, dict) else None
        if name not in OUTPUTS:
            raise BadInput(f"There is no output {name!r:.100}.", suggestion(str(name), OUTPUTS))
        found[str(name)] = _parameters(item).get("binary_data", every) is True
    return found or dict.fromkeys(OUTPUTS, every)


def _parameters(item: dict[str, Any]) -> dict[str, Any]:
    parameters = item.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise BadInput("'parameters' is no object.", _HOW)
    return parameters


def _tensors(items: Any, binary: bytes | None) -> list[Tensor]:
    if not isinstance(items, list) or not items:
        raise BadInput("'inputs' is no list of tensors.", _HOW)
    found, offset = [], 0
    for item in items:
        if not isinstance(item, dict) or not isinstance(item.get("name"), str):
            raise BadInput("An input has no name.", _HOW)
        size = _parameters(item).get("binary_data_size")
        if size is None:
            found.append(from_json(item))
            continue
        room = 0 if binary is None else len(binary) - offset
        if type(size) is not int or not 0 <= size <= room or binary is None:
            raise SignatureMismatch(item["name"], "has fewer bytes than its binary_data_size")
        found.append(from_bytes(item, binary[offset : offset + size]))
        offset += size
    if binary is not None and offset != len(binary):
        raise BadInput("The body has bytes that belong to no input.", _HOW)
    return found


def _columns(tensors: Sequence[Tensor], schema: Schema) -> list[Sequence[Any]]:
    """Return the values of each field."""
    if len(tensors) == 1 and tensors[0].name not in schema.names:
        return _matrix(tensors[0], schema)
    by_name: dict[str, Tensor] = {}
    for tensor in tensors:
        if tensor.name not in schema.names:
            hint = suggestion(tensor.name, schema.names)
            raise SignatureMismatch(tensor.name, "is no input of the model", None, hint)
        if tensor.name in by_name:
            raise SignatureMismatch(tensor.name, "is there twice")
        if len(tensor.shape) > 2 or (len(tensor.shape) == 2 and tensor.shape[1] != 1):
            raise SignatureMismatch(tensor.name, "needs the shape [rows] or [rows, 1]")
        by_name[tensor.name] = tensor
    rows = tensors[0].shape[0]
    for name in schema.names:
        if name not in by_name:
            raise SignatureMismatch(name, "is missing")
        if by_name[name].shape[0] != rows:
            raise SignatureMismatch(name, f"has {by_name[name].shape[0]} rows, not {rows}")
    if not rows:
        raise BadInput("The request has no rows.", _HOW)
    return [by_name[name].values for name in schema.names]


def _matrix(tensor: Tensor, schema: Schema) -> list[Sequence[Any]]:
    shape = tensor.shape
    if len(shape) != 2 or shape[1] != schema.width:
        hint = suggestion(tensor.name, schema.names)
        raise SignatureMismatch(
            tensor.name,
            f"is no input of the model, nor all {schema.width} of them as [rows, {schema.width}]",
            None,
            hint,
        )
    if not shape[0]:
        raise BadInput("The request has no rows.", _HOW)
    return [tensor.values[place :: schema.width] for place in range(schema.width)]
