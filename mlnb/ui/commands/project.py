"""``mlnb project`` / ``%project``: make, inspect and check a project."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import click

from mlnb.core import project as projects
from mlnb.core import settings
from mlnb.core.errors import Failed
from mlnb.core.urls import without_secrets
from mlnb.ui.grammar import Noun, Outcome
from mlnb.ui.overview import ProjectStatus
from mlnb.ui.render import Table, View

if TYPE_CHECKING:
    from mlnb.datasets.records import GarbageCollection


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


class Age(click.ParamType[float]):
    """A length of time: ``14d``, ``12h``, ``30m``, ``90s`` or ``0``."""

    name = "age"
    _UNITS: ClassVar = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}

    def convert(
        self, value: Any, parameter: click.Parameter | None, context: click.Context | None
    ) -> float:
        """Return the seconds."""
        if isinstance(value, int | float):
            return float(value)
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhdw]?)", value.strip())
        if found is None or (not found[2] and float(found[1])):
            self.fail(f"{value!r} is no length of time. Write 14d, 12h or 30m.", parameter, context)
        return float(found[1]) * self._UNITS[found[2]]


@project.command("gc")
@click.option("-n", "--dry-run", is_flag=True, help="Remove nothing, only tell.")
@click.option(
    "--older-than",
    type=Age(),
    default="24h",
    show_default=True,
    help="Leave what was written or removed more recently: 14d, 12h, 30m.",
)
def gc(dry_run: bool, older_than: float) -> "GarbageCollection":
    """Free the space of what nothing names any more.

    That is the data of removed dataset versions (dataset rm) and what killed saves left behind.
    Everything that an entry of any log names stays: versions, executed notebooks, labels. It may
    run while others save, unless --older-than is less than a day.
    """
    from mlnb import datasets

    return datasets.collect(older_than=older_than, dry_run=dry_run)


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
