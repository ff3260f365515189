"""The table of nouns and shortcuts. Standard library only: magics are registered from it.

The CLI and ``%load_ext mlnb`` both read this table and import a noun's module on first use.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """Where a noun (or a shortcut for a verb) is declared."""

    home: str
    """``module:attribute`` of the Click command."""
    help: str
    cell: str = ""
    """``module:function`` behind ``%%name``, when there is a cell magic."""
    line: bool = True
    """Whether there is a ``%name``."""
    program: bool = True
    """Whether there is an ``mlnb name``."""


_COMMANDS = "mlnb.ui.commands"

NOUNS: dict[str, Entry] = {
    "project": Entry(f"{_COMMANDS}.project:project", "Make, inspect and check a project."),
    "track": Entry(
        f"{_COMMANDS}.track:track",
        "Track a cell (%%track) or several (start, stop).",
        cell="mlnb.ui.track_cell:track_cell",
        program=False,
    ),
    "step": Entry(
        f"{_COMMANDS}.step:step",
        "Cache a cell: run it only when what it depends on has changed.",
        cell="mlnb.ui.step_cell:step_cell",
        program=False,
    ),
    "runs": Entry(f"{_COMMANDS}.runs:runs", "List, show and compare tracked runs."),
    "dataset": Entry(f"{_COMMANDS}.dataset:dataset", "Save, load and inspect dataset versions."),
    "notebook": Entry(f"{_COMMANDS}.notebook:notebook", "Run notebooks headlessly."),
    "pipeline": Entry(f"{_COMMANDS}.pipeline:pipeline", "Run pipelines of notebooks."),
    "model": Entry(f"{_COMMANDS}.model:model", "Register, promote and roll back models."),
    "validate": Entry(f"{_COMMANDS}.validate:validate", "Test a model against its gate."),
    "endpoint": Entry(f"{_COMMANDS}.endpoint:endpoint", "Serve models."),
    "monitor": Entry(f"{_COMMANDS}.monitor:monitor", "Watch drift and realised accuracy."),
    "kernel": Entry(f"{_COMMANDS}.kernel:kernel", "Kernels that start in milliseconds."),
    "ci": Entry(f"{_COMMANDS}.ci:ci", "Run pipelines in CI; check its files."),
    # shortcuts
    "run": Entry(f"{_COMMANDS}.pipeline:run", "Run a pipeline (pipeline run).", line=False),
    "deploy": Entry(f"{_COMMANDS}.endpoint:deploy", "Deploy a model (endpoint deploy)."),
    "rollback": Entry(f"{_COMMANDS}.endpoint:rollback", "Roll an endpoint back."),
}
