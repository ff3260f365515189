"""Values for parameters: checked against the declarations, brought to their types."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.core.errors import InvalidParameter, UnknownParameter
from mlnb.execution import notebooks
from mlnb.execution.parameters import declared as declarations
from mlnb.execution.parameters import types
from mlnb.execution.parameters.declared import Parameter
from mlnb.execution.parameters.secret import MASK, PREFIX, REFERENCE, Secret, variable

UNDECLARED = ("PAPERMILL_INPUT_PATH", "PAPERMILL_OUTPUT_PATH")
"""What papermill injects when asked to, whether or not the notebook declares it."""


@dataclass(frozen=True)
class Given:
    """The values of one execution, checked and of the declared types."""

    values: dict[str, Any] = field(default_factory=dict)
    """Without secrets."""
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """By parameter; only for the kernel's environment and for taking them out of outputs."""
    declared: Mapping[str, Parameter] = field(default_factory=dict, repr=False)

    def environment(self) -> dict[str, str]:
        """Return the variables by which the secrets reach the kernel."""
        return {variable(name): value for name, value in self.secrets.items()}

    def source(self) -> str:
        """Return the source of the injected cell, in Python; ``""`` when nothing is given.

        A secret's line reads it from the environment.
        """
        from mlnb.execution.parameters.codify import codify

        return codify(self)

    def shown(self) -> dict[str, Any]:
        """Return the values as JSON types for records and metadata; secrets are masked."""
        plain = {name: _plain(value) for name, value in self.values.items()}
        return plain | dict.fromkeys(self.secrets, MASK)


class Text(str):
    """A value as it was typed on a command line, still to be brought to its type."""

    __slots__ = ()


def bind(
    notebook: notebooks.Notebook,
    given: Mapping[str, Any],
    *,
    environment: Mapping[str, str] | None = None,
) -> Given:
    """Check values against a notebook's declarations and bring them to their types.

    Parameters
    ----------
    notebook : Notebook
        Read already.
    given : mapping
        JSON or YAML values, Python ones, or `Text` from a command line. A secret's is
        ``env:NAME``.
    environment : mapping, optional
        Where secrets are looked up; ``os.environ`` by default. One that is not given is taken
        from ``MLNB_SECRET_<NAME>``.

    Raises
    ------
    UnknownParameter, InvalidParameter
        Naming the notebook, the parameter and what would fit.
    """
    known = declarations.of(notebook)
    check_names(notebook.path, known, given)
    where = project.current().relative(notebook.path)
    variables = os.environ if environment is None else environment
    values: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    for item in known:
        if item.secret:
            value = _secret(item, given.get(item.name), variables, where)
            if value is not None:
                secrets[item.name] = value
        elif item.name in given:
            values[item.name] = convert(item, given[item.name], where)
    names = {item.name for item in known}
    values |= {name: given[name] for name in UNDECLARED if name in given and name not in names}
    return Given(values, secrets, {item.name: item for item in known})


def check(notebook: Path, given: Mapping[str, Any]) -> None:
    """Check values against the declared parameters.

    Raises
    ------
    UnknownParameter
        If the notebook declares no parameter of that name.
    InvalidParameter
        If a value does not fit its annotation.
    """
    check_values(notebook, declarations.read(notebook), given)


def check_values(notebook: Path, declared: list[Parameter], given: Mapping[str, Any]) -> None:
    """Check values against parameters that are read already."""
    check_names(notebook, declared, given)
    where = project.current().relative(notebook)
    for item in declared:
        if item.name in given and item.secret:
            _reference(item, given[item.name], where)
        elif item.name in given:
            convert(item, given[item.name], where)


def check_names(notebook: Path, declared: list[Parameter], names: Iterable[str]) -> None:
    """Check that parameters are declared; their values may not be known yet."""
    known = [parameter.name for parameter in declared]
    for name in names:
        if name not in known and name not in UNDECLARED:
            raise UnknownParameter(name, known, project.current().relative(notebook))


def convert(parameter: Parameter, value: Any, where: str) -> Any:
    """Return a value in the parameter's type.

    A number is no text and 1.5 no integer, but what JSON and YAML have no type for (dates, paths,
    tuples) is made from text and lists. `Text` may be meant as any type that fits.

    Raises
    ------
    InvalidParameter
        If it does not fit; `where` is what the error calls the notebook.
    """
    kind = types.of(parameter.annotation)
    readings = list(_readings(value)) if isinstance(value, Text) else [value]
    if kind is Any:
        return readings[0]
    problem = ""
    for reading in readings:
        try:
            return _fitted(kind, reading)
        except ValueError as error:
            problem = problem or str(error)
    shown = str(value) if isinstance(value, Text) else value
    name = parameter.name
    raise InvalidParameter(name, shown, f"{problem} ({name}: {parameter.annotation})", where)


def _fitted(kind: Any, value: Any) -> Any:
    from pydantic import ConfigDict, TypeAdapter, ValidationError

    adapter = TypeAdapter(kind, config=ConfigDict(strict=True))
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        try:  # in JSON a date is text and a tuple a list, though an integer still no text
            return adapter.validate_json(json.dumps(value, default=_plain))
        except (ValidationError, TypeError, ValueError):
            raise ValueError(error.errors()[0]["msg"]) from None


def _readings(text: str) -> Iterable[Any]:
    """Yield what typed text may mean: as papermill reads it, as YAML, and as it stands."""
    import yaml

    yield _as_papermill(text)
    with suppress(yaml.YAMLError, ValueError):
        yield yaml.safe_load(text)
    yield str(text)


def _as_papermill(text: str) -> Any:
    constants = {"True": True, "False": False, "None": None}
    if text in constants:
        return constants[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return str(text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return value.as_posix()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


# -- secrets -------------------------------------------------------------------------------------


def _secret(
    parameter: Parameter, value: Any, variables: Mapping[str, str], where: str
) -> str | None:
    if value is None:
        return variables.get(variable(parameter.name))
    name = _reference(parameter, value, where)
    if name not in variables:
        reason = f"the environment has no variable {name}"
        raise InvalidParameter(parameter.name, REFERENCE + name, reason, where)
    return variables[name]


def _reference(parameter: Parameter, value: Any, where: str) -> str:
    """Return the variable that a secret's value names; the value itself is never shown."""
    if isinstance(value, str) and not isinstance(value, Secret):
        name = value.removeprefix(REFERENCE)
        if name != value and name.isidentifier():
            return name
    error = InvalidParameter(
        parameter.name,
        MASK,
        "a secret is not given as it is, for what is typed or written in a file is seen by others",
        where,
    )
    error.fix = (
        f"Set the environment variable {PREFIX}{parameter.name.upper()}, or give the name of "
        f"another: {REFERENCE}NAME"
    )
    raise error
