"""Checkpoints around the cells of a notebook that runs in-process."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.execution.checkpoints import inside
from mlnb.execution.checkpoints.plan import Plan
from mlnb.execution.inprocess.hooks import CellOutcome, RunCell, Skipped


class Checkpoints:
    """Goes on after a stored checkpoint, and stores what passes one (a `CellHooks`).

    Whatever fails here is a note: the notebook then runs as if there were no checkpoint.

    Parameters
    ----------
    notebook : str
        Relative to the project.
    resume : bool
        Whether to go on from a checkpoint.
    numbers : dict
        Number in the source notebook, by position (as text: JSON) in the output notebook.
    context : str
        What they depend on besides the code.
    """

    def __init__(
        self, notebook: str, resume: bool, numbers: dict[str, int], context: str = ""
    ) -> None:
        self._numbers = numbers
        self._context = context
        self._notebook = notebook
        self._resume = resume
        self._plan: Plan | None = None
        self._places: dict[int, int] = {}
        self._kept: list[dict[str, Any]] = []
        self._reason = ""

    def started(self, shell: Any, cells: Sequence[RunCell]) -> dict[str, Any] | None:
        """Bring the variables of a checkpoint back when there is one that fits."""
        try:
            return self._start(cells)
        except Exception as error:
            return {"resumed": None, "why": f"checkpoints cannot be used: {error}"}

    def before_cell(self, shell: Any, cell: RunCell) -> Skipped | None:
        """Pass over the cells that ran before the checkpoint."""
        place = self._places.get(cell.index, len(self._kept))
        if place >= len(self._kept):
            return None
        kept = self._kept[place]
        return Skipped(reason=self._reason, outputs=kept["outputs"], execution_count=kept["count"])

    def after_cell(self, shell: Any, cell: RunCell, outcome: CellOutcome) -> dict[str, Any] | None:
        """Store the variables after a checkpoint."""
        if self._plan is None or not (outcome.ok or "raises-exception" in cell.tags):
            return None
        try:
            return self._keep(self._plan, self._places[cell.index], outcome)
        except Exception as error:
            return {"checkpoint": None, "why": f"it could not be stored: {error}"}

    def _start(self, cells: Sequence[RunCell]) -> dict[str, Any] | None:
        pairs = [(cell.source, cell.tags) for cell in cells]
        numbers = [self._numbers[str(cell.index)] for cell in cells]
        plan = Plan(project.current(), self._notebook, pairs, Path.cwd(), numbers, self._context)
        if not plan.has_any and not self._resume:
            return None
        inside.begin()
        self._places = {cell.index: place for place, cell in enumerate(cells)}
        self._plan = plan if plan.has_any else None
        if not self._resume:
            return None
        found, why = plan.candidates()
        for record in found:
            needed = plan.needed_after(record)
            problem = inside.restore(record.key, record.kept.to_dict(), needed)
            if problem:
                why = why or problem
                continue
            self._kept = plan.resumed(record)
            number = plan.number_of(record)
            self._reason = f"taken from the checkpoint after cell {number}"
            return {"resumed": number, "why": why, "seconds": record.seconds}
        return {"resumed": None, "why": why}

    def _keep(self, plan: Plan, place: int, outcome: CellOutcome) -> dict[str, Any] | None:
        inside.look()
        plan.ran(outcome.outputs, outcome.execution_count, outcome.seconds)
        names = plan.names_at(place)
        if names is None:
            return None
        kept = inside.save(plan.key_at(place), names)
        return plan.keep(place, kept)
