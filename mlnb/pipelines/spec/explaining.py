"""pydantic's errors → one clear sentence with the place in the file."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ValidationError

from mlnb.core.errors import InvalidPipeline, suggestion
from mlnb.pipelines.spec.models import Pipeline, Step
from mlnb.pipelines.spec.parts import Notification, Parameter, Retries, Schedule

_INSIDE: dict[str, type[BaseModel]] = {
    "retries": Retries,
    "notify": Notification,
    "schedule": Schedule,
    "on_failure": Step,
    "params": Parameter,
    "steps": Step,
}
_PLAIN = ("Value error, ", "Assertion failed, ")


def explain(file: str, body: Mapping[str, Any], error: ValidationError) -> InvalidPipeline:
    """Return the first of pydantic's errors as one of ours; an unknown key goes first."""
    errors = error.errors()
    first = next((item for item in errors if item["type"] == "extra_forbidden"), errors[0])
    where = _place(body, first["loc"])
    if first["type"] == "extra_forbidden":
        key, *outer = reversed([str(part) for part in first["loc"]])
        kind = _kind(list(reversed(outer)))
        inside = f"Step {where[1]!r}" if kind is Step and len(where) > 2 else file
        if kind not in (Step, Pipeline):
            inside = f"{file}: {'.'.join(where[:-1])}"
        return InvalidPipeline(
            f"{inside} has {key!r}, which is no key of it.",
            suggestion(key, kind.model_fields, listed=20),
        )
    if first["type"] == "missing":
        return InvalidPipeline(f"{file}: {'.'.join(where)!r} is missing.")
    message = str(first["msg"])
    for prefix in _PLAIN:
        message = message.removeprefix(prefix)
    if len(where) == 2 and where[0] == "steps":
        return InvalidPipeline(f"{file}: step {where[1]!r}: {message}.")
    return InvalidPipeline(f"{file}: {'.'.join(where) or 'it'}: {message}.")


def _place(body: Any, location: tuple[int | str, ...]) -> list[str]:
    """Return a location as the file has it, without the names pydantic gives to alternatives."""
    place: list[str] = []
    for part in location:
        if part == "[key]":
            continue
        with suppress(TypeError, KeyError, IndexError):
            body = body[part]
            place.append(str(part))
            continue
        if not (isinstance(body, Mapping) and part == location[-1]):
            continue
        place.append(str(part))
    return place


def _kind(outer: list[str]) -> type[BaseModel]:
    """Return the model that has the keys at a place."""
    for part in reversed(outer):
        if part in _INSIDE:
            return _INSIDE[part]
    return Pipeline
