"""``%track`` / ``%%track``: record a cell, or several, as a run."""

from collections.abc import Sequence
from typing import Any

import click

from mlnb.core.errors import BadInput
from mlnb.ui.grammar import KeyValue, Noun
from mlnb.ui.render import View


@click.group("track", cls=Noun)
def track() -> None:
    """Record cells as a run: parameters, metrics, figures, data, notebook, code, packages.

    %%track on the first line of a cell records that cell. %track start and %track stop record
    the cells between them.
    """


def _options(command: Any) -> Any:
    for option in (
        click.option("--note", default="", help="A description, in Markdown."),
        click.option("--tag", "tags", type=KeyValue(), multiple=True, help="Your own tag."),
        click.option(
            "--params",
            type=click.Choice(["auto"]),
            default=None,
            help="auto: the constants that the cells assign become parameters.",
        ),
        click.option("--experiment", "-e", default=None, help="MLflow experiment."),
        click.argument("name", required=False),
    ):
        command = option(command)
    return command


@track.command("cell")
@_options
def cell(
    name: str | None,
    experiment: str | None,
    params: str | None,
    tags: Sequence[tuple[str, str]],
    note: str,
) -> None:
    """Record this cell; what %%track does."""
    _begin(name, experiment, params, tags, note, cells=False)


@track.command("start")
@_options
def start(
    name: str | None,
    experiment: str | None,
    params: str | None,
    tags: Sequence[tuple[str, str]],
    note: str,
) -> View:
    """Record from here on, until %track stop."""
    run = _begin(name, experiment, params, tags, note, cells=True)
    return View(f"Tracking as {run.name}", fields=[("run", run.id), ("experiment", run.experiment)])


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


def _begin(
    name: str | None,
    experiment: str | None,
    params: str | None,
    tags: Sequence[tuple[str, str]],
    note: str,
    *,
    cells: bool,
) -> Any:
    from IPython import get_ipython

    from mlnb.ui.track_cell import Session

    shell = get_ipython()
    if shell is None:
        raise BadInput("Tracking cells needs a notebook.", "In a script: with mlnb.track(): …")
    session = Session(shell, cells=cells, params_auto=params == "auto")
    return session.begin(name, experiment, dict(tags), note)
