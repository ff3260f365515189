"""Execute one notebook: parameters in, executed notebook and glued values out."""

import asyncio
import os
import re
import tempfile
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import IO, Any

from mlnb.core import project as projects
from mlnb.core.errors import CellFailed, Interrupted, KernelDied, MlnbError, TimedOut
from mlnb.core.project import Project
from mlnb.core.records import Status
from mlnb.execution import notebooks, scraps
from mlnb.execution import parameters as declared

OnCell = Callable[[int, int], None]

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SUCCESSFUL_EXIT = {"", "0", "None"}


@dataclass(frozen=True, kw_only=True)
class NotebookJob:
    """One notebook to execute; `execute` says what each field means."""

    notebook: Path
    output: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    step: str = ""
    pipeline_run: str = ""
    timeout: float | None = None
    kernel: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    on_cell: OnCell | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass
class Execution:
    """What became of one notebook."""

    notebook: str
    """Relative to the project."""
    output: Path
    cells: int
    """Cells of the source notebook."""
    cells_done: int = 0
    failed_cell: int | None = None
    """One-based position in the source notebook."""
    error: MlnbError | None = None
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        """Return FINISHED, FAILED or KILLED."""
        if self.error is None:
            return "FINISHED"
        return "KILLED" if isinstance(self.error, Interrupted) else "FAILED"


def execute(
    notebook: Path,
    output: Path,
    *,
    parameters: Mapping[str, Any] | None = None,
    step: str = "",
    pipeline_run: str = "",
    timeout: float | None = None,
    kernel: str | None = None,
    environment: Mapping[str, str] | None = None,
    on_cell: OnCell | None = None,
    cancelled: threading.Event | None = None,
) -> Execution:
    """Execute a notebook on a kernel of its own; the source file is only read.

    Several may run at once in one process. The kernel's working directory is the notebook's
    folder. The output notebook is kept however the execution ends. ``sys.exit()`` and
    ``sys.exit(0)`` end the notebook early and well, any other exit is a failure.

    Parameters
    ----------
    notebook, output : Path
        Source and where to write the executed notebook.
    parameters : mapping, optional
        Injected below the cell tagged ``parameters``, which must declare them.
    step, pipeline_run : str
        Names for events and for the kernel's ``MLNB_STEP`` and ``MLNB_PIPELINE_RUN``.
    timeout : float, optional
        Seconds for the whole notebook, the kernel's start included.
    kernel : str, optional
        Kernelspec; by default the notebook's own, else the setting ``kernel``.
    environment : mapping, optional
        Further variables of the kernel.
    on_cell : callable, optional
        Called with cell number and number of cells when a cell starts.
    cancelled : threading.Event, optional
        Set it to stop: the running cell is interrupted, and the kernel killed if that is not
        enough.

    Raises
    ------
    MissingNotebook, InvalidNotebook, UnknownParameter, InvalidParameter
        Before anything starts or is written.
    CellFailed, KernelDied, TimedOut, Interrupted
        The notebook ran and did not finish.
    """
    execution = attempt(
        NotebookJob(
            notebook=notebook,
            output=output,
            parameters=parameters or {},
            step=step,
            pipeline_run=pipeline_run,
            timeout=timeout,
            kernel=kernel,
            environment=environment or {},
            on_cell=on_cell,
            cancelled=cancelled or threading.Event(),
        )
    )
    if execution.error:
        raise execution.error
    return execution


def attempt(job: NotebookJob) -> Execution:
    """Execute a notebook as `execute` does, and return a failure instead of raising it.

    Raises
    ------
    MissingNotebook, InvalidNotebook, UnknownParameter, InvalidParameter
        Before anything starts or is written.
    """
    project = projects.current()
    source = notebooks.read(job.notebook)
    kernel, language = notebooks.kernel_for(source, job.kernel)
    declared.check_values(job.notebook, declared.of(source), job.parameters)
    execution = Execution(project.relative(job.notebook), job.output, len(source.cells))
    runner = _Runner(project, job, execution, kernel, language)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        runner.run()
    else:
        # A kernel runs a loop on this thread already; asyncio allows one per thread.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(copy_context().run, runner.run).result()
    return execution


