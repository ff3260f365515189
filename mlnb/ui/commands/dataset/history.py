"""The history of a dataset: log, tag, tags, restore, rm."""

import click

from mlnb import datasets
from mlnb.core.records import DatasetVersion
from mlnb.datasets import versions
from mlnb.datasets.records import DamagedVersion, RemovedVersion, TagHistory
from mlnb.ui.commands.dataset.group import dataset
from mlnb.ui.grammar import Listing


@dataset.command("log")
@click.argument("name")
@click.option("-n", "--limit", type=click.IntRange(min=1), help="Show this many, the newest.")
@click.option("--all", "removed", is_flag=True, help="Show what was removed, too.")
def log(
    name: str, limit: int | None, removed: bool
) -> Listing[DatasetVersion | RemovedVersion | DamagedVersion]:
    """List the versions of dataset NAME, newest first."""
    found = versions.history_of(name, removed=removed)[:limit]
    empty = "All its versions were removed. See them with --all."
    return Listing(found, title=f"Dataset {name}", empty=empty)


@dataset.command("tag")
@click.argument("ref")
@click.argument("tag")
@click.option("-d", "--delete", is_flag=True, help="Remove the tag; the version stays.")
def tag(ref: str, tag: str, delete: bool) -> DatasetVersion | TagHistory:
    """Point TAG at version REF; it moves when it points elsewhere."""
    return datasets.untag(ref, tag) if delete else datasets.tag(ref, tag)


@dataset.command("tags")
@click.argument("name")
def tags(name: str) -> TagHistory:
    """Show the tags of dataset NAME: where they point, and who moved what when."""
    return datasets.tags(name)


@dataset.command("restore")
@click.argument("ref")
@click.option("-m", "--message", default="", help="Why; where it comes from is added.")
@click.option("--tag", help="Point this tag at the new version.")
def restore(ref: str, message: str, tag: str | None) -> DatasetVersion:
    """Make the content of version REF the newest again, as a new version.

    No data moves, and no version changes. REF may be a version that was removed, as long as its
    data was not collected (see project gc).
    """
    return datasets.restore(ref, message=message, tag=tag)


@dataset.command("rm")
@click.argument("refs", metavar="REF...", nargs=-1, required=True)
@click.option("-m", "--message", default="", help="Why.")
@click.option("--all", "every", is_flag=True, help="Remove whole datasets: each REF is a name.")
@click.option("--force", is_flag=True, help="Remove tagged versions, too, with their tags.")
def remove(
    refs: tuple[str, ...], message: str, every: bool, force: bool
) -> Listing[RemovedVersion]:
    """Remove versions, all of them or none.

    A version is refused while something names it: a tag, a run that read it, a model trained on
    it, a pipeline, a validation. A tag is removed with 'dataset tag REF TAG --delete' or --force;
    runs and models keep their data for as long as they are there.

    As in git, removing frees nothing yet: 'project gc' does, for what was removed a day ago or
    earlier. Until then 'dataset restore' brings it back. Numbers are never used again, and
    'dataset log --all' shows who removed what when.
    """
    removed = datasets.remove(refs, message=message, every=every, force=force)
    return Listing(removed, title="Removed", empty="They were removed already.")
