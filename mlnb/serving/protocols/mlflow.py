"""MLflow's scoring protocol: ``POST /invocations``, ``GET /ping``, ``GET /version``.

Accepted are JSON with one of ``dataframe_split``, ``dataframe_records``, ``instances`` (rows) or
``inputs`` (columns, or rows), and CSV with a header. JSON may carry ``ids`` and ``times`` beside
it, one per row, for the prediction log.
"""

import csv
import io
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from mlnb.core.errors import BadInput, SignatureMismatch, suggestion
from mlnb.core.extras import require
from mlnb.serving.batches import Batch
from mlnb.serving.casting import Schema, cast
from mlnb.serving.fields import Field
from mlnb.serving.messages import Request, Response
from mlnb.serving.routes import Answer, Exchange, Route, Served

BODIES = ("dataframe_split", "dataframe_records", "inputs", "instances")
_TIME = Field("times", "timestamp[us, tz=UTC]", "time", "datetime64[us]", "UTC")
_ONE_OF = "Send JSON with one of " + ", ".join(BODIES) + ", or text/csv with a header."


def routes(_served: Served) -> list[Route]:
    """Return the routes that MLflow's clients, and SageMaker, ask."""
    return [
        Route("POST", "/invocations", exchange=Invocations()),
        Route("GET", "/ping", _ping, open=True),
        Route("GET", "/version", _version),
    ]


def _ping(_request: Request) -> Response:
    return Response(200, b"\n")


def _version(_request: Request) -> Response:
    return Response(200, _mlflow().encode(), "text/plain; charset=utf-8")


def _mlflow() -> str:
    """Return the version whose protocol this is; an image has it written down, not installed."""
    return os.environ.get("MLNB_MLFLOW_VERSION") or version("mlflow")


class Invocations(Exchange):
    """Reads any of MLflow's forms, writes ``{"predictions": […], "scores": […]}``."""

    def __init__(self) -> None:
        json = require("orjson", "serving")
        self._dumps, self._option = json.dumps, json.OPT_SERIALIZE_NUMPY

    def read(self, request: Request, schema: Schema) -> Batch:
        """Read the body."""
        media = request.headers.get(b"content-type", b"")
        if media == b"application/json":
            return _parse_json(request.body, schema)
        return parse(request.body, media.decode("latin-1"), schema)

    def write(self, _request: Request, answer: Answer) -> Response:
        """Write the answer."""
        body: dict[str, Any] = {"predictions": answer.predictions}
        if answer.scores is not None:
            body["scores"] = answer.scores
        return Response(200, self._dumps(body, option=self._option))


def parse(body: bytes, content_type: str, schema: Schema) -> Batch:
    """Read a request.

    Raises
    ------
    SignatureMismatch
        If a field is missing, unknown or of the wrong type; names field and row.
    BadInput
        If the body is malformed.
    """
    media = content_type.partition(";")[0].strip().lower()
    if media == "text/csv":
        return _parse_csv(body, schema)
    if media not in ("application/json", ""):
        raise BadInput(f"Content type {media!r} is not understood.", _ONE_OF)
    return _parse_json(body, schema)


@cache
def _loads() -> Callable[[bytes], Any]:
    loads: Callable[[bytes], Any] = require("orjson", "serving").loads
    return loads


def _parse_json(body: bytes, schema: Schema) -> Batch:
    try:
        message = _loads()(body)
    except ValueError as error:
        raise BadInput(f"The body is no valid JSON: {error}.", _ONE_OF) from None
    if not isinstance(message, dict):
        raise BadInput("The body is no JSON object.", _ONE_OF)
    row = _single(message, schema) if len(message) == 1 else None
    if row is not None:
        return Batch(schema, row=schema.row(row))
    return from_message(message, schema)


def _single(message: dict[str, Any], schema: Schema) -> tuple[Any, ...] | None:
    """Return the only row of the two commonest forms; None leaves it to the thorough way."""
    rows = message.get("dataframe_records")
    try:
        if rows is not None:
            (record,) = rows
            return schema.from_record(record) if len(record) == schema.width else None
        split = message["dataframe_split"]
        (values,) = split["data"]
        if tuple(split["columns"]) == schema.names and len(values) == schema.width:
            return tuple(values) if type(values) is list else None
    except (KeyError, TypeError, ValueError):
        pass
    return None


def from_message(message: dict[str, Any], schema: Schema) -> Batch:
    """Read a JSON body that is an object.

    Raises
    ------
    BadInput
        If it is not in order.
    """
    if message.pop("params", None) not in (None, {}):
        raise BadInput("The model takes no 'params'.", "Leave them out.")
    given = [key for key in BODIES if key in message]
    unknown = [key for key in message if key not in (*BODIES, "ids", "times")]
    if unknown:
        hint = suggestion(unknown[0], [*BODIES, "ids", "times"])
        raise BadInput(f"The body has the unknown key {unknown[0]!r}.", hint)
    if len(given) != 1:
        said = "none" if not given else " and ".join(given)
        raise BadInput(f"The body needs exactly one table, it has {said}.", _ONE_OF)
    key = given[0]
    columns = _checked(_columns(key, message[key], list(schema.names)), schema)
    rows = len(columns[0])
    ids, times = _ids(message.get("ids"), rows), _times(message.get("times"), rows)
    return Batch(schema, columns, ids=ids, moments=times)


