"""Execute one notebook: parameters in, executed notebook and glued values out."""

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlnb.core import project as projects
from mlnb.core import redaction
from mlnb.core.errors import Interrupted, MlnbError
from mlnb.core.records import Record, Status
from mlnb.execution import checkpoints, kernelspecs, notebooks, outputs, scraps, selection
from mlnb.execution import parameters as declared
from mlnb.execution.conducting import Conductor

OnCell = Callable[[int, int], None]
OnOutputs = Callable[[list[dict[str, Any]]], None]


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
    hidden: tuple[str, ...] = ()
    """Variables of this process that the cells must not see."""
    on_cell: OnCell | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    cwd: Path | None = None
    """By default the notebook's folder."""
    runner: str = ""
    """``"inprocess"`` or ``"kernel"``; by default the setting ``runner``."""
    memory: int = 0
    """Bytes that the notebook may allocate; 0 means no limit."""
    report_mode: bool = False
    prepare_only: bool = False
    quiet: bool = False
    """Whether nothing is told on the event stream."""
    cell_timeout: float | None = None
    """By default the setting ``cell_timeout``."""
    resume: bool = False
    """Whether to go on from the last checkpoint before which nothing has changed."""
    context: str = ""
    """What checkpoints depend on besides the code: only those made with the same one are used."""
    skip_tags: tuple[str, ...] = ()
    """Cells with one of these tags are passed over, as those tagged ``skip-ci`` always are."""
    only_tags: tuple[str, ...] = ()
    """When given, cells without one of these tags are passed over."""
    title: str = ""
    """What the notebook is called where its file is a copy."""
    destination: str = ""
    """Where the output goes in the end, when it is not the file."""
    language: str | None = None
    """What parameters are written in; by default the kernel's language."""
    start_timeout: float = 60.0
    """Seconds that a kernel, or a shell, has to start."""
    save_every: float | None = None
    """Seconds between two saves while cells run; 0 means none before a cell has ended."""
    save_cells: bool = True
    """Whether the output may be saved when a cell has ended."""
    on_outputs: OnOutputs | None = None
    """Called with what a cell shows, as it is kept: without secrets."""
    grace: float = 5.0
    """Seconds that a cell has to clean up when it is cancelled, before it is killed."""

    @property
    def folder(self) -> Path:
        """Return the working directory of the cells."""
        return (self.cwd or self.notebook.parent).absolute()


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
    runner: str = "inprocess"
    """``"inprocess"`` or ``"kernel"``."""
    why: str = ""
    """Why it is a kernel where in-process was wanted."""
    how: str = ""
    """``"fork"`` of a warm parent, or ``"spawn"``."""
    notes: list[dict[str, Any]] = field(default_factory=list)
    """What hooks have noted."""
    given: declared.Given = field(default_factory=lambda: declared.Given(), repr=False)
    destination: str = ""
    """Where the output goes in the end, when it is not the file."""

    def record(self, seconds: float) -> "NotebookRun":
        """Return what is shown of it."""
        return NotebookRun(
            notebook=self.notebook,
            output=self.destination or projects.current().relative(self.output),
            status=self.status,
            cells=self.cells,
            cells_done=self.cells_done,
            failed_cell=self.failed_cell,
            error=self.error.message if self.error else "",
            seconds=seconds,
            runner=self.runner,
            why=self.why,
            values=self.values,
            notes=checkpoints.in_words(self.notes),
        )

    def way(self) -> dict[str, str]:
        """Return how the cells are run, for events."""
        return {"runner": self.runner} | ({"why": self.why} if self.why else {})

    @property
    def status(self) -> Status:
        """Return FINISHED, FAILED or KILLED."""
        if self.error is None:
            return "FINISHED"
        return "KILLED" if isinstance(self.error, Interrupted) else "FAILED"


@dataclass(frozen=True, kw_only=True)
class NotebookRun(Record):
    """What became of one notebook, as it is shown."""

    notebook: str
    output: str
    """Relative to the project, as the notebook."""
    status: Status
    cells: int
    cells_done: int
    failed_cell: int | None = None
    error: str = ""
    seconds: float
    runner: str
    why: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """Where it went on, and which checkpoints were stored."""


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
    if job.title:
        source = replace(source, path=Path(job.title))
    kernel, language = notebooks.kernel_for(source, job.kernel)
    given = declared.bind(source, job.parameters)
    redaction.register(given.secrets)
    execution = Execution(
        job.title or project.relative(job.notebook),
        job.output,
        len(source.cells),
        given=given,
        destination=job.destination,
    )
    wanted = job.runner or project.settings.runner
    execution.why = kernelspecs.needs_kernel(source, kernel, language)
    if wanted == "kernel" or execution.why:
        execution.runner = "kernel"
        execution.why = execution.why if wanted == "inprocess" else ""
    prepared = outputs.prepare(
        source,
        given,
        kernel=kernel,
        language=(job.language or language).lower(),
        shown=(execution.notebook, job.destination or project.relative(job.output)),
        report_mode=job.report_mode,
    )
    if job.prepare_only:
        outputs.make_room(job.output)
        outputs.write(prepared, job.output)
        return execution
    selection.mark(prepared.cells, skip=job.skip_tags, only=job.only_tags)
    outputs.start(prepared)
    outputs.make_room(job.output)
    outputs.write(prepared, job.output)
    conductor = Conductor(project, job, execution, prepared)
    if execution.runner == "inprocess":
        from mlnb.execution.inprocess import driving

        driving.run(conductor, checkpoints.hooks_for(job, execution.notebook, prepared))
    else:
        _in_kernel(conductor, kernel)
    execution.values = scraps.of(prepared.cells)
    return execution


def _in_kernel(conductor: Conductor, kernel: str) -> None:
    from mlnb.execution import client  # nbclient, slow to import

    def run() -> None:
        client.run(conductor, kernel)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        run()
    else:
        # A kernel runs a loop on this thread already; asyncio allows one per thread.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(copy_context().run, run).result()
