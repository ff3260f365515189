"""``mlnb project`` / ``%project``: make, inspect and check a project."""

from pathlib import Path

import click

from mlnb.core import project as projects
from mlnb.core import settings
from mlnb.core.errors import Failed
from mlnb.core.urls import without_secrets
from mlnb.ui.grammar import Noun, Outcome
from mlnb.ui.overview import ProjectStatus
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
    return View(f"Project {made.name}", fields=[("settings", str(folder / settings.FILE_NAME))])


@project.command("settings")
def show_settings() -> View:
    """Show every setting: its value, its variable and what it does."""
    values = projects.current().settings
    rows = [
        (
            item["name"],
            without_secrets(str(getattr(values, item["name"]))),
            item["variable"],
            item["help"],
        )
        for item in settings.table()
    ]
    return View("Settings", tables=[Table(["setting", "value", "variable", "what it is"], rows)])


@project.command("status")
def status() -> ProjectStatus:
    """Show what the project holds: versions, runs, champions, endpoints."""
    from mlnb.ui import overview

    return overview.status()


@project.command("doctor")
def doctor() -> Outcome:
    """Check the machine, the installation and the stores, and say how to fix what is wrong.

    Changes nothing. Ends with 1 when something must be fixed; what is only missing and optional
    is named too.
    """
    from mlnb.ui.doctor import diagnose

    diagnosis = diagnose()
    problems = diagnosis.problems
    failure = Failed(
        f"{len(problems)} must be fixed: {', '.join(item.check for item in problems)}."
    )
    return Outcome(diagnosis, failure if problems else None)
