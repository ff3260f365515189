"""Whether a version is as it should be: verify."""

import click

from mlnb import datasets
from mlnb.core.errors import Failed
from mlnb.datasets.remotes.records import RepairReport
from mlnb.ui.commands.dataset.group import dataset
from mlnb.ui.grammar import Outcome, Surface
from mlnb.ui.transfer_display import display_for


@dataset.command("verify")
@click.argument("refs", metavar="[REF]...", nargs=-1)
@click.option("--repair", is_flag=True, help="Fetch what is damaged from another store.")
@click.option("--from", "url", help="That store's URL; the setting 'remote' by default.")
@click.pass_obj
def verify(surface: Surface, refs: tuple[str, ...], repair: bool, url: str | None) -> Outcome:
    """Read everything that versions need and compare it with its hashes.

    REF is a version, or a dataset with all its versions; everything when none is given. Each
    damaged or missing object is named with all versions that need it. Ends with 1 when there is
    one.
    """
    if url and not repair:
        raise click.UsageError("--from goes with --repair.")
    if repair:
        with display_for(surface) as show:
            return _repaired(datasets.repair(refs, url, on_progress=show))
    report = datasets.verify(refs)
    broken = {ref for item in report.damaged for ref in item.versions}
    broken |= {f"{item.name}@{item.number}" for item in report.unreadable}
    failure = Failed(f"{len(broken)} versions are not whole.") if broken else None
    return Outcome(report, failure)


def _repaired(report: RepairReport) -> Outcome:
    broken = {ref for item in report.lost for ref in item.versions}
    broken |= {f"{item.name}@{item.number}" for item in report.unreadable}
    failure = Failed(f"{len(broken)} versions are still not whole.") if broken else None
    return Outcome(report, failure)
