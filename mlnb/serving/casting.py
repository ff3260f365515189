"""JSON (or CSV) values → columns of the types the model's signature names.

Strict where a silent cast would change what the model sees: text is no number, true is no 1,
3.5 is no integer. The first bad value is named by field and row. A `Schema` is compiled once per
model; what it has checked are plain Python values, which become numpy arrays once per batch.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import numpy as np

from mlnb.core.errors import SignatureMismatch
from mlnb.serving.fields import Field, Kind

Row = tuple[Any, ...]
Columns = Sequence[Sequence[Any]]
"""One sequence of values per field, in the signature's order."""

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
    "time": frozenset({type(None)}),  # text is no time yet
}
_LEAST = -(2.0**63)
_NANOSECOND_YEARS = (1678, 2261)
_KNOWN = 1000
"""Combinations of types that a schema remembers."""


class Schema:
    """A signature, compiled: checks rows and columns of JSON values, makes arrays of them.

    Parameters
    ----------
    fields : sequence of Field
        The signature.
    """

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self.names = tuple(field.name for field in fields)
        self.width = len(self.fields)
        self._index = {name: place for place, name in enumerate(self.names)}
        self._known: dict[tuple[type, ...], tuple[tuple[int, float, float], ...]] = {}
        self._from_record = _picker(self.names)

    def from_record(self, record: dict[str, Any]) -> Row:
        """Return a record's values in order; KeyError if one is missing."""
        return self._from_record(record)

    def row(self, row: Row) -> Row:
        """Check one row.

        Raises
        ------
        SignatureMismatch
            Naming the field that does not fit.
        """
        kinds = tuple(map(type, row))
        checks = self._known.get(kinds)
        if checks is None:
            return self._unknown(row, kinds)
        for place, least, most in checks:
            if not least <= row[place] <= most:
                raise _mismatch(self.fields[place], row[place], 0)
        return row

    def _unknown(self, row: Row, kinds: tuple[type, ...]) -> Row:
        """Check a row the slow way; remember its types if nothing had to be converted."""
        cast = tuple(
            _convert(field, value, 0) for field, value in zip(self.fields, row, strict=True)
        )
        if kinds == tuple(map(type, cast)) and len(self._known) < _KNOWN:
            self._known[kinds] = tuple(
                (place, *field.bounds)
                for place, field in enumerate(self.fields)
                if field.bounds is not None and row[place] is not None
            )
        return cast

    def columns(self, columns: Columns, *, text: bool = False) -> list[Sequence[Any]]:
        """Check whole columns; see `cast`."""
        return [
            cast(field, values, text=text)
            for field, values in zip(self.fields, columns, strict=True)
        ]

    def arrays(self, columns: Columns) -> list[np.ndarray[Any, Any]]:
        """Return one array per column of checked values; null is NaN, NaT or None."""
        return [_array(field, values) for field, values in zip(self.fields, columns, strict=True)]

    def frame(self, columns: Columns) -> Any:
        """Return the pandas frame of checked values."""
        import pandas as pd

        if any(field.kind == "time" for field in self.fields):
            return self.table(columns).to_pandas()
        text: Any = pd.Series(["a"]).dtype  # str with pandas 3, object with pandas 2
        arrays = zip(self.fields, self.arrays(columns), strict=True)
        return pd.DataFrame(
            {
                field.name: pd.array(array, dtype=text) if field.kind == "text" else array
                for field, array in arrays
            },
            copy=False,
        )

    def table(self, columns: Columns) -> Any:
        """Return the Arrow table of checked values."""
        import pyarrow as pa

        pairs = zip(self.fields, columns, strict=True)
        return pa.table({field.name: arrow(field, values) for field, values in pairs})


def _picker(keys: Sequence[Any]) -> Callable[[Any], Row]:
    if not keys:
        return lambda _source: ()
    if len(keys) == 1:
        key = keys[0]
        return lambda source: (source[key],)
    return itemgetter(*keys)


