"""A notebook's parameters as a form, and the line that runs it headlessly with their values."""

import ast
import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mlnb.core import project
from mlnb.core.errors import BadInput, MlnbError
from mlnb.core.records import Record, now
from mlnb.ui.server.routing import Route
from mlnb.ui.server.sources import Source

Kind = Literal["text", "integer", "number", "boolean", "choice", "date", "value", "secret"]
_KINDS: dict[str, Kind] = {
    "string": "text",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
}
_FORMATS: dict[str, Kind] = {"date": "date", "password": "secret"}


@dataclass(frozen=True, kw_only=True)
class FormField(Record):
    """One parameter of a notebook, as a form asks for it."""

    name: str
    kind: Kind
    """How it is typed in; `value` is anything else, as JSON or Python writes it."""
    annotation: str = ""
    """As the notebook says it."""
    default: str = ""
    """As it would be typed in; of a `value`, its source. Empty for a secret."""
    help: str = ""
    choices: list[str] = field(default_factory=list)
    optional: bool = False
    """Whether it may be None."""
    present: bool = False
    """Of a secret: whether the server's environment holds it already."""


@dataclass(frozen=True, kw_only=True)
class ParameterForm(Record):
    """What is asked for before a notebook runs headlessly."""

    notebook: str
    """Relative to the project."""
    output: str
    """Where it is written by default, relative to the project."""
    fields: list[FormField]
    problem: str = ""
    """Why its parameters cell cannot be executed."""


@dataclass(frozen=True, kw_only=True)
class HeadlessRun(Record):
    """A notebook to run, with values as they were typed in."""

    path: str
    """As the file browser names it."""
    output: str
    """Relative to the project."""
    values: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    """Parameters whose secret is given; the values themselves go to the job alone."""


@dataclass(frozen=True, kw_only=True)
class HeadlessLine(Record):
    """The line of the grammar that runs it, and what is wrong with the values."""

    line: str
    problems: dict[str, str] = field(default_factory=dict)
    """By parameter."""


def form(source: Source, *, path: str) -> ParameterForm:
    """Return what a notebook's parameters cell declares, as a form; nothing is executed."""
    from mlnb.execution import parameters

    notebook = _inside(source, path)
    described = parameters.describe(notebook)
    moment = now().astimezone()
    return ParameterForm(
        notebook=described.notebook,
        output=f"runs/{notebook.stem}-{moment:%Y%m%d-%H%M%S}.ipynb",
        fields=[_field(item) for item in described.parameters],
        problem=described.problem,
    )


def line(source: Source, *, body: HeadlessRun) -> HeadlessLine:
    """Check values against the declared types, and write the line that runs the notebook."""
    from mlnb.execution import parameters
    from mlnb.execution.parameters.binding import Text

    notebook = _inside(source, body.path)
    declared = parameters.read(notebook)
    parameters.check_names(notebook, declared, [*body.values, *body.secrets])
    problems: dict[str, str] = {}
    words = ["notebook", "run", project.current().relative(notebook), body.output]
    if not body.output.endswith(".ipynb") or body.output == words[2]:
        problems["output"] = "Name another notebook, with the ending .ipynb."
    for name, typed in body.values.items():
        item = next(item for item in declared if item.name == name)
        is_text = _field(item).kind in ("text", "date")
        try:
            given = typed if is_text else Text(typed)
            parameters.check_values(notebook, declared, {name: given})
        except MlnbError as error:
            problems[name] = error.message
        words += ["-r" if is_text and _looks_other(typed) else "-p", name, typed]
    return HeadlessLine(line=f"%{shlex.join([*words, '--progress-bar'])}", problems=problems)


def _inside(source: Source, path: str) -> Path:
    found = Path(os.path.normpath(source.server_root / path))
    if not found.is_relative_to(source.server_root) or found.suffix != ".ipynb":
        raise BadInput(
            f"{path!r} is no notebook that this server shows.", "Name one of the file browser."
        )
    return found


def _looks_other(text: str) -> bool:
    """Tell whether ``-p`` would read more into a text than the text."""
    import yaml

    try:
        return yaml.safe_load(text) != text or text in ("True", "False", "None")
    except yaml.YAMLError:
        return True


def _field(item: Any) -> FormField:
    from mlnb.execution.parameters import secret, types

    if item.secret:
        return FormField(
            name=item.name,
            kind="secret",
            annotation=item.annotation,
            help=item.help,
            present=secret.variable(item.name) in os.environ,
        )
    shape, optional = _shape(types.schema(item.annotation), item.default)
    options = [shape["const"]] if "const" in shape else shape.get("enum", [])
    kind = _FORMATS.get(shape.get("format", "")) or _KINDS.get(shape.get("type", ""), "value")
    if options:
        kind = "choice"
    return FormField(
        name=item.name,
        kind=kind,
        annotation=item.annotation,
        default=_typed(item.default, kind),
        help=item.help,
        choices=[str(option) for option in options],
        optional=optional,
    )


def _shape(schema: dict[str, Any], default: str) -> tuple[dict[str, Any], bool]:
    """Return what a value looks like, and whether it may be None; the default may have to tell."""
    several = schema.get("anyOf", [])
    others = [option for option in several if option.get("type") != "null"]
    if len(others) == 1:
        return others[0], len(several) > 1
    if schema:
        return schema, False
    value = _literal(default)
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    return {"type": names.get(type(value), "")}, False


def _typed(default: str, kind: Kind) -> str:
    value = _literal(default)
    if kind in ("text", "choice", "date"):
        return "" if value is None else str(value)
    if kind == "boolean":
        return "True" if value is True else "False"
    return "" if value is None and kind != "value" else default


def _literal(source: str) -> Any:
    try:
        return ast.literal_eval(source)
    except (ValueError, SyntaxError):
        return None


ROUTES = (
    Route("GET", "/notebooks/parameters", form, anywhere=True),
    Route("POST", "/notebooks/line", line, anywhere=True),
)
