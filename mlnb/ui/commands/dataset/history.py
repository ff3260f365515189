"""The history of a dataset: log, tag."""

import click

from mlnb import datasets
from mlnb.core.records import DatasetVersion
from mlnb.ui.commands.dataset.group import dataset
from mlnb.ui.grammar import Listing


@dataset.command("log")
@click.argument("name")
@click.option("-n", "--limit", type=click.IntRange(min=1), help="Show this many, the newest.")
def log(name: str, limit: int | None) -> Listing[DatasetVersion]:
    """List the versions of dataset NAME, newest first."""
    return Listing(datasets.log(name)[:limit], title=f"Dataset {name}", empty="No versions.")


@dataset.command("tag")
@click.argument("ref")
@click.argument("tag")
def tag(ref: str, tag: str) -> DatasetVersion:
    """Point TAG at version REF; it moves when it points elsewhere."""
    return datasets.tag(ref, tag)
