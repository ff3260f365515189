"""Notebooks as tests: each is executed, and its outputs are compared with those it holds.

The markers are nbval's, as a comment in a cell's first lines or, with hyphens, as its tag:
``NBVAL_IGNORE_OUTPUT``, ``NBVAL_CHECK_OUTPUT``, ``NBVAL_RAISES_EXCEPTION`` and ``NBVAL_SKIP``.
"""

import configparser
import json
import re
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, MissingNotebook, NotebooksDiffer
from mlnb.core.records import Record
from mlnb.execution import comparing, executor, notebooks
from mlnb.execution.comparing import Rules
from mlnb.execution.executor import NotebookJob
from mlnb.execution.notebooks import Cell, Notebook, source_of

Verdict = Literal["passed", "failed", "skipped"]
_MARKERS = ("IGNORE_OUTPUT", "CHECK_OUTPUT", "RAISES_EXCEPTION", "SKIP")
_GOES_ON = "raises-exception"


@dataclass(frozen=True, kw_only=True)
class CellTest(Record):
    """What became of one cell."""

    cell: int
    """One-based position in the notebook."""
    verdict: Verdict
    reason: str = ""
    differs: bool = False
    """Whether it ran well, and only its outputs are others."""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class NotebookTest(Record):
    """What became of one notebook."""

    notebook: str
    """Relative to the project."""
    verdict: Verdict
    error: str = ""
    """Why it could not be executed to its end."""
    seconds: float = 0.0
    updated: bool = False
    cells: list[CellTest] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How notebooks are tested."""

    rules: Rules = field(default_factory=Rules)
    lax: bool = False
    """Whether only cells marked ``NBVAL_CHECK_OUTPUT`` are compared."""
    update: bool = False
    """Whether a notebook takes over the outputs that differ."""
    kernel: str | None = None
    engine: str = ""
    cell_timeout: float | None = None


def check(paths: Sequence[Path], asked: Asked, *, workers: int | None = None) -> list[NotebookTest]:
    """Execute notebooks and compare their outputs; several at a time.

    Parameters
    ----------
    paths : sequence of Path
        Notebooks, and folders to look for notebooks in.
    asked : Asked
        How.
    workers : int, optional
        Notebooks at a time; by default the setting ``workers``.

    Raises
    ------
    MissingNotebook
        If a path is not there.
    """
    found = list(_found(paths))
    count = workers or projects.current().settings.workers
    with ThreadPoolExecutor(count) as pool:
        futures = [pool.submit(copy_context().run, check_one, path, asked) for path in found]
        return [future.result() for future in futures]


def check_one(path: Path, asked: Asked) -> NotebookTest:
    """Execute one notebook and compare its outputs."""
    shown, begun = projects.current().relative(path), perf_counter()
    source = notebooks.read(path)
    marks = [_marks(cell) for cell in source.cells]
    with tempfile.TemporaryDirectory(prefix="mlnb-test-") as folder:
        copy = _going_on(source, marks, Path(folder))
        execution = executor.attempt(
            NotebookJob(
                notebook=copy,
                output=Path(folder) / "output.ipynb",
                cwd=path.absolute().parent,
                kernel=asked.kernel,
                runner=asked.engine,
                cell_timeout=asked.cell_timeout,
                quiet=True,
            )
        )
        made = notebooks.read(execution.output)
    ran = {cell.get("id"): cell for cell in made.cells}
    cells = [
        _judge(number, cell, ran.get(f"cell-{number}", {}), marks[number - 1], asked)
        for number, cell in enumerate(source.cells, start=1)
        if cell["cell_type"] == "code" and source_of(cell).strip()
    ]
    failed = [cell for cell in cells if cell.verdict == "failed"]
    error = execution.error.message.replace(execution.notebook, shown) if execution.error else ""
    updated = asked.update and not error and bool(failed) and _update(source, ran, failed)
    verdict: Verdict = "failed" if error or (failed and not updated) else "passed"
    return NotebookTest(
        notebook=shown,
        verdict=verdict,
        error=error,
        seconds=perf_counter() - begun,
        updated=updated,
        cells=cells,
    )


def rules(tolerance: float, sanitize: Path | None) -> Rules:
    """Return the rules of a tolerance and of a file as nbval's ``--sanitize-with`` takes it.

    Raises
    ------
    BadInput
        If the file cannot be read as such.
    """
    if sanitize is None:
        return Rules(tolerance)
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(sanitize.read_text(encoding="utf-8"))
        pairs = [
            (re.compile(parser.get(name, "regex")), parser.get(name, "replace"))
            for name in parser.sections()
        ]
    except (OSError, configparser.Error, re.error) as error:
        raise BadInput(
            f"{sanitize} cannot be read: {error}.", "It has sections with `regex` and `replace`."
        ) from None
    return Rules(tolerance, pairs)


def failure(tested: Sequence[NotebookTest]) -> NotebooksDiffer | None:
    """Return the error that failed notebooks amount to; None when all passed."""
    failed = [item for item in tested if item.verdict == "failed"]
    return NotebooksDiffer([item.notebook for item in failed], len(tested)) if failed else None


def _found(paths: Sequence[Path]) -> Iterable[Path]:
    for path in paths:
        if path.is_dir():
            for item in sorted(path.rglob("*.ipynb")):
                if not any(part.startswith(".") for part in item.relative_to(path).parts):
                    yield item
        elif path.is_file():
            yield path
        else:
            raise MissingNotebook(projects.current().relative(path), [])


def _marks(cell: Cell) -> set[str]:
    """Return the markers of a cell, without nbval's prefix."""
    tags = {str(tag).upper().replace("-", "_") for tag in cell.get("metadata", {}).get("tags", [])}
    comments = re.findall(r"(?m)^\s*#\s*((?:NBVAL|PYTEST_VALIDATE)_\w+)", source_of(cell))
    named = {
        name.removeprefix("NBVAL_").removeprefix("PYTEST_VALIDATE_") for name in (*comments, *tags)
    }
    found = named & set(_MARKERS)
    return found | ({"RAISES_EXCEPTION"} if "RAISES_EXCEPTION" in tags else set())


