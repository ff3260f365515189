"""The one grammar of the CLI and the magics: nouns, verbs and parameter types.

A noun is a `Noun` (a Click group) in ``ui/commands/``, a verb a `Verb` on it::

    @dataset.command("save")
    @click.argument("data", type=Data())
    @click.argument("name")
    def save(data: object, name: str) -> DatasetVersion: ...

A verb returns what it made: a record, a `Listing` of records, text, None, or an `Outcome` when
the result is worth showing although it is a failure. It prints nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import click

from mlnb.core.errors import MlnbError, UnknownName, suggestion

T = TypeVar("T")


@dataclass
class Surface:
    """Where a command was typed; Click's ``ctx.obj``."""

    namespace: Mapping[str, Any] | None = None
    """The notebook's variables; None in a shell."""
    json: bool = False
    """Whether ``--json`` was given."""
    progress: bool = True
    """Whether a live display may be drawn."""


class Listing(list[T], Generic[T]):
    """Several records, with a title and what to say when there are none."""

    def __init__(self, items: Iterable[T], *, title: str, empty: str) -> None:
        super().__init__(items)
        self.title = title
        self.empty = empty


@dataclass(frozen=True)
class Outcome:
    """A result to show, and the failure that it amounts to."""

    result: Any
    failure: MlnbError | None = None


class Verb(click.Command):
    """A command with ``--json``."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(
                ["--json"],
                is_flag=True,
                expose_value=False,
                help="Print the result as JSON.",
                callback=_set_json,
            )
        )


def _set_json(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Surface).json = True


class Noun(click.Group):
    """A group of verbs that says which verb was probably meant."""

    command_class = Verb

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb.

        Raises
        ------
        click.UsageError
            With the nearest verb.
        """
        if args and not args[0].startswith("-") and self.get_command(context, args[0]) is None:
            hint = suggestion(args[0], self.list_commands(context))
            context.fail(f"There is no {context.command_path} {args[0]!r}. {hint}")
        return super().resolve_command(context, args)


class Data(click.ParamType[Any]):
    """A table: the notebook's variable of this name, or a file in a shell."""

    name = "data"
    noun = "variable or file"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> Any:
        """Return the variable's value, or the file's path."""
        if not isinstance(value, str):
            return value
        namespace = context.find_object(Surface).namespace if context else None  # type: ignore[union-attr]
        if namespace is not None and value in namespace:
            return namespace[value]
        if Path(value).exists():
            return Path(value)
        if namespace is not None:
            known = [name for name in namespace if not name.startswith("_")]
            raise UnknownName("variable or file", value, known)
        raise UnknownName("file", value, [path.name for path in Path().iterdir()])


class Variable(click.ParamType[Any]):
    """An object of the notebook; in a shell, the text itself."""

    name = "variable"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> Any:
        """Return the variable's value, or the text where there is no notebook."""
        namespace = context.find_object(Surface).namespace if context else None  # type: ignore[union-attr]
        if not isinstance(value, str) or namespace is None:
            return value
        return namespace.get(value, value)


class KeyValue(click.ParamType[tuple[str, str]]):
    """``key=value``."""

    name = "key=value"

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> tuple[str, str]:
        """Split at the first ``=``."""
        if isinstance(value, tuple):
            return value
        key, equals, text = value.partition("=")
        if not equals or not key:
            self.fail(f"{value!r} is not of the form key=value.", parameter, context)
        return key, text
