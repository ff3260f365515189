"""What can be put around the cells of a notebook that runs in-process."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol


@dataclass(frozen=True, kw_only=True)
class RunCell:
    """A code cell as the runner sees it."""

    index: int
    """Zero-based position in the output notebook."""
    id: str
    source: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """A cell that is not executed, why, and the outputs it keeps."""

    reason: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    execution_count: int | None = None


@dataclass(frozen=True, kw_only=True)
class CellOutcome:
    """How a cell ended."""

    ok: bool
    error: str
    """Name of the exception, or ``""``."""
    seconds: float
    outputs: list[dict[str, Any]]
    execution_count: int | None


class CellHooks(Protocol):
    """Called on the cells' own thread, between the cells and never during one.

    Ownership: the runner makes one object per notebook from ``module:class`` and the options in
    the request. A hook that raises ends the notebook with that error, as a failing cell does.
    What a method returns as ``dict`` is handed to the parent process as a note (JSON types).
    """

    def started(self, shell: Any, cells: Sequence[RunCell]) -> dict[str, Any] | None:
        """Take note that the shell stands and no cell has run."""

    def before_cell(self, shell: Any, cell: RunCell) -> Skipped | None:
        """Decide whether a cell runs: None lets it, a `Skipped` passes it over."""

    def after_cell(self, shell: Any, cell: RunCell, outcome: CellOutcome) -> dict[str, Any] | None:
        """Take note that a cell has ended."""


def load(wanted: Sequence[Sequence[Any]]) -> list[CellHooks]:
    """Make the hooks that a request names, in its order."""
    made: list[CellHooks] = []
    for home, options in wanted:
        module, _, attribute = home.partition(":")
        made.append(getattr(import_module(module), attribute)(**options))
    return made