def _going_on(source: Notebook, marks: list[set[str]], folder: Path) -> Path:
    """Write a copy whose cells may all fail, so that each is judged by itself."""
    cells: list[Cell] = []
    for number, cell in enumerate(source.cells, start=1):
        tags = [*cell.get("metadata", {}).get("tags", []), _GOES_ON]
        if "SKIP" in marks[number - 1]:
            tags.append("skip-execution")
        cells.append(
            {**cell, "id": f"cell-{number}", "metadata": {**cell.get("metadata", {}), "tags": tags}}
        )
    path = folder / source.path.name
    body = {"metadata": source.metadata, "nbformat": 4, "nbformat_minor": 5, "cells": cells}
    path.write_text(json.dumps(body), encoding="utf-8")
    return path


def _judge(number: int, held: Cell, made: Cell, marks: set[str], asked: Asked) -> CellTest:
    told = made.get("metadata", {}).get("papermill", {})
    seconds = float(told.get("duration") or 0.0)

    def verdict(kind: Verdict, reason: str = "", *, differs: bool = False) -> CellTest:
        return CellTest(cell=number, verdict=kind, reason=reason, differs=differs, seconds=seconds)

    if "SKIP" in marks:
        return verdict("skipped", "it is marked NBVAL_SKIP")
    if told.get("status") == "pending" or not told:
        return verdict("failed", "it did not run")
    outputs: list[dict[str, Any]] = made.get("outputs", [])
    held_outputs: list[dict[str, Any]] = held.get("outputs", [])
    raised = next((out for out in outputs if out["output_type"] == "error"), None)
    if raised is not None and "RAISES_EXCEPTION" not in marks:
        return verdict("failed", f"{raised['ename']}: {raised['evalue']}")
    if raised is None and "RAISES_EXCEPTION" in marks:
        return verdict("failed", "it was to raise an exception, and did not")
    compared = "CHECK_OUTPUT" in marks or (not asked.lax and "IGNORE_OUTPUT" not in marks)
    if compared and (different := comparing.difference(held_outputs, outputs, asked.rules)):
        return verdict("failed", different, differs=True)
    return verdict("passed")


def _update(source: Notebook, ran: dict[Any, Cell], failed: list[CellTest]) -> bool:
    """Take over the outputs of cells that differ, unless a cell failed otherwise."""
    if not all(item.differs for item in failed):
        return False
    body = json.loads(source.path.read_text(encoding="utf-8"))
    for item in failed:
        made = ran[f"cell-{item.cell}"]
        cell = body["cells"][item.cell - 1]
        cell["outputs"], cell["execution_count"] = made["outputs"], made["execution_count"]
    notebooks.write(body, source.path)
    return True
