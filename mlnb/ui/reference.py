"""Writes ``docs/reference/`` from the commands, settings, errors, routes and the public API.

``python -m mlnb.ui.reference`` writes the pages; with ``--check`` it only says which of them are
out of date, and then ends with 1.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from mlnb.core import errors, settings
from mlnb.pipelines.spec import schema
from mlnb.ui.cli import program, resolve
from mlnb.ui.nouns import NOUNS, Entry

FOLDER = Path("docs/reference")
PACKAGES = (
    "mlnb",
    "mlnb.datasets",
    "mlnb.tracking",
    "mlnb.tracking.models",
    "mlnb.tracking.runs",
    "mlnb.pipelines",
    "mlnb.validation",
    "mlnb.serving",
    "mlnb.monitoring",
)


def pages() -> dict[str, str]:
    """Return every page's text under its file name."""
    makers: dict[str, Callable[[], Iterator[str]]] = {
        "commands.md": commands,
        "settings.md": setting_table,
        "errors.md": error_table,
        "routes.md": route_table,
        "python.md": public_api,
    }
    note = "<!-- Written by `make docs`; edit the code it describes instead. -->"
    written = {name: "\n".join([note, "", *make(), ""]) for name, make in makers.items()}
    return written | {schema.FILE: schema.text()}


# -- commands ------------------------------------------------------------------------------------


def commands() -> Iterator[str]:
    """Describe every noun, verb, argument and option."""
    yield "# Commands and magics"
    yield ""
    yield (
        "`mlnb noun verb …` in a shell and `%noun verb …` in a notebook are one grammar: a name "
        "of a table or model is a file or text in the shell, and a variable in the notebook. "
        "Every verb takes `--json` (print the result as JSON) and `--help`."
    )
    for name, entry in NOUNS.items():
        command = resolve(entry.home)
        yield from ("", f"## {name}", "", f"{entry.help} As {_surfaces(name, entry)}.")
        with click.Context(program, info_name="mlnb") as parent:
            if isinstance(command, click.Group):
                for verb, child in sorted(command.commands.items()):
                    yield from _command(f"{name} {verb}", child, parent)
            else:
                yield from _command(name, command, parent)
        if entry.cell:
            yield from _cell_magic(name, entry, command)


def _surfaces(name: str, entry: Entry) -> str:
    forms = [f"`mlnb {name}`"] * entry.program + [f"`%{name}`"] * entry.line
    return ", ".join(forms + [f"`%%{name}`"] * bool(entry.cell))


