"""Tensors of the Open Inference Protocol: JSON or bytes ↔ plain Python values, row by row."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from mlnb.core.errors import SignatureMismatch

NUMPY = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
DATATYPES = {"text": "BYTES", "time": "BYTES"}
"""Of the kinds of a signature that are no numbers."""
_DIMENSION = 2**31
_DEEP = 8


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor that was sent."""

    name: str
    shape: list[int]
    values: Sequence[Any]
    """Row by row."""


def from_json(item: dict[str, Any]) -> Tensor:
    """Read a tensor whose values are JSON, flat or nested."""
    name, shape, datatype = _described(item)
    data = item.get("data")
    if not isinstance(data, list):
        raise SignatureMismatch(name, "has no data")
    values: Sequence[Any] = data
    for _ in range(_DEEP):
        if not any(isinstance(value, list) for value in values):
            break
        if not all(isinstance(value, list) for value in values):
            raise SignatureMismatch(name, "has values beside lists of values")
        values = [inner for value in values for inner in value]
    if len(values) != prod(shape):
        raise SignatureMismatch(name, f"has {len(values)} values, its shape says {prod(shape)}")
    _check_kind(name, datatype, values)
    return Tensor(name, shape, values)


def from_bytes(item: dict[str, Any], raw: bytes) -> Tensor:
    """Read a tensor whose values are bytes."""
    name, shape, datatype = _described(item)
    count = prod(shape)
    if datatype == "BYTES":
        values: Sequence[Any] = _texts(name, raw)
    else:
        dtype = NUMPY[datatype]
        if len(raw) != count * dtype.itemsize:
            raise SignatureMismatch(name, f"has {len(raw)} bytes, which is not its shape")
        found = np.frombuffer(raw, dtype).tolist()
        # JSON has no NaN: a missing number is null there, and NaN here
        values = [None if value != value else value for value in found]
    if len(values) != count:
        raise SignatureMismatch(name, f"has {len(values)} values, its shape says {count}")
    return Tensor(name, shape, values)


def to_json(name: str, values: Any) -> tuple[dict[str, Any], bytes]:
    """Return an output with its values as JSON."""
    datatype = datatype_of(values)
    data = values if datatype != "BYTES" else [str(value) for value in values]
    return {"name": name, "shape": [len(values)], "datatype": datatype, "data": data}, b""


def to_bytes(name: str, values: Any) -> tuple[dict[str, Any], bytes]:
    """Return an output, and its values as bytes."""
    datatype = datatype_of(values)
    if datatype == "BYTES":
        texts = [str(value).encode() for value in values]
        raw = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    else:
        raw = np.asarray(values).astype(NUMPY[datatype], copy=False).tobytes()
    head = {"name": name, "shape": [len(values)], "datatype": datatype}
    return {**head, "parameters": {"binary_data_size": len(raw)}}, raw


def datatype_of(values: Any) -> str:
    """Return the protocol's name of the type of predictions or scores."""
    array = values if isinstance(values, np.ndarray) else np.asarray(values)
    kind = {"f": "FP", "i": "INT", "u": "UINT"}.get(array.dtype.kind)
    if array.dtype.kind == "b":
        return "BOOL"
    name = f"{kind}{array.dtype.itemsize * 8}"
    return name if name in NUMPY else "BYTES"


def _described(item: dict[str, Any]) -> tuple[str, list[int], str]:
    name, shape, datatype = str(item["name"]), item.get("shape"), item.get("datatype")
    if not isinstance(shape, list) or not shape or len(shape) > _DEEP:
        raise SignatureMismatch(name, "has no shape")
    if any(type(size) is not int or not 0 <= size < _DIMENSION for size in shape):
        raise SignatureMismatch(name, "has a shape with something else than sizes")
    if not isinstance(datatype, str) or (datatype != "BYTES" and datatype not in NUMPY):
        known = ", ".join((*NUMPY, "BYTES"))
        raise SignatureMismatch(name, "has an unknown datatype", None, f"There is {known}.")
    return name, shape, datatype


def _check_kind(name: str, datatype: str, values: Sequence[Any]) -> None:
    """Refuse values that are not of the datatype that the tensor claims."""
    allowed: set[type] = {int, float} if datatype.startswith("FP") else {int}
    if datatype in ("BOOL", "BYTES"):
        allowed = {bool} if datatype == "BOOL" else {str}
    for row, value in enumerate(values):
        if value is not None and type(value) not in allowed:
            raise SignatureMismatch(name, f"has a value that is no {datatype}", row)


def _texts(name: str, raw: bytes) -> list[str]:
    found, offset = [], 0
    while offset < len(raw):
        end = offset + 4
        if end > len(raw):
            raise SignatureMismatch(name, "has bytes that are no texts with their lengths")
        size = int.from_bytes(raw[offset:end], "little")
        if end + size > len(raw):
            raise SignatureMismatch(name, "has bytes that are no texts with their lengths")
        try:
            found.append(raw[end : end + size].decode())
        except UnicodeDecodeError:
            raise SignatureMismatch(name, "has a text that is not UTF-8", len(found)) from None
        offset = end + size
    return found
