"""papermill's options for parameter values, for every verb that executes notebooks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mlnb.core.errors import InvalidParameter, UnknownName

Command = Callable[..., Any]


def with_parameters(command: Command) -> Command:
    """Add papermill's parameter options; of several, the later kind wins as it does there."""
    options = (
        click.option(
            "-p", "--parameters", "single", nargs=2, multiple=True, metavar="NAME VALUE",
            help="A parameter; numbers, True, False and None are recognised.",
        ),
        click.option(
            "-r", "--parameters_raw", "raw", nargs=2, multiple=True, metavar="NAME VALUE",
            help="A parameter taken as text.",
        ),
        click.option(
            "-f", "--parameters_file", "files", multiple=True, metavar="FILE",
            help="A YAML file of parameters, or its address.",
        ),
        click.option(
            "-y", "--parameters_yaml", "texts", multiple=True, metavar="YAML",
            help="Parameters as YAML text.",
        ),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def given(
    single: tuple[tuple[str, str], ...],
    raw: tuple[tuple[str, str], ...],
    files: tuple[str, ...],
    texts: tuple[str, ...],
    *,
    typed: Callable[[str], Any],
) -> dict[str, Any]:
    """Return the values that the options give; `typed` reads those of ``-p``."""
    values: dict[str, Any] = {}
    if files or texts:
        from mlnb.pipelines.spec import parse_mapping

        for file in files:
            values |= parse_mapping(_text_of(file), file)
        for text in texts:
            values |= parse_mapping(text, "-y")
    for name, value in single:
        values[name] = typed(value)
    return values | dict(raw)


def _text_of(file: str) -> str:
    from mlnb.execution import locations

    if locations.is_elsewhere(file):
        return locations.read(file)
    path = Path(file)
    if not path.is_file():
        raise UnknownName("parameter file", file, _files_near(path))
    try:
        return path.read_text(encoding="utf-8-sig")
    except ValueError as error:
        raise InvalidParameter("-f", file, f"it is no UTF-8 text: {error}", "the command") from None


def _files_near(file: Path) -> list[str]:
    folder = file.parent
    return [str(item) for item in folder.glob("*.y*ml")] if folder.is_dir() else []
