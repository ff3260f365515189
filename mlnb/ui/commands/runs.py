"""``mlnb runs`` / ``%runs``: list, show and compare tracked runs."""

import click

from mlnb.core.records import RunRecord
from mlnb.tracking import runs as tracked
from mlnb.ui.grammar import Noun, Surface
from mlnb.ui.views.runs import RunListing


@click.group("runs", cls=Noun, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_context
def runs(context: click.Context, as_json: bool) -> RunListing | None:
    """List, show and compare tracked runs; without a verb, list them."""
    if as_json:
        context.ensure_object(Surface).json = True
    return _listed() if context.invoked_subcommand is None else None


@runs.command("list")
@click.option("--experiment", "-e", default=None, help="Only this experiment's runs.")
@click.option("--filter", "condition", default="", help="MLflow filter: metrics.auc > 0.7")
@click.option("--order-by", default=None, help="MLflow order: 'metrics.auc DESC'")
@click.option("--limit", "-n", default=50, show_default=True, help="At most this many.")
def list_runs(
    experiment: str | None, condition: str, order_by: str | None, limit: int
) -> RunListing:
    """List runs, newest first; in a notebook as a table that sorts and filters."""
    return _listed(experiment, condition, order_by, limit)


@runs.command("show")
@click.argument("run")
def show(run: str) -> RunRecord:
    """Show RUN: an id, the beginning of one, or a name."""
    return tracked.show(run)


@runs.command("compare")
@click.argument("run", nargs=-1, required=True)
def compare(run: tuple[str, ...]) -> tracked.RunComparison:
    """Compare two or more runs."""
    return tracked.compare(run)


def _listed(
    experiment: str | None = None, condition: str = "", order_by: str | None = None, limit: int = 50
) -> RunListing:
    return RunListing(
        tracked.list_runs(experiment=experiment, filter=condition, order_by=order_by, limit=limit),
        title="Runs",
        empty="No runs yet. Put %%track on the first line of a cell.",
    )
