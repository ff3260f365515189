"""The output notebook as plain JSON: made from the source before the run, marked after a failure.

What is written equals what papermill writes: its metadata, its injected cell, its error markers.
Nothing but the standard library is imported, unless a cell of another language than Python has
to be written.
"""

import json
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlnb.core.errors import DiskUnavailable
from mlnb.execution import notebooks
from mlnb.execution.notebooks import Cell, Notebook, source_of

if TYPE_CHECKING:
    from mlnb.execution.parameters import Given

INJECTED = "injected-parameters"
MARKER = "papermill-error-cell-tag"
_STYLE = (
    'style="color:red; font-family:Helvetica Neue, Helvetica, Arial, sans-serif; font-size:2em;"'
)
_ANCHOR = (
    f'<span id="papermill-error-cell" {_STYLE}>'
    "Execution using papermill encountered an exception here and stopped:</span>"
)
_MINOR = 5
"""papermill brings every notebook to format 4.5, whose cells have ids."""


@dataclass
class Prepared:
    """A notebook to be executed."""

    body: dict[str, Any]
    numbers: dict[int, int] = field(default_factory=dict)
    """One-based number in the source notebook, by position in the output notebook."""

    @property
    def cells(self) -> list[Cell]:
        """Return the cells."""
        cells: list[Cell] = self.body["cells"]
        return cells

    @property
    def papermill(self) -> dict[str, Any]:
        """Return papermill's entry in the notebook's metadata."""
        entry: dict[str, Any] = self.body["metadata"]["papermill"]
        return entry


def now() -> datetime:
    """Return the time, as papermill takes it."""
    return datetime.now(UTC)


def prepare(
    source: Notebook,
    given: "Given",
    *,
    kernel: str,
    language: str,
    shown: tuple[str | None, str | None],
    report_mode: bool = False,
) -> Prepared:
    """Make the notebook that is to be executed; the source is left as it is.

    Parameters
    ----------
    source : Notebook
        As read.
    given : Given
        Parameter values.
    kernel, language : str
        Kernelspec, and the language to write the values in.
    shown : tuple of str
        Input and output path as they are written into the notebook's metadata.
    report_mode : bool
        Whether the sources of all cells are to be hidden in the output.
    """
    body = json.loads(json.dumps({**source.body, "cells": []}))
    cells = [_fresh(cell, ids=source.minor >= _MINOR) for cell in source.cells]
    numbered = list(enumerate(cells, start=1))
    places: list[tuple[int | None, Cell]] = [
        (number, cell) for number, cell in numbered if MARKER not in cell["metadata"]["tags"]
    ]
    if text := _injected_source(given, kernel, language):
        _inject(places, text)
    if report_mode:
        for _, cell in places:
            if cell["cell_type"] == "code":
                cell["metadata"]["jupyter"] = {"source_hidden": True}
    body["cells"] = [cell for _, cell in places]
    body |= {"nbformat": 4, "nbformat_minor": max(source.minor, _MINOR)}
    entry = body["metadata"].setdefault(
        "papermill",
        {"default_parameters": {}, "environment_variables": {}, "version": _papermill_version()},
    )
    entry |= {"parameters": given.shown(), "input_path": shown[0], "output_path": shown[1]}
    numbers = {place: number for place, (number, _) in enumerate(places) if number is not None}
    return Prepared(body, numbers)


def start(prepared: Prepared) -> None:
    """Note that the notebook starts: no cell has run."""
    prepared.papermill.update(
        start_time=now().isoformat(), end_time=None, duration=None, exception=None
    )
    for cell in prepared.cells:
        cell["metadata"]["papermill"] = {
            "exception": None,
            "start_time": None,
            "end_time": None,
            "duration": None,
            "status": "pending",
        }
        if cell["cell_type"] == "code":
            cell["execution_count"], cell["outputs"] = None, []


def finish(prepared: Prepared) -> None:
    """Note that the notebook has ended; cells that never ran stay ``pending``."""
    ended = now()
    begun = datetime.fromisoformat(prepared.papermill["start_time"])
    prepared.papermill.update(end_time=ended.isoformat(), duration=(ended - begun).total_seconds())


def mark_failure(prepared: Prepared, position: int | None, reason: str) -> None:
    """Say at the top of an output notebook that it failed, and point at the cell.

    The markers are papermill's own, which it removes when the notebook is executed again.
    """
    if position is not None:
        prepared.cells.insert(position, _markdown(_ANCHOR))
    text = reason.replace("<", "&lt;")
    prepared.cells.insert(
        0,
        _markdown(
            f"<span {_STYLE}>This notebook did not finish: "
            f'<a href="#papermill-error-cell">{text}</a></span>'
        ),
    )


def mark_early_end(prepared: Prepared, position: int) -> None:
    """Say in papermill's words that a notebook which a cell ended by ``sys.exit()`` is complete."""
    cell = prepared.cells[position]
    cell["metadata"]["papermill"].update(status="completed", exception=False)
    prepared.papermill["exception"] = None
    cell["outputs"] = [item for item in cell["outputs"] if item.get("ename") != "SystemExit"]


def make_room(output: Path) -> None:
    """Make the folder of an output.

    Raises
    ------
    DiskUnavailable
        If there can be none, or the output is a folder itself.
    """
    if output.is_dir():
        raise DiskUnavailable("it is a folder", str(output))
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskUnavailable(error.strerror or str(error), str(output.parent)) from None


def write(prepared: Prepared, output: Path) -> None:
    """Write a notebook so that the file is whole at any moment."""
    notebooks.write(prepared.body, output)


def _fresh(cell: Cell, *, ids: bool) -> Cell:
    """Return a copy of a source cell without outputs, as papermill reads it."""
    made = {key: value for key, value in cell.items() if key not in ("outputs", "execution_count")}
    made["source"] = source_of(cell)
    made["metadata"] = {"tags": [], "papermill": {}, **(cell.get("metadata") or {})}
    made["metadata"]["tags"] = list(made["metadata"]["tags"])
    made["metadata"].pop("trusted", None)
    if not ids or "id" not in made:
        made["id"] = uuid.uuid4().hex[:8]
    return made


def _inject(places: list[tuple[int | None, Cell]], text: str) -> None:
    """Put the injected cell where papermill puts it; an older injected cell is replaced."""
    made = {
        "cell_type": "code",
        "id": uuid.uuid4().hex[:8],
        "metadata": {"tags": [INJECTED], "papermill": {}},
        "source": text,
    }
    tagged = {
        tag: place
        for place, (_, cell) in reversed(list(enumerate(places)))
        for tag in cell["metadata"]["tags"]
    }
    if INJECTED in tagged:
        places[tagged[INJECTED]] = (None, made)
    else:
        places.insert(tagged.get("parameters", -1) + 1, (None, made))


def _injected_source(given: "Given", kernel: str, language: str) -> str:
    if language.startswith(("python", "ipython")):
        return given.source()
    if not given.values:
        return ""
    notebooks.import_nbformat()
    from papermill.translators import translate_parameters

    return str(translate_parameters(kernel, language, dict(given.values), "Parameters"))


def _markdown(text: str) -> Cell:
    return {
        "cell_type": "markdown",
        "id": uuid.uuid4().hex[:8],
        "metadata": {"tags": [MARKER]},
        "source": text,
    }


@cache
def _papermill_version() -> str:
    from importlib.metadata import version

    return version("papermill")


def warm() -> None:
    """Do ahead of time what the first notebook would wait for."""
    _papermill_version()
