"""The inputs of a model, as its signature names them: what JSON value each needs.

NumPy and Arrow are imported when somebody asks for their types: looking at a signature needs
neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import nextafter
from typing import TYPE_CHECKING, Any, Literal

from mlnb.core.errors import UnsupportedData
from mlnb.core.records import Column

if TYPE_CHECKING:
    import numpy as np

Kind = Literal["integer", "number", "boolean", "text", "time"]
_FLOATS = {
    "halffloat": "float16",
    "float16": "float16",
    "float": "float32",
    "float32": "float32",
    "double": "float64",
    "float64": "float64",
}
_NAMES = {
    "halffloat": "halffloat",
    "float16": "halffloat",
    "float32": "float",
    "float64": "double",
    "date32": "date32[day]",
    "date64": "date64[ms]",
}
"""Arrow's own names, where a signature's are others."""
_TEXTS = ("string", "utf8", "large_string", "large_utf8", "str")
_ROUNDS_TO_INFINITY = {"float16": 65520.0, "float32": 3.4028235677973366e38}


@dataclass(frozen=True)
class Field:
    """One column of a model's input: its name, type and what JSON value it needs."""

    name: str
    declared: str
    """The signature's name of the type."""
    kind: Kind
    array: str
    """NumPy's name of the type of the arrays that a model gets."""
    zone: str | None = None
    """Of a time."""

    @cached_property
    def dtype(self) -> "np.dtype[Any]":
        """Return the type of the arrays that a model gets."""
        import numpy as np

        return np.dtype(self.array)

    @property
    def arrow(self) -> str:
        """Return Arrow's name of the type, ``str(self.type)``, without importing it."""
        if self.kind == "text":
            return "string"
        return _NAMES.get(self.declared.partition("[")[0]) or self.declared

    @property
    def type(self) -> Any:
        """Return the Arrow type; imports pyarrow, which the hot path does not."""
        import pyarrow as pa

        if self.kind == "text":
            return pa.string()
        if self.kind == "time" and self.declared.startswith("timestamp"):
            return pa.timestamp(self.array.removeprefix("datetime64[").rstrip("]"), self.zone)
        return pa.type_for_alias(self.declared.partition("[")[0])

    @cached_property
    def bounds(self) -> tuple[float, float] | None:
        """Return the least and greatest value, or None where every JSON number fits."""
        if self.kind == "integer":
            bits = int(self.array.lstrip("uint"))
            if self.array.startswith("u"):
                return 0, 2**bits - 1
            return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        limit = _ROUNDS_TO_INFINITY.get(self.array)
        return (-nextafter(limit, 0), nextafter(limit, 0)) if limit else None


def fields_of(columns: Sequence[Column]) -> list[Field]:
    """Read a model's signature.

    Raises
    ------
    UnsupportedData
        If a column has a type that no JSON value stands for.
    """
    return [_field(column) for column in columns]


def _field(column: Column) -> Field:
    name, kind = column.name, column.type
    if kind in _FLOATS:
        return Field(name, kind, "number", _FLOATS[kind])
    if kind in ("bool", "boolean"):
        return Field(name, "bool", "boolean", "bool")
    if kind in _TEXTS or kind.startswith("dictionary<values=string"):
        return Field(name, "string", "text", "object")
    if kind.removeprefix("u") in ("int8", "int16", "int32", "int64"):
        return Field(name, kind, "integer", kind)
    if kind.startswith("timestamp["):
        unit, _, zone = kind.removeprefix("timestamp[").removesuffix("]").partition(", tz=")
        return Field(name, kind, "time", f"datetime64[{unit}]", zone or None)
    if kind.partition("[")[0] in ("date32", "date64"):
        return Field(name, kind, "time", "datetime64[D]")
    raise UnsupportedData(
        f"The model's input {name!r} has type {kind}, which no request can carry.",
        "Serve a model whose inputs are numbers, booleans, text or times.",
    )
