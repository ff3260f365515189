"""Amounts as people write them: ``10m``, ``1h30m``, ``4GB``, ``500 MiB``; plain numbers, too."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {
    "B": 1,
    "K": 1000, "KB": 1000, "KI": 2**10, "KIB": 2**10,
    "M": 1000**2, "MB": 1000**2, "MI": 2**20, "MIB": 2**20,
    "G": 1000**3, "GB": 1000**3, "GI": 2**30, "GIB": 2**30,
    "T": 1000**4, "TB": 1000**4, "TI": 2**40, "TIB": 2**40,
}  # fmt: skip
_DURATION = r"(?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)\s*)+"
_SIZE = r"\d+(?:\.\d+)?\s*[KMGTkmgt]?[iI]?[bB]?"


def seconds(value: Any) -> Any:
    """Return a duration in seconds: a number as it is, text such as ``1h30m`` computed."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(_DURATION, value.strip()):
        raise ValueError(f"{value!r} is no time; write seconds (90) or 90s, 10m, 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", value)
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def amount(value: Any) -> Any:
    """Return an amount as a number: text such as ``4GB`` becomes bytes."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", value.strip())
    if match is None or (match[2] and match[2].upper() not in _BYTES):
        raise ValueError(f"{value!r} is no amount; write a number, or 500MB, 4GB, 2GiB")
    return float(match[1]) * (_BYTES[match[2].upper()] if match[2] else 1)


_DurationText = Annotated[str, Field(pattern=f"^{_DURATION}$")]
_SizeText = Annotated[str, Field(pattern=f"^{_SIZE}$")]

Seconds = Annotated[float, BeforeValidator(seconds, json_schema_input_type=float | _DurationText)]
"""Written as a number or as ``10m``; in seconds once read."""

Amount = Annotated[
    float,
    Field(ge=0, allow_inf_nan=False),
    BeforeValidator(amount, json_schema_input_type=float | _SizeText),
]
"""Written as a number or as ``4GB``; bytes when it has a unit."""
