"""The cells of an executed notebook: what became of each, what it showed, what went wrong."""

import json
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mlnb.core.errors import MlnbError
from mlnb.core.project import Project
from mlnb.core.records import StepResult
from mlnb.execution.notebooks import source_of

Verdict = Literal["passed", "failed", "not run"]
NOT_OF_THE_SOURCE = frozenset({"injected-parameters", "papermill-error-cell-tag"})
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")
_ESCAPES = re.compile(r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|\[[0-9;?]*[ -/]*[@-~]|[@-Z\\-_])")
"""Commands to the terminal: colours, links, titles."""


@dataclass(frozen=True)
class Cell:
    """One cell of an executed notebook."""

    number: int
    """One-based position in the source notebook; an injected cell has the one before it."""
    kind: str
    source: str
    verdict: Verdict
    seconds: float = 0.0
    started: datetime | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    injected: bool = False
    """Whether the source notebook does not have it."""

    @property
    def is_code(self) -> bool:
        """Tell whether it is code with something in it."""
        return self.kind == "code" and bool(self.source.strip())


def notebook_of(project: Project, result: StepResult) -> bytes | None:
    """Return a step's executed notebook: of this machine, else from the store; None without one."""
    if result.output:
        with suppress(OSError):
            return (project.root / result.output).read_bytes()
    if result.output_digest:
        with suppress(MlnbError):
            return bytes(project.store.get(result.output_digest))
    return None


def read(notebook: bytes | None) -> list[Cell]:
    """Return the cells of an executed notebook; none of one that cannot be read."""
    try:
        body = json.loads(notebook or b"{}")
    except ValueError:
        return []
    found: list[Cell] = []
    number = 0
    for cell in body.get("cells", []):
        metadata = cell.get("metadata", {})
        injected = bool(NOT_OF_THE_SOURCE & set(metadata.get("tags", [])))
        number += not injected
        found.append(_cell(cell, metadata.get("papermill", {}), number, injected))
    return found


def failed(cells: Iterable[Cell]) -> Cell | None:
    """Return the cell that failed, or None."""
    return next((cell for cell in cells if cell.verdict == "failed"), None)


def traceback(cell: Cell) -> str:
    """Return what a failed cell says of its error, with the terminal's colours."""
    for output in cell.outputs:
        if output.get("output_type") == "error":
            lines = output.get("traceback") or [f"{output.get('ename')}: {output.get('evalue')}"]
            return "\n".join(lines)
    errors = [output for output in cell.outputs if output.get("name") == "stderr"]
    return "".join(joined(output.get("text", "")) for output in errors)


def error_name(cell: Cell) -> str:
    """Return the exception's name, or ``""``."""
    errors = (item for item in cell.outputs if item.get("output_type") == "error")
    return str(next(errors, {}).get("ename", ""))


def shown(cell: Cell, limit: int) -> str:
    """Return the text that a cell showed, its error aside, cut in the middle to `limit`."""
    parts = []
    for output in cell.outputs:
        if output.get("output_type") == "stream":
            parts.append(joined(output.get("text", "")))
        elif text := joined(output.get("data", {}).get("text/plain", "")):
            parts.append(f"{text}\n")
    text = cut("".join(parts), 4 * limit)  # before anything slow is done with it
    return cut(plain(text).strip("\n"), limit)


def plain(text: str) -> str:
    """Return text without commands to the terminal."""
    return _ESCAPES.sub("", text)


def cut(text: str, limit: int) -> str:
    """Return text of at most about `limit` characters: what is in the middle goes."""
    if len(text) <= limit:
        return text
    head, tail = limit // 3, limit - limit // 3
    left_out = len(text) - head - tail
    return f"{text[:head]}\n… {left_out:,} characters left out …\n{text[-tail:]}"


def joined(text: str | list[str]) -> str:
    """Return a text of a notebook, which may be kept as lines."""
    return text if isinstance(text, str) else "".join(text)


def _cell(cell: Mapping[str, Any], told: Mapping[str, Any], number: int, injected: bool) -> Cell:
    verdicts: dict[str, Verdict] = {"completed": "passed", "failed": "failed"}
    started = None
    with suppress(ValueError, TypeError):
        started = datetime.fromisoformat(told["start_time"]) if told.get("start_time") else None
    return Cell(
        number=number,
        kind=str(cell.get("cell_type", "")),
        source=source_of(dict(cell)),
        verdict=verdicts.get(str(told.get("status")), "not run"),
        seconds=float(told.get("duration") or 0),
        started=started,
        outputs=list(cell.get("outputs", [])),
        injected=injected,
    )
