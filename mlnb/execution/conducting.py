"""Keeps the output notebook, the `Execution` and the event stream in step with what runs."""

import json
import os
import re
from collections.abc import Iterable
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any

from mlnb.core import redaction
from mlnb.core.errors import CellFailed, Interrupted, KernelDied, MlnbError, TimedOut
from mlnb.core.project import Project
from mlnb.execution import endings, outputs
from mlnb.execution.notebooks import Cell
from mlnb.execution.outputs import Prepared
from mlnb.execution.parameters.secret import held
from mlnb.execution.selection import is_passed_over

if TYPE_CHECKING:
    from mlnb.execution.executor import Execution, NotebookJob

SAVE_EVERY = 5.0
"""Seconds between two saves while cells run; more when a save takes long."""
_SHARE = 50
"""A save may take one part in so many of the time between two."""
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SUCCESSFUL_EXIT = {"", "0", "None"}


class Conductor:
    """Told of each cell by whoever runs it; afterwards everything that is kept is right.

    Used on one thread. Positions are those in the output notebook.
    """

    def __init__(
        self, project: Project, job: "NotebookJob", execution: "Execution", prepared: Prepared
    ) -> None:
        self.project = project
        self.job = job
        self.execution = execution
        self.prepared = prepared
        self.position: int | None = None
        self.cell_timeout = job.cell_timeout or project.settings.cell_timeout
        self._deadline = monotonic() + job.timeout if job.timeout else float("inf")
        self._settled = 0
        self._running: int | None = None
        every = SAVE_EVERY if job.save_every is None else job.save_every
        self._save_every = every or float("inf")
        self._next_save = monotonic() + self._save_every

    def cells(self) -> Iterable[tuple[int, Cell]]:
        """Return the cells that are executed."""
        for position, cell in enumerate(self.prepared.cells):
            if is_executed(cell):
                yield position, cell

    def stop_reason(self) -> str:
        """Say why the notebook should stop now, or ``""``."""
        if self.job.cancelled.is_set():
            return "cancelled"
        return "timeout" if monotonic() > self._deadline else ""

    def cell_started(self, position: int) -> None:
        """Note which cell runs; those before it that are not executed are passed."""
        for before in range(self._settled, position):
            self._begin(before)
            self._end(before, failed=False)
        self._settled = position + 1
        self._begin(position)
        self._running = position

    def cell_finished(self, position: int, *, failed: bool) -> None:
        """Note that the running cell has ended."""
        self._running = None
        self._end(position, failed=failed)
        if self.job.on_outputs and self._has_secrets:
            self.job.on_outputs(self.prepared.cells[position]["outputs"])
        if failed:
            self.prepared.papermill["exception"] = True
        if self.job.save_cells:
            self.save()

    def shown(self, further: list[dict[str, Any]]) -> None:
        """Note what the running cell has shown; it is in the cell's outputs already."""
        # A secret may come in pieces: it is only found when all the cell has written is there.
        if self.job.on_outputs and not self._has_secrets:
            self.job.on_outputs(further)

    @property
    def _has_secrets(self) -> bool:
        return bool(self.execution.given.secrets or held(self.job.environment))

    def finished(self) -> None:
        """Note that all cells have been executed."""
        for position in range(self._settled, len(self.prepared.cells)):
            self._begin(position)
            self._end(position, failed=False)
        self._settled = len(self.prepared.cells)

    def ended(self, ending: endings.Ending | None, last_words: str = "") -> None:
        """Note how the notebook has ended, and write it."""
        outputs.finish(self.prepared)
        position = self.position
        if ending is not None:
            self.execution.error = self._failure(ending, last_words)
            if self.execution.error is None and position is not None:
                outputs.mark_early_end(self.prepared, position)
        if self.execution.error:
            self.execution.failed_cell = None if position is None else self._number(position)
            outputs.mark_failure(self.prepared, position, self.execution.error.message)
        outputs.write(self.prepared, self.job.output)

    def save(self) -> None:
        """Write the notebook as it is, unless that was done lately or would take too long."""
        begun = monotonic()
        if begun >= self._next_save:
            self._write()
            done = monotonic()
            self._next_save = done + max(self._save_every, _SHARE * (done - begun))

    def _write(self) -> None:
        """Write the notebook; what the running cell has shown may still hold secrets."""
        if self._running is None or not self._has_secrets:
            outputs.write(self.prepared, self.job.output)
            return
        cell = self.prepared.cells[self._running]
        shown = cell["outputs"]
        cell["outputs"] = _without_secrets(shown)
        try:
            outputs.write(self.prepared, self.job.output)
        finally:
            cell["outputs"] = shown

    def environment(self) -> dict[str, str]:
        """Return the environment that the cells see."""
        hidden = self.job.hidden
        return {
            **{name: value for name, value in os.environ.items() if name not in hidden},
            **self.job.environment,
            **self.execution.given.environment(),
            "MLNB_PROJECT": str(self.project.root),
            "MLNB_STEP": self.job.step,
            "MLNB_PIPELINE_RUN": self.job.pipeline_run,
            "MLNB_NOTEBOOK": self.execution.notebook,
        }

    def _number(self, position: int) -> int:
        """Return the number of a cell in the source notebook; of an injected one, that before."""
        numbers = self.prepared.numbers
        return next((numbers[place] for place in range(position, -1, -1) if place in numbers), 1)

    def _begin(self, position: int) -> None:
        self.position = position
        cell = self.prepared.cells[position]
        told = cell["metadata"]["papermill"]
        told.update(start_time=outputs.now().isoformat(), status="running", exception=False)
        if cell["cell_type"] == "code" and position in self.prepared.numbers:
            self._emit("cell.started", position, **self.execution.way())
            if self.job.on_cell:
                self.job.on_cell(self._number(position), self.execution.cells)

    def _end(self, position: int, *, failed: bool) -> None:
        cell = self.prepared.cells[position]
        if self._has_secrets and cell["cell_type"] == "code":
            cell["outputs"] = _without_secrets(cell["outputs"])
        told = cell["metadata"]["papermill"]
        ended = outputs.now()
        seconds = (ended - datetime.fromisoformat(told["start_time"])).total_seconds()
        told.update(end_time=ended.isoformat(), duration=seconds)
        told["status"] = "failed" if failed else "completed"
        if failed:
            told["exception"] = True
        if position not in self.prepared.numbers:
            return
        self.execution.cells_done += not failed
        if cell["cell_type"] == "code":
            status = "FAILED" if failed else "FINISHED"
            self._emit("cell.finished", position, status=status, seconds=seconds)

    def _emit(self, kind: str, position: int, **data: Any) -> None:
        job, execution = self.job, self.execution
        if job.quiet:
            return
        self.project.events.emit(
            kind,
            job.step or execution.notebook,
            step=job.step,
            pipeline_run=job.pipeline_run,
            notebook=execution.notebook,
            cell=self._number(position),
            total=execution.cells,
            **data,
        )

    def _failure(self, ending: endings.Ending, last_words: str) -> MlnbError | None:
        notebook, position = self.execution.notebook, self.position
        cell = None if position is None else self._number(position)
        where = f"{notebook}, cell {cell}"
        match ending:
            case endings.CellRaised():
                value = redaction.text(_ANSI.sub("", ending.value).strip())
                if ending.name == "SystemExit" and value in _SUCCESSFUL_EXIT:
                    self.execution.cells_done = cell or 0
                    return None
                return CellFailed(notebook, cell or 1, ending.name, value)
            case endings.KernelEnded():
                return KernelDied(notebook, cell, f"{ending}{redaction.text(last_words)}")
            case endings.CellStopped():
                fix = "The limit is the setting `cell_timeout`."
                return TimedOut(where, self.cell_timeout, "" if self.job.cell_timeout else fix)
            case endings.Flooded():
                limit = self.project.settings.cell_output_limit
                reason = f"it wrote more than four times {limit} bytes and was stopped"
                return CellFailed(notebook, cell or 1, "OutputFlood", reason)
            case _ if str(ending) == "timeout":
                place = "before its first cell" if cell is None else f"in cell {cell}"
                return TimedOut(notebook, self.job.timeout or 0, f"It was stopped {place}.")
        return Interrupted(f"{notebook if cell is None else where}: stopped.")


def _without_secrets(shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads(redaction.text(json.dumps(shown)))
    return made


def is_executed(cell: Cell) -> bool:
    """Tell whether a cell is executed, as nbclient decides it."""
    return (
        cell["cell_type"] == "code"
        and bool(cell["source"].strip())
        and "skip-execution" not in cell["metadata"].get("tags", [])
        and not is_passed_over(cell)
    )


def last_words(text: str) -> str:
    """Return the last line that a process wrote outside any cell, if it wrote one."""
    lines = [line.strip() for line in _ANSI.sub("", text).splitlines() if line.strip()]
    own = [line for line in lines if not line.startswith(("[IPKernelApp]", "[HeadlessApp]"))]
    return f" ({own[-1]})" if own else ""