def arrow(field: Field, values: Sequence[Any]) -> Any:
    """Return checked values as an Arrow array."""
    import pyarrow as pa

    if field.kind == "time":
        unit = pa.timestamp("us", "UTC" if field.zone else None)
        zoned = pa.timestamp("us", field.zone)
        return pa.array(values, unit).cast(zoned).cast(field.type)
    if field.kind == "number":
        return pa.array(_array(field, values), field.type, from_pandas=True)
    return pa.array(values, field.type)


def _array(field: Field, values: Sequence[Any]) -> np.ndarray[Any, Any]:
    if field.kind == "time":
        naive = [value and value.replace(tzinfo=None) for value in values]  # UTC, if it had a zone
        return np.array(naive, dtype="datetime64[us]").astype(field.dtype)
    if field.kind == "text":
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
    return np.array(values, dtype=field.dtype)


def cast(field: Field, values: Sequence[Any], *, text: bool = False) -> Sequence[Any]:
    """Check one column of JSON values.

    Parameters
    ----------
    field : Field
        What it has to be.
    values : sequence
        One JSON value per row; strings only (``""`` for nothing) when ``text``.
    text : bool
        Whether the values were read from CSV.

    Returns
    -------
    sequence
        The values, converted where it loses nothing (``3.0`` for an integer, text for a time).

    Raises
    ------
    SignatureMismatch
        Naming the field and the first row that does not fit.
    """
    if text:
        values = [_from_text(field, value, row) for row, value in enumerate(values)]
    if set(map(type, values)) <= _EXACT[field.kind] and _within(field, values):
        return values
    return [_convert(field, value, row) for row, value in enumerate(values)]


def _within(field: Field, values: Sequence[Any]) -> bool:
    if field.bounds is None:
        return True
    if field.kind == "number":
        values = [value for value in values if value is not None]
    least, most = field.bounds
    return not values or (least <= min(values) and max(values) <= most)


def _convert(field: Field, value: Any, row: int) -> Any:
    """Return one value as the column needs it; SignatureMismatch if it does not fit."""
    if value is None and field.kind in ("number", "text", "time"):
        return None
    if field.kind == "time":
        return _moment(field, value, row)
    if field.bounds is not None and type(value) in (int, float):
        least, most = field.bounds
        if not least <= value <= most:
            raise _mismatch(field, value, row)
    if field.kind == "integer" and type(value) is float and value.is_integer():
        if value == _LEAST:  # what is less is read as this, too
            raise _mismatch(field, value, row)
        value = int(value)
    if type(value) not in _EXACT[field.kind]:
        raise _mismatch(field, value, row)
    if field.kind == "number" and type(value) is int:
        try:
            float(value)
        except OverflowError:
            raise _mismatch(field, value, row) from None
    return value


def _moment(field: Field, value: Any, row: int) -> datetime:
    """Return a time: UTC where the field has a zone, without one where it has none."""
    if type(value) is not str:
        raise _mismatch(field, value, row)
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _mismatch(field, value, row) from None
    first, last = _NANOSECOND_YEARS
    if field.array == "datetime64[ns]" and not first <= moment.year <= last:
        raise _mismatch(field, value, row)
    return moment.replace(tzinfo=UTC if field.zone else None)


def _mismatch(field: Field, value: Any, row: int) -> SignatureMismatch:
    if value is None:
        return SignatureMismatch(field.name, f"{_NEEDS[field.kind]}, got null", row)
    shown = repr(value) if not isinstance(value, bool) else str(value).lower()
    shown = shown if len(shown) <= 40 else shown[:37] + "…"
    kind = {str: "text", bool: "boolean", list: "list", dict: "object"}.get(type(value), "")
    if (field.kind in ("integer", "number")) and type(value) in (int, float):
        reason = f"{shown} does not fit {field.declared}"
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
