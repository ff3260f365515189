"""JSON (or CSV) values → columns of the types the model's signature names.

Strict where a silent cast would change what the model sees: text is no number, true is no 1,
3.5 is no integer. The first bad value is named by field and row.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from mlnb.core.errors import SignatureMismatch, UnsupportedData
from mlnb.core.records import Column

Kind = Literal["integer", "number", "boolean", "text", "time"]

_NEEDS = {
    "integer": "needs an integer",
    "number": "needs a number",
    "boolean": "needs true or false",
    "text": "needs text",
    "time": "needs an ISO 8601 time",
}
_EXACT: dict[Kind, frozenset[type]] = {
    "integer": frozenset({int}),
    "number": frozenset({int, float, type(None)}),
    "boolean": frozenset({bool}),
    "text": frozenset({str, type(None)}),
    "time": frozenset({str, type(None)}),
}


@dataclass(frozen=True)
class Field:
    """One column of a model's input: its name, Arrow type and what JSON value it needs."""

    name: str
    type: pa.DataType
    kind: Kind


def fields_of(columns: Sequence[Column]) -> list[Field]:
    """Read a model's signature.

    Raises
    ------
    UnsupportedData
        If a column has a type that no JSON value stands for.
    """
    return [_field(column) for column in columns]


def _field(column: Column) -> Field:
    kind_type = _arrow_type(column.type)
    checks: list[tuple[Kind, Callable[[pa.DataType], bool]]] = [
        ("integer", pa.types.is_integer),
        ("number", pa.types.is_floating),
        ("boolean", pa.types.is_boolean),
        ("text", _is_text),
        ("time", lambda it: pa.types.is_timestamp(it) or pa.types.is_date(it)),
    ]
    if kind_type is not None:
        for kind, holds in checks:
            if holds(kind_type):
                return Field(column.name, pa.string() if kind == "text" else kind_type, kind)
    raise UnsupportedData(
        f"The model's input {column.name!r} has type {column.type}, which no request can carry.",
        "Serve a model whose inputs are numbers, booleans, text or times.",
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _arrow_type(name: str) -> pa.DataType | None:
    if name.startswith("dictionary<values=string"):
        return pa.string()
    if name.startswith("timestamp[") and "tz=" in name:
        unit, _, zone = name.removeprefix("timestamp[").removesuffix("]").partition(", tz=")
        return pa.timestamp(unit, zone)
    try:
        return pa.type_for_alias(name)
    except ValueError:
        return None


def cast(field: Field, values: Sequence[Any], *, text: bool = False) -> pa.Array:
    """Cast one column.

    Parameters
    ----------
    field : Field
        What it has to be.
    values : sequence
        One JSON value per row; strings only (``""`` for nothing) when ``text``.
    text : bool
        Whether the values were read from CSV.

    Raises
    ------
    SignatureMismatch
        Naming the field and the first row that does not fit.
    """
    if text:
        values = [_from_text(field, value, row) for row, value in enumerate(values)]
    if set(map(type, values)) <= _EXACT[field.kind]:
        try:
            return _fast(field, values)
        except (pa.ArrowException, OverflowError, ValueError):
            pass  # the slow way finds the row
    return _slow(field, values)


def _fast(field: Field, values: Sequence[Any]) -> pa.Array:
    if field.kind == "time":
        return _times(values, field.type)
    array = pa.array(values, type=field.type)
    if field.kind == "number" and pc.any(pc.is_inf(array)).as_py():
        raise OverflowError(field.name)  # too large for a narrow float
    return array


def _times(values: Sequence[str | None], kind: pa.DataType) -> pa.Array:
    texts = pa.array(values, pa.string())
    zone = kind.tz if pa.types.is_timestamp(kind) else None
    try:
        naive = texts.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return texts.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", zone)).cast(kind)
    return naive.cast(pa.timestamp("us", zone)).cast(kind) if zone else naive.cast(kind)


def _slow(field: Field, values: Sequence[Any]) -> pa.Array:
    converted = []
    for row, value in enumerate(values):
        try:
            converted.append(_convert(field, value))
        except (ValueError, OverflowError, pa.ArrowException):
            raise _mismatch(field, value, row) from None
    return pa.array(converted, type=field.type)


def _convert(field: Field, value: Any) -> Any:
    """Return one value as Arrow takes it; ValueError if it does not fit."""
    if value is None and field.kind in ("number", "text", "time"):
        return None
    if field.kind == "integer" and type(value) is float and value.is_integer():
        value = int(value)
    if type(value) not in _EXACT[field.kind]:
        raise ValueError(value)
    if field.kind == "time":
        moment = datetime.fromisoformat(value)
        aware = moment.replace(tzinfo=moment.tzinfo or UTC)
        moment = (
            aware if getattr(field.type, "tz", None) else aware.astimezone(UTC).replace(tzinfo=None)
        )
        return pa.scalar(moment).cast(field.type).as_py()
    if field.kind == "number":
        value = float(value)  # an integer beyond 2**53 is rounded, as JSON readers do
    scalar = pa.scalar(value, field.type)
    if field.kind == "number" and isfinite(value) and not isfinite(scalar.as_py()):
        raise ValueError(value)
    return value


def _mismatch(field: Field, value: Any, row: int) -> SignatureMismatch:
    if value is None:
        return SignatureMismatch(field.name, f"{_NEEDS[field.kind]}, got null", row)
    shown = repr(value) if not isinstance(value, bool) else str(value).lower()
    shown = shown if len(shown) <= 40 else shown[:37] + "…"
    kind = {str: "text", bool: "boolean", list: "list", dict: "object"}.get(type(value), "")
    if (field.kind in ("integer", "number")) and type(value) in (int, float):
        reason = f"{shown} does not fit {field.type}"
    else:
        reason = f"{_NEEDS[field.kind]}, got {f'{kind} ' if kind else ''}{shown}"
    return SignatureMismatch(field.name, reason, row)


_TRUTH = {"true": True, "false": False, "1": True, "0": False}


def _from_text(field: Field, value: str, row: int) -> Any:
    if value == "":
        return None
    if field.kind in ("text", "time"):
        return value
    try:
        if field.kind == "boolean":
            return _TRUTH[value.strip().lower()]
        return int(value) if field.kind == "integer" else float(value)
    except (KeyError, ValueError):
        raise _mismatch(field, value, row) from None
