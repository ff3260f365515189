"""Whether a version is as it should be: check, expect, verify."""

from pathlib import Path

import click

from mlnb import datasets
from mlnb.core.errors import Failed
from mlnb.datasets.records import Expectations
from mlnb.datasets.remotes.records import RepairReport
from mlnb.ui.commands.dataset.group import dataset
from mlnb.ui.grammar import Outcome, Surface
from mlnb.ui.transfer_display import display_for


@dataset.command("check")
@click.argument("ref")
@click.option(
    "--expect",
    "expectations",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The schema; expectations/NAME.yaml in the project by default.",
)
def check(ref: str, expectations: Path | None) -> Outcome:
    """Check version REF against what its dataset is expected to hold.

    Shows each check that fails, in how many rows, with examples. Ends with 1 when one does.
    """
    report = datasets.check(ref, expectations=expectations)
    failure = Failed(f"{report.subject} fails {len(report.failures)} of {report.checks} checks.")
    return Outcome(report, None if report.passed else failure)


@dataset.command("expect")
@click.argument("name")
@click.option(
    "--infer",
    is_flag=False,
    flag_value="latest",
    metavar="[REF]",
    help="Write it anew from a version, the newest by default (then put it last).",
)
@click.option("--force", is_flag=True, help="Replace the file.")
def expect(name: str, infer: str | None, force: bool) -> Expectations:
    """Show what dataset NAME is expected to hold, or infer it from a version.

    The file expectations/NAME.yaml is a pandera schema: types, ranges, allowed values, gaps. Edit
    it, commit it, and check versions against it: with 'dataset check', or before anything is
    written with 'dataset save DATA NAME --expect'.
    """
    return datasets.expect(name, infer=infer, replace=force)


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
    with display_for(surface) as show:
        report = datasets.verify(refs, on_progress=show)
    broken = {ref for item in report.damaged for ref in item.versions}
    broken |= {f"{item.name}@{item.number}" for item in report.unreadable}
    failure = Failed(f"{len(broken)} versions are not whole.") if broken else None
    return Outcome(report, failure)


def _repaired(report: RepairReport) -> Outcome:
    broken = {ref for item in report.lost for ref in item.versions}
    broken |= {f"{item.name}@{item.number}" for item in report.unreadable}
    failure = Failed(f"{len(broken)} versions are still not whole.") if broken else None
    return Outcome(report, failure)
