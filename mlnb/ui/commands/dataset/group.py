"""The noun itself; each other module of this package adds its verbs to it."""

import click

from mlnb.ui.grammar import Noun


@click.group("dataset", cls=Noun)
def dataset() -> None:
    """Save, load, compare and share versions of tables, folders and files."""
