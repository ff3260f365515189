"""``mlnb project`` / ``%project``: make, inspect and check a project."""

from pathlib import Path

import click

from mlnb.core import project as projects
from mlnb.core import settings
from mlnb.ui.grammar import Noun
from mlnb.ui.render import Table, View


@click.group("project", cls=Noun)
def project() -> None:
    """Make, inspect and check a project."""


@project.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=".")
@click.option("--name", default="", help="Project name; the folder's name by default.")
def init(folder: Path, name: str) -> View:
    """Make FOLDER a project: write its mlnb.toml."""
    made = projects.init(folder, name)
    return View(f"Project {made.name}", fields=[("settings", str(folder / "mlnb.toml"))])


@project.command("settings")
def show_settings() -> View:
    """Show every setting: its value, its variable and what it does."""
    values = projects.current().settings
    rows = [
        (item["name"], str(getattr(values, item["name"])), item["variable"], item["help"])
        for item in settings.table()
    ]
    return View("Settings", tables=[Table(["setting", "value", "variable", "what it is"], rows)])
