"""A line of the grammar → the words of an ``mlnb`` command that makes sense without a notebook.

The nouns, verbs and flags are those of `mlnb.ui.cli`; what is wrong is said before anything starts.
"""

import shlex
from collections.abc import Mapping

import click

from mlnb.core import redaction
from mlnb.core.errors import BadInput
from mlnb.ui.cli import program
from mlnb.ui.grammar import Surface
from mlnb.ui.nouns import NOUNS

LONGEST = 4000
NOUNS_OF_JOBS = frozenset(
    {
        *("project", "runs", "dataset", "notebook", "pipeline", "run", "model", "validate"),
        *("endpoint", "deploy", "rollback", "monitor", "kernel", "ci"),
    }
)
NEVER: Mapping[tuple[str, str], str] = {
    ("endpoint", "token"): "it would write a secret into a file",
    ("model", "register"): "it takes a notebook's variable",
    ("monitor", "label"): "it takes a notebook's variable",
    ("project", "init"): "the folder is in a project already",
    ("kernel", "install"): "it changes the environment of the server",
}
"""Verbs that no job carries out, and why: a job has no notebook and nobody to ask."""


def words(line: str) -> list[str]:
    """Return the words of a line.

    Parameters
    ----------
    line : str
        ``%pipeline resume nightly``, or ``mlnb pipeline resume nightly``, or without either.

    Raises
    ------
    BadInput
        If it is no line of the grammar, or one that only makes sense in a notebook.
    """
    text = line.strip()
    if len(text) > LONGEST or any(character in text for character in "\n\r\0"):
        raise BadInput("A job is one line.", "Run more than that in a notebook or a terminal.")
    if text.startswith("%%"):
        raise BadInput(
            f"{text.split()[0]} runs a notebook's cell.", "Open a notebook of the project."
        )
    try:
        found = shlex.split(text.removeprefix("!").removeprefix("%"))
    except ValueError as error:
        raise BadInput(f"The line cannot be read: {error}.") from None
    if found[:1] == ["mlnb"]:
        found = found[1:]
    if not found:
        raise BadInput("The line is empty.", "Give one as %pipeline resume nightly.")
    try:
        _check(found)
    except click.UsageError as error:
        usage = error.ctx.get_usage() if error.ctx else ""
        raise BadInput(error.format_message(), usage) from None
    return found


def shown(found: list[str]) -> str:
    """Return words as a line to keep and to show: without secrets."""
    return redaction.text(shlex.join(found))


def _check(found: list[str]) -> None:
    """Check nouns, verbs, flags and the number of arguments; values are the command's to check."""
    noun = found[0]
    if noun in NOUNS and noun not in NOUNS_OF_JOBS:
        raise BadInput(
            f"%{noun} needs a notebook: it works on its cells and variables.",
            "Open a notebook of the project and run it there.",
        )
    if noun.startswith("-"):
        raise BadInput(f"A line begins with a noun, not with {noun!r}.", "See `mlnb --help`.")
    command: click.Command = program
    context, path, rest = click.Context(program, info_name="mlnb"), list[str](), found
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        name, inner, rest = command.resolve_command(context, rest)
        assert inner is not None  # noqa: S101  (it has raised otherwise)
        command, path = inner, [*path, name or ""]
        context = click.Context(command, info_name=name, parent=context)
    if why := NEVER.get((path[0], path[1] if len(path) > 1 else "")):
        raise BadInput(
            f"%{' '.join(path)} does not run in the background: {why}.",
            "Run it in a notebook or a terminal.",
        )
    if isinstance(command, click.Group) and not command.invoke_without_command:
        verbs = ", ".join(command.list_commands(context))
        raise BadInput(f"%{' '.join(path)} needs a verb.", f"There is {verbs}.")
    _check_arguments(command, context, rest)


def _check_arguments(command: click.Command, context: click.Context, rest: list[str]) -> None:
    context.obj = Surface()
    if "--help" in rest:
        raise BadInput("There is nothing to run: the line asks for help.")
    found, more, _order = command.make_parser(context).parse_args(list(rest))
    if more:
        context.fail(f"Got unexpected extra argument{'s' * (len(more) > 1)} ({' '.join(more)})")
    for parameter in command.params:
        given = found.get(parameter.name or "")
        if parameter.required and (given is None or given == () or not _is_given(given)):
            raise click.MissingParameter(ctx=context, param=parameter)


def _is_given(value: object) -> bool:
    return isinstance(value, (str, int, float, bool, list, tuple))
