"""The parameters of a pipeline: what is declared must make sense, what is given must fit."""

from collections.abc import Mapping
from typing import Any

from mlnb.core.errors import InvalidParameter, InvalidPipeline, UnknownParameter
from mlnb.execution.parameters.binding import Text, convert
from mlnb.execution.parameters.declared import Parameter as Declared
from mlnb.execution.parameters.secret import MASK, PREFIX, REFERENCE, variable
from mlnb.pipelines.spec.models import Pipeline
from mlnb.pipelines.spec.parts import Parameter


def check_declared(where: str, pipeline: Pipeline) -> None:
    """Check types, choices and limits, and that each default fits its own declaration.

    Raises
    ------
    InvalidPipeline
        Naming the parameter.
    """
    for name, item in pipeline.params.items():
        place = f"{where}: params.{name}"
        if item.type and not _is_known(item.type):
            raise InvalidPipeline(
                f"{place}: {item.type!r} is no type that values can be checked against.",
                "Write int, float, str, bool, date, datetime, Path, list, dict, or list[int].",
            )
        if item.secret and (item.default is not None or item.choices or item.type not in _TEXTS):
            raise InvalidPipeline(
                f"{place} is a secret: its text comes from the environment only.",
                "Leave out its default, choices and type.",
            )
        if item.min is not None and item.max is not None and item.min > item.max:
            raise InvalidPipeline(f"{place}: min is greater than max.", "Exchange them.")
        fits = [*(item.choices or []), *([] if item.required else [item.default])]
        for value in fits:
            if item.secret or (value is None and item.default is None):
                continue
            try:
                _checked(name, value, item, place)
            except InvalidParameter as error:
                raise InvalidPipeline(error.message, error.fix) from None


_TEXTS = ("", "str")


def values_of(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all parameters: the given ones, checked, else the defaults.

    A secret's value is the reference ``env:NAME`` to the variable that holds it.

    Raises
    ------
    UnknownParameter, InvalidParameter
        If one is not declared, does not fit, or must be given and is not.
    """
    where = f"Pipeline {pipeline.name!r}"
    for name in given:
        if name not in pipeline.params:
            error = UnknownParameter(name, pipeline.params, where)
            error.fix = error.fix if pipeline.params else "It declares no `params`."
            raise error
    found: dict[str, Any] = {}
    for name, item in pipeline.params.items():
        if item.secret:
            found[name] = _reference(name, given.get(name), where)
        elif name in given:
            found[name] = _checked(name, given[name], item, where)
        elif item.required:
            raise _missing(name, item, where)
        else:
            found[name] = item.default
    return found


def _missing(name: str, item: Parameter, where: str) -> InvalidParameter:
    error = InvalidParameter(name, "", "it has no default", where)
    error.message = f"{where}: parameter {name} must be given, for it has no default."
    error.args = (error.message,)
    shown = f" ({item.help})" if item.help else ""
    error.fix = f"Add -p {name} VALUE{shown}."
    return error


def _checked(name: str, value: Any, item: Parameter, where: str) -> Any:
    value = _typed(name, value, item, where)
    if item.choices is not None and value not in item.choices:
        listed = ", ".join(repr(choice) for choice in item.choices)
        raise InvalidParameter(name, value, f"it must be one of {listed}", where)
    size = len(value) if isinstance(value, str | list | dict) else value
    if isinstance(size, int | float) and not isinstance(size, bool):
        what = "it" if size is value else "its length"
        if item.min is not None and not size >= item.min:
            raise InvalidParameter(name, value, f"{what} must be at least {item.min:g}", where)
        if item.max is not None and not size <= item.max:
            raise InvalidParameter(name, value, f"{what} must be at most {item.max:g}", where)
    return value


def _typed(name: str, value: Any, item: Parameter, where: str) -> Any:
    """Return a value as JSON has it, having checked that it has the declared type.

    The type of a parameter that only has a default is its default's. Text from a command line is
    brought to it; a date stays text.
    """
    annotation = item.type or _type_of(item)
    typed = isinstance(value, Text)
    if not annotation:
        return convert(Declared(name=name, default=""), value, where) if typed else value
    if value is None and not item.type:
        return None
    try:
        made = convert(Declared(name=name, default="", annotation=annotation), value, where)
    except InvalidParameter as error:
        if item.type:
            raise
        reason = f"it must be of type {annotation}, as {item.default!r}"
        raise InvalidParameter(name, str(value) if typed else value, reason, where) from error
    if not typed or not isinstance(made, int | float | str | list | dict | None):
        return str(value) if typed else value
    return made


def _type_of(item: Parameter) -> str:
    if item.default is None:
        return ""
    kind = type(item.default).__name__
    return kind if kind in ("bool", "int", "float", "str", "list", "dict") else ""


def _is_known(annotation: str) -> bool:
    from mlnb.execution.parameters import types

    return types.of(annotation) is not Any and not types.is_secret(annotation)


def _reference(name: str, value: Any, where: str) -> str:
    if value is None:
        return f"{REFERENCE}{variable(name)}"
    text = str(value)
    if text.startswith(REFERENCE) and text.removeprefix(REFERENCE).isidentifier():
        return text
    error = InvalidParameter(
        name, MASK, "a secret is not given as it is, for what is typed is seen by others", where
    )
    error.fix = (
        f"Set the environment variable {PREFIX}{name.upper()}, or give the name of another: "
        f"-p {name} {REFERENCE}NAME"
    )
    raise error
