"""The ``mlnb`` program."""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import click

from mlnb.core.errors import (
    EXIT_FAILED,
    EXIT_INTERNAL,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_USAGE,
    MlnbError,
    of_disk,
)
from mlnb.ui.grammar import Noun, Outcome, Surface
from mlnb.ui.nouns import NOUNS


class Program(Noun):
    """The top group; a noun's module is imported when it is used."""

    def resolve_command(
        self, context: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the noun.

        Raises
        ------
        click.UsageError
            With the nearest noun, or where the one given can be used.
        """
        name = args[0] if args else ""
        if name in NOUNS and not NOUNS[name].program:
            context.fail(f"{name!r} is for notebooks: type %{name} or %%{name} in a cell.")
        return super().resolve_command(context, args)

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the nouns, in the order of the table."""
        return [name for name, entry in NOUNS.items() if entry.program]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import a noun."""
        entry = NOUNS.get(name)
        return resolve(entry.home) if entry and entry.program else None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """List the nouns without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, entry.help) for name, entry in NOUNS.items() if entry.program]
            )


def resolve(home: str) -> Any:
    """Import ``module:attribute``."""
    module, _, attribute = home.partition(":")
    return getattr(import_module(module), attribute)


def _show_version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        click.echo(f"mlnb {import_module('importlib.metadata').version('mlnb')}")
        context.exit()


program = Program(
    "mlnb",
    help="The whole ML lifecycle from the notebook.",
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help="Show the version.",
        )
    ],
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code (0, or as in `mlnb.core.errors`)."""
    surface = Surface()
    try:
        result = program.main(
            list(sys.argv[1:] if arguments is None else arguments),
            prog_name="mlnb",
            standalone_mode=False,
            obj=surface,
        )
        if isinstance(result, int) and not isinstance(result, bool):  # Click's own exit code
            return result
        exit_code = _present(result, surface)
        sys.stdout.flush()
        return exit_code
    except MlnbError as error:
        return _report(error, surface)
    except click.UsageError as error:
        error.show()
        return EXIT_USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # as in the Python documentation's note on SIGPIPE: nothing more can be said
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:
        if (refused := of_disk(error)) is not None:
            return _report(refused, surface)
        traceback.print_exc()
        click.echo("This is a bug in mlnb.", err=True)
        return EXIT_INTERNAL


def _present(result: Any, surface: Surface) -> int:
    from mlnb.ui import render

    outcome = result if isinstance(result, Outcome) else Outcome(result)
    if outcome.result is not None:
        render.write(outcome.result, as_json=surface.json)
    return _report(outcome.failure, surface, shown=True) if outcome.failure else EXIT_OK


def _report(error: MlnbError, surface: Surface, *, shown: bool = False) -> int:
    from mlnb.ui import render

    render.write_error(error, as_json=surface.json and not shown)
    return error.exit_code
