"""``mlnb runs`` / ``%runs``: list, show, compare and restore tracked runs."""

from pathlib import Path

import click

from mlnb.core.records import RunRecord
from mlnb.tracking import runs as tracked
from mlnb.ui.grammar import Noun, Surface
from mlnb.ui.views.runs import RunListing


@click.group("runs", cls=Noun, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def runs(context: click.Context, as_json: bool) -> RunListing | None:
    """List, show, compare and restore tracked runs; without a verb, list them."""
    if as_json:
        context.ensure_object(Surface).json = True
    return RunListing.of(tracked.page()) if context.invoked_subcommand is None else None


@runs.command("list")
@click.option("--experiment", "-e", default=None, help="Only this experiment's runs.")
@click.option("--filter", "condition", default="", help="MLflow filter: metrics.auc > 0.7")
@click.option("--order-by", multiple=True, help="MLflow order: 'metrics.auc DESC'; repeatable.")
@click.option("--limit", "-n", default=50, show_default=True, help="At most this many.")
@click.option("--offset", default=0, show_default=True, help="Without the first so many.")
def list_runs(
    experiment: str | None, condition: str, order_by: tuple[str, ...], limit: int, offset: int
) -> RunListing:
    """List runs, newest first; in a notebook as a table that sorts and filters."""
    return RunListing.of(
        tracked.page(
            experiment=experiment, filter=condition, order_by=order_by, limit=limit, offset=offset
        )
    )


@runs.command("show")
@click.argument("run")
def show(run: str) -> RunRecord:
    """Show RUN: an id, the beginning of one, or a name."""
    return tracked.show(run)


@runs.command("compare")
@click.argument("run", nargs=-1, required=True)
def compare(run: tuple[str, ...]) -> tracked.RunComparison:
    """Compare two or more runs: results, data, packages, and code with that of the first."""
    return tracked.compare(run)


@runs.command("restore")
@click.argument("run")
@click.option(
    "--to",
    type=click.Path(path_type=Path),
    default=None,
    help="A new folder; restored/<name>-<id> by default.",
)
def restore(run: str, to: Path | None) -> tracked.RunRestored:
    """Write RUN's notebook as it ran, its data pinned, and its packages into a new folder."""
    return tracked.restore(run, to)