def _columns(key: str, data: Any, names: list[str]) -> Mapping[str, Sequence[Any]]:
    """Return each column's values, complete and of one length."""
    if key == "dataframe_split":
        return _from_split(data, names)
    if key == "inputs" and isinstance(data, dict):
        return _from_columns(data, names)
    if not isinstance(data, list):
        raise BadInput(f"{key!r} is no list of rows.", _ONE_OF)
    if key != "dataframe_records" and data and not isinstance(data[0], dict):
        return _from_lists(data, names)
    return _from_records(key, data, names)


def _from_split(data: Any, names: list[str]) -> Mapping[str, Sequence[Any]]:
    if not (
        isinstance(data, dict)
        and isinstance(data.get("columns"), list)
        and isinstance(data.get("data"), list)
        and set(data) <= {"columns", "data", "index"}
    ):
        raise BadInput("'dataframe_split' needs the lists 'columns' and 'data'.", _ONE_OF)
    columns = data["columns"]
    _check_names(columns, names)
    return _from_lists(data["data"], columns)


def _from_lists(rows: Sequence[Any], columns: list[str]) -> Mapping[str, Sequence[Any]]:
    width = len(columns)
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise SignatureMismatch("", "this row is no list of values", number)
        if len(row) != width:
            raise SignatureMismatch("", f"it has {len(row)} values, {width} are needed", number)
    return dict(zip(columns, zip(*rows, strict=True), strict=True)) if rows else {}


def _from_columns(data: dict[str, Any], names: list[str]) -> Mapping[str, Sequence[Any]]:
    _check_names(list(data), names)
    columns = {key: value if isinstance(value, list) else [value] for key, value in data.items()}
    rows = len(next(iter(columns.values()), []))
    for key, values in columns.items():
        if len(values) != rows:
            raise SignatureMismatch(key, f"has {len(values)} values, the first column {rows}")
    return columns


def _from_records(key: str, rows: Sequence[Any], names: list[str]) -> Mapping[str, Sequence[Any]]:
    wanted = set(names)
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise SignatureMismatch("", f"this row of {key!r} is no object", number)
        if row.keys() != wanted:
            _check_names(list(row), names, number)
    return {name: [row[name] for row in rows] for name in names}


def _check_names(given: Sequence[Any], names: list[str], row: int | None = None) -> None:
    for name in names:
        if name not in given:
            raise SignatureMismatch(name, "is missing", row)
    for name in given:
        if name not in names:
            hint = suggestion(str(name), names)
            raise SignatureMismatch(str(name), "is no input of the model", row, hint)
    if len(set(given)) != len(given):
        twice = next(name for name in given if list(given).count(name) > 1)
        raise SignatureMismatch(twice, "is there twice", row)


def _checked(
    columns: Mapping[str, Sequence[Any]], schema: Schema, *, text: bool = False
) -> list[Sequence[Any]]:
    if not columns or not len(next(iter(columns.values()))):
        raise BadInput("The request has no rows.", _ONE_OF)
    return schema.columns([columns[name] for name in schema.names], text=text)


def _ids(values: Any, rows: int) -> list[str] | None:
    if values is None:
        return None
    _check_length("ids", values, rows)
    for row, value in enumerate(values):
        if type(value) not in (str, int):
            raise SignatureMismatch("ids", "needs text or an integer", row)
    return list(map(str, values))


def _times(values: Any, rows: int) -> Sequence[Any] | None:
    if values is None:
        return None
    _check_length("times", values, rows)
    moments = cast(_TIME, values)
    if None in moments:
        raise SignatureMismatch("times", "needs an ISO 8601 time, got null", values.index(None))
    return moments


def _check_length(key: str, values: Any, rows: int) -> None:
    if not isinstance(values, list):
        raise SignatureMismatch(key, "is no list")
    if len(values) != rows:
        raise SignatureMismatch(key, f"has {len(values)} entries for {rows} rows")


def _parse_csv(body: bytes, schema: Schema) -> Batch:
    try:
        lines = list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"The body is no valid CSV: {error}.", _ONE_OF) from None
    rows = [line for line in lines if line]
    if not rows:
        raise BadInput("The body is empty.", _ONE_OF)
    _check_names(rows[0], list(schema.names))
    return Batch(schema, _checked(_from_lists(rows[1:], rows[0]), schema, text=True))
