"""``%track`` / ``%%track``: record a cell, or several, as a run."""

import shlex
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import click

from mlnb.core.errors import BadInput
from mlnb.ui.grammar import KeyValue, Noun
from mlnb.ui.render import View


@dataclass(frozen=True)
class Options:
    """What is said of a run when it is opened."""

    name: str | None = None
    experiment: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    note: str = ""
    nested: bool = False
    resume: str | None = None
    params: str | None = None


@click.group("track", cls=Noun)
def track() -> None:
    """Record cells as a run: parameters, metrics, figures, data, notebook, code, packages.

    %%track on the first line of a cell records that cell. %track start and %track stop record
    the cells between them.
    """


def _options(command: Any) -> Any:
    for option in (
        click.option(
            "--params",
            type=click.Choice(["auto"]),
            default=None,
            help="auto: the constants that the cells assign become parameters.",
        ),
        click.option(
            "--resume",
            metavar="RUN",
            default=None,
            help="Go on with a run, by id, beginning of one, or name, instead of a new one.",
        ),
        click.option(
            "--nested", is_flag=True, help="Make it a child of the run that is open, if one is."
        ),
        click.option("--note", default="", help="A description, in Markdown."),
        click.option("--tag", "tags", type=KeyValue(), multiple=True, help="Your own tag."),
        click.option("--experiment", "-e", default=None, help="MLflow experiment."),
        click.argument("name", required=False),
    ):
        command = option(command)
    return command


@track.command("cell")
@_options
def cell(**chosen: Any) -> None:
    """Record this cell; what %%track does."""
    raise BadInput("This records a whole cell.", "Write %%track as the cell's first line.")


@track.command("start")
@_options
def start(**chosen: Any) -> View:
    """Record from here on, until %track stop; a run that this opened before is stopped first."""
    from IPython import get_ipython

    from mlnb.ui.track_cell import Session

    shell = get_ipython()
    if shell is None:
        raise BadInput("Tracking cells needs a notebook.", "In a script: with mlnb.track(): …")
    options = Options(**chosen)
    before = Session.open[-1] if Session.open and not options.nested else None
    stopped = ""
    if before is not None and before.several:
        before.finish(before.error)
        stopped = before.run.name
    run = Session(shell, cells=True).begin(options, nested=options.nested)
    fields: list[tuple[str, Any]] = [("run", run.id), ("experiment", run.experiment)]
    if stopped:
        fields.append(("stopped", stopped))
    return View(f"Tracking as {run.name}", fields=fields)


@track.command("stop")
@click.option(
    "--status",
    type=click.Choice(["FINISHED", "FAILED", "KILLED"]),
    default="FINISHED",
    help="How the run ended.",
)
def stop(status: str) -> View:
    """Close the run that %track start opened."""
    from mlnb.ui.track_cell import Session

    if not Session.open:
        raise BadInput("No run was opened by %track start.", "Type: %track start NAME")
    session = Session.open[-1]
    session.finish(None, status=status)
    return View(f"Run {session.run.name} {status}", fields=[("run", session.run.id)])


@lru_cache(maxsize=256)
def options(line: str) -> Options | None:
    """Return what the first line of a tracked cell says; None when it asks for help.

    Raises
    ------
    click.UsageError, ValueError
        If it cannot be read.
    """
    command: click.Command = cell
    try:
        with command.make_context("%%track", shlex.split(line)) as context:
            return Options(**context.params)
    except click.exceptions.Exit:
        return None