def _command(title: str, command: click.Command, parent: click.Context) -> Iterator[str]:
    context = click.Context(command, info_name=title, parent=parent)
    pieces = [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    yield from ("", f"### {title}", "", f"`{' '.join([title, *filter(None, pieces)])}`", "")
    yield _text(command.help or "")
    rows = [
        record
        for parameter in command.params
        if isinstance(parameter, click.Option)
        and "--json" not in parameter.opts
        and (record := parameter.get_help_record(context))
    ]
    if rows:
        yield from ("", "| option | |", "|---|---|")
        for option, text in rows:
            yield f"| `{_cell(option)}` | {_cell(text)} |"


def _cell_magic(name: str, entry: Entry, command: click.Command) -> Iterator[str]:
    verbs = command.commands if isinstance(command, click.Group) else {}
    function = resolve(entry.cell)
    text = f"Takes what `{name} cell` takes." if "cell" in verbs else _first_line(function)
    yield from ("", f"### %%{name}", "", text)


# -- settings and errors -------------------------------------------------------------------------


def setting_table() -> Iterator[str]:
    """Describe every setting."""
    yield "# Settings"
    yield ""
    yield (
        f"Set in the project's `{settings.FILE_NAME}` or by an environment variable, which wins. "
        "An unknown key is an error. `mlnb project settings` shows the values in force."
    )
    yield from ("", "| setting | variable | default | what it is |", "|---|---|---|---|")
    for item in settings.table():
        default = f"`{item['default']}`" if item["default"] else ""
        yield f"| `{item['name']}` | `{item['variable']}` | {default} | {_cell(item['help'])} |"


def error_table() -> Iterator[str]:
    """Describe every error, as a tree."""
    yield "# Errors"
    yield ""
    yield (
        "Everything mlnb raises on purpose derives from `mlnb.MlnbError` and says what happened, "
        "why, and how to fix it. Exit codes follow pytest: 0 success, 1 it ran and failed, "
        "2 interrupted, 3 a bug in mlnb, 4 bad input."
    )
    yield from ("", "| error | exit | HTTP | meaning |", "|---|---|---|---|")
    yield from _error_rows(errors.MlnbError, 0)


def _error_rows(kind: type[errors.MlnbError], depth: int) -> Iterator[str]:
    indent = "&nbsp;&nbsp;" * depth
    meaning = _cell(_text((kind.__doc__ or "").split("\n\n")[0]))
    yield f"| {indent}`{kind.__name__}` | {kind.exit_code} | {kind.http_status} | {meaning} |"
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _error_rows(child, depth + 1)


# -- routes --------------------------------------------------------------------------------------


def route_table() -> Iterator[str]:
    """Describe the routes of the JupyterLab panel and of an endpoint."""
    from mlnb.serving.protocols import documented
    from mlnb.ui.server.routes import ROUTES

    yield "# Routes"
    yield ""
    yield (
        'An error is answered as `{"error": …, "message": …, "fix": …}` with the HTTP status of '
        "[its class](errors.md)."
    )
    yield from ("", "## An endpoint", "")
    yield (
        "MLflow's scoring protocol; the token is sent as `Authorization: Bearer …` unless the "
        "setting `endpoint_auth` is off."
    )
    yield from ("", "| route | asks for the token |", "|---|---|")
    for route in documented():
        yield f"| `{route.method} {route.path}` | {'no' if route.open else 'yes'} |"
    yield from ("", "## The JupyterLab panel", "")
    yield (
        "Served by the Jupyter server, with its authentication; its authorizer is asked for the "
        "action on the resource `mlnb`. The query's `folder` says whose project is meant."
    )
    yield from ("", "| route | action | |", "|---|---|---|")
    for panel_route in ROUTES:
        path = f"/mlnb/api{panel_route.path}"
        says = _cell(_first_line(panel_route.answer))
        yield f"| `{panel_route.method} {path}` | {panel_route.action} | {says} |"


# -- the public API ------------------------------------------------------------------------------


def public_api() -> Iterator[str]:
    """Describe every public name."""
    yield "# Python"
    yield ""
    yield "Every name is imported on first use. `help(name)` has the rest."
    for package in PACKAGES:
        module = import_module(package)
        yield from ("", f"## {package}", "", _first_line(module), "", "| name | |", "|---|---|")
        for name in _public_names(module):
            yield f"| `{_cell(_signature(module, name))}` | {_cell(_meaning(module, name))} |"


def _public_names(module: ModuleType) -> list[str]:
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    return sorted(
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    )


def _signature(module: ModuleType, name: str) -> str:
    value = getattr(module, name)
    if not inspect.isfunction(value):
        return name
    # from the source: how annotations print differs between versions of Python and libraries
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(value)))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101  (for the types)
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{name}({ast.unparse(node.args)}){result}"


def _meaning(module: ModuleType, name: str) -> str:
    value = getattr(module, name)
    if name == "__version__":
        return "The installed version."
    return _first_line(value) if inspect.getdoc(value) else f"`{value!r}`"


# -- text ----------------------------------------------------------------------------------------


def _first_line(value: Any) -> str:
    return _text((inspect.getdoc(value) or "").split("\n\n")[0])


def _text(doc: str) -> str:
    paragraphs = inspect.cleandoc(doc).replace("``", "`").split("\n\n")
    return "\n\n".join(
        paragraph if paragraph.startswith(" ") else " ".join(paragraph.split())
        for paragraph in paragraphs
    ).strip()


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` compare them."""
    check = "--check" in arguments
    stale = []
    for name, text in pages().items():
        file = FOLDER / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(str(file))
            if not check:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
    for path in stale:
        click.echo(f"{path} is out of date; run: make docs" if check else f"wrote {path}")
    return errors.EXIT_FAILED if check and stale else errors.EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
