"""papermill's options for one notebook, each with its meaning there."""

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]

_LEVELS = ("NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_SECONDS = click.FloatRange(0, min_open=True)
_FILE = click.Path(path_type=Path, dir_okay=False, writable=True)

OPTIONS = (
    click.option(
        "--help-notebook", is_flag=True, help="Show NOTEBOOK's parameters; execute nothing."
    ),
    click.option(
        "-b", "--parameters_base64", "encoded", multiple=True, metavar="TEXT",
        help="Parameters as YAML text in Base64.",
    ),
    click.option(
        "--inject-input-path", is_flag=True,
        help="Give NOTEBOOK as the parameter PAPERMILL_INPUT_PATH.",
    ),
    click.option(
        "--inject-output-path", is_flag=True,
        help="Give OUTPUT as the parameter PAPERMILL_OUTPUT_PATH.",
    ),
    click.option("--inject-paths", is_flag=True, help="Give both paths as parameters."),
    click.option(
        "--request-save-on-cell-execute/--no-request-save-on-cell-execute", "save_cells",
        default=True, help="Whether OUTPUT may be saved when a cell has ended.",
    ),
    click.option(
        "--autosave-cell-every", "save_every", type=click.FloatRange(0), metavar="SECONDS",
        help="How often OUTPUT is saved while cells run; 0 for only when one has ended.",
    ),
    click.option(
        "--prepare-only/--prepare-execute", default=False,
        help="Write OUTPUT with parameters; execute nothing.",
    ),
    click.option("-k", "--kernel", help="The kernelspec, instead of the notebook's own."),
    click.option(
        "-l", "--language", help="What parameters are written in, instead of the kernel's language."
    ),
    click.option(
        "--cwd", type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="Working directory of the cells, instead of the notebook's folder.",
    ),
    click.option(
        "--progress-bar/--no-progress-bar", default=None,
        help="Whether to show which cell runs, at a terminal.",
    ),
    click.option(
        "--log-output/--no-log-output", default=False,
        help="Write what cells show to standard error, too, as it comes.",
    ),
    click.option("--stdout-file", type=_FILE, help="A file for what cells print."),
    click.option("--stderr-file", type=_FILE, help="A file for what cells write to stderr."),
    click.option(
        "--log-level", type=click.Choice(_LEVELS), default="INFO",
        help="From which level on --log-output writes: what cells print is INFO, stderr WARNING.",
    ),
    click.option(
        "--start-timeout", "--start_timeout", type=_SECONDS, default=60.0, metavar="SECONDS",
        help="For the start of the kernel or shell.",
    ),
    click.option(
        "--execution-timeout", type=_SECONDS, metavar="SECONDS",
        help="For each cell; by default the setting `cell_timeout`.",
    ),
    click.option(
        "--report-mode/--no-report-mode", default=False, help="Hide the cells' sources in OUTPUT."
    ),
)  # fmt: skip


def with_options(command: Command) -> Command:
    """Add papermill's options but those for parameters, in papermill's order."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def paths_as_parameters(
    notebook: str, output: str, *, source: bool, destination: bool
) -> dict[str, str]:
    """Return the paths that are wanted, under papermill's names."""
    given = {"PAPERMILL_INPUT_PATH": notebook} if source else {}
    return given | ({"PAPERMILL_OUTPUT_PATH": output} if destination else {})


def log_to_stderr(level: str) -> None:
    """Write the log of outputs to standard error, as it is."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log = logging.getLogger("mlnb.execution.outputs")
    log.handlers[:] = [handler]
    log.propagate = False
    log.setLevel(level)
