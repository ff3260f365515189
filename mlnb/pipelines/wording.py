"""Durations and parameter values as the terminal and the report show them."""

from datetime import datetime
from typing import Any

from mlnb.core.records import now


def duration(started: datetime | None, ended: datetime | None) -> str:
    """Return ``3.2 s``, ``2 min 05 s`` or ``1 h 02 min``; up to now when it has not ended."""
    if started is None:
        return ""
    return in_words(((ended or now()) - started).total_seconds())


def in_words(seconds: float) -> str:
    """Return seconds as ``3.2 s``, ``2 min 05 s`` or ``1 h 02 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def shown(value: Any, limit: int = 300) -> str:
    """Return a value as short text: floats to four digits, what is longer than `limit` cut."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        text = ", ".join(_inner(item) for item in value)
    elif isinstance(value, dict):
        text = ", ".join(f"{key}={_inner(item)}" for key, item in value.items())
    else:
        text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _inner(value: Any) -> str:
    """Return a value within another one, in the brackets that tell them apart."""
    if isinstance(value, list):
        return f"[{shown(value)}]"
    return f"{{{shown(value)}}}" if isinstance(value, dict) else shown(value)