class _Runner:
    """Executes one job and notes in its `Execution` what happens (papermill's observer)."""

    def __init__(
        self, project: Project, job: NotebookJob, execution: Execution, kernel: str, language: str
    ) -> None:
        self._project = project
        self._job = job
        self._execution = execution
        self._kernel = kernel
        self._language = language
        self._deadline = float("inf")
        self._numbers: dict[int, int] = {}
        self._number = 1
        self._cell: Any = None

    def run(self) -> None:
        """Execute the notebook; afterwards the output file and the `Execution` are complete."""
        from mlnb.execution import engine, outputs  # papermill, slow to import

        job, execution = self._job, self._execution
        if job.timeout:
            self._deadline = monotonic() + job.timeout
        job.output.parent.mkdir(parents=True, exist_ok=True)
        notebook, self._numbers = outputs.prepare(
            job.notebook.absolute(),
            job.parameters,
            kernel=self._kernel,
            language=self._language,
            shown=(execution.notebook, self._project.relative(job.output)),
        )
        with tempfile.TemporaryFile() as stderr:
            try:
                engine.Engine.execute_notebook(
                    notebook,
                    self._kernel,
                    output_path=str(job.output),
                    observer=self,
                    stop_reason=self._stop_reason,
                    cell_timeout=self._project.settings.cell_timeout,
                    process={
                        "cwd": str(job.notebook.absolute().parent),
                        "env": self._environment(),
                        "stderr": stderr,
                    },
                )
            except Exception as error:
                execution.error = self._failure(error, stderr)
                if execution.error is None:
                    outputs.mark_early_end(notebook, self._cell)
                    engine.write(notebook, job.output)
        if execution.error:
            execution.failed_cell = self._number if self._cell is not None else None
            outputs.mark_failure(notebook, self._cell, execution.error.message)
            engine.write(notebook, job.output)
        execution.values = scraps.read(job.output)

    def cell_started(self, cell: Any) -> None:
        """Note which cell runs."""
        self._cell = cell
        self._number = self._numbers.get(id(cell), self._number)
        if cell.cell_type == "code" and id(cell) in self._numbers:
            self._emit("cell.started")
            if self._job.on_cell:
                self._job.on_cell(self._number, self._execution.cells)

    def cell_finished(self, cell: Any) -> None:
        """Note that the running cell has ended."""
        failed = cell.metadata.papermill["status"] == "failed"
        if id(cell) in self._numbers:
            self._execution.cells_done += not failed
            if cell.cell_type == "code":
                self._emit(
                    "cell.finished",
                    status="FAILED" if failed else "FINISHED",
                    seconds=cell.metadata.papermill.get("duration"),
                )

    def _emit(self, kind: str, **data: Any) -> None:
        job, execution = self._job, self._execution
        self._project.events.emit(
            kind,
            job.step or execution.notebook,
            step=job.step,
            pipeline_run=job.pipeline_run,
            notebook=execution.notebook,
            cell=self._number,
            total=execution.cells,
            **data,
        )

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self._job.environment,
            "MLNB_PROJECT": str(self._project.root),
            "MLNB_STEP": self._job.step,
            "MLNB_PIPELINE_RUN": self._job.pipeline_run,
            "MLNB_NOTEBOOK": self._execution.notebook,
        }

    def _stop_reason(self) -> str:
        if self._job.cancelled.is_set():
            return "cancelled"
        return "timeout" if monotonic() > self._deadline else ""

    def _failure(self, error: Exception, stderr: IO[bytes]) -> MlnbError | None:
        from nbclient.exceptions import CellExecutionError

        from mlnb.execution import client

        notebook, cell = self._execution.notebook, self._number
        started = self._cell is not None
        where = f"{notebook}, cell {cell}"
        if isinstance(error, CellExecutionError):
            value = _ANSI.sub("", error.evalue).strip()
            if error.ename == "SystemExit" and value in _SUCCESSFUL_EXIT:
                self._execution.cells_done = cell
                return None
            return CellFailed(notebook, cell, error.ename, value)
        if isinstance(error, client.KernelEnded):
            reason = f"{error}{_last_words(stderr)}"
            return KernelDied(notebook, cell if started else None, reason)
        if isinstance(error, client.CellStopped):
            seconds = self._project.settings.cell_timeout
            return TimedOut(where, seconds, "The limit is the setting `cell_timeout`.")
        if isinstance(error, client.Stopped) and str(error) == "timeout":
            place = f"in cell {cell}" if started else "before its first cell"
            return TimedOut(notebook, self._job.timeout or 0, f"It was stopped {place}.")
        if isinstance(error, client.Stopped):
            return Interrupted(f"{where if started else notebook}: stopped.")
        raise error


def _last_words(stderr: IO[bytes]) -> str:
    """Return the last line that the kernel's process wrote outside any cell, if it wrote one."""
    stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, stderr.tell() - 4000))
    text = _ANSI.sub("", stderr.read().decode(errors="replace"))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    own = [line for line in lines if not line.startswith("[IPKernelApp]")]
    return f" ({own[-1]})" if own else ""
