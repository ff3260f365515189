"""Put versions of files into folders: checkout."""

from pathlib import Path

import click

from mlnb import datasets
from mlnb.datasets.folders.records import Checkout
from mlnb.ui.commands.dataset.group import dataset


@dataset.command("checkout")
@click.argument("ref")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace files that were changed in FOLDER.")
@click.option("--clean", is_flag=True, help="Remove everything that the version lacks.")
def checkout(ref: str, folder: Path, force: bool, clean: bool) -> Checkout:
    """Make FOLDER hold version REF of a dataset of files, writing only what differs.

    What the last save or checkout left in FOLDER is replaced. Files that were changed since are
    not, unless --force is given; files of your own are left alone, unless --clean is given.
    """
    return datasets.checkout(ref, folder, force=force, clean=clean)
