"""Share versions through another store: push, pull."""

import click

from mlnb import datasets
from mlnb.datasets.remotes.records import TransferReport
from mlnb.ui.commands.dataset.group import dataset
from mlnb.ui.grammar import Surface
from mlnb.ui.transfer_display import display_for


@dataset.command("push")
@click.argument("refs", nargs=-1, metavar="[REF]...")
@click.option("--to", "url", help="The other store's URL; the setting 'remote' by default.")
@click.option("--as", "rename", default="", help="The dataset's name there.")
@click.pass_obj
def push(surface: Surface, refs: tuple[str, ...], url: str | None, rename: str) -> TransferReport:
    """Copy versions to another store: a folder, s3://…, gs://… or az://….

    REF is a dataset, with all its versions and tags, or one version of it; all datasets when there
    is none. Versions keep their numbers; what is there already is not copied again.
    """
    with display_for(surface) as show:
        return datasets.push(refs, url, rename=rename, on_progress=show)


@dataset.command("pull")
@click.argument("refs", nargs=-1, metavar="[REF]...")
@click.option("--from", "url", help="The other store's URL; the setting 'remote' by default.")
@click.option("--as", "rename", default="", help="The dataset's name here.")
@click.pass_obj
def pull(surface: Surface, refs: tuple[str, ...], url: str | None, rename: str) -> TransferReport:
    """Copy versions from another store to this project's own.

    REF is a dataset there, with all its versions and tags, or one version of it; all datasets when
    there is none. Versions keep their numbers; what is here already is not copied again.
    """
    with display_for(surface) as show:
        return datasets.pull(refs, url, rename=rename, on_progress=show)
