"""One headless execution as a user asks for it: progress, an interrupt, a record at the end."""

import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from mlnb.core.errors import MlnbError
from mlnb.execution import executor
from mlnb.execution.executor import NotebookJob, NotebookRun


@dataclass(frozen=True)
class Ended:
    """What is shown, and the failure that it amounts to."""

    record: NotebookRun
    error: MlnbError | None


def run(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    *,
    progress: bool = False,
    engine: str | None = None,
    kernel: str | None = None,
    cwd: Path | None = None,
    prepare_only: bool = False,
    report_mode: bool = False,
    execution_timeout: float | None = None,
    timeout: float | None = None,
    memory: int | None = None,
    resume: bool = False,
    skip_tags: tuple[str, ...] = (),
    only_tags: tuple[str, ...] = (),
) -> Ended:
    """Execute a notebook; the first interrupt stops the cell that runs, cleanly.

    Parameters
    ----------
    notebook, output : Path
        Source, and where to write the executed notebook.
    parameters : mapping
        As `mlnb.execution.executor.execute` takes them.
    progress : bool
        Whether to write a line that shows which cell runs, when there is a terminal.
    engine : {"inprocess", "kernel"}, optional
        How the cells run.
    kernel, cwd, report_mode, timeout
        As in `NotebookJob`.
    prepare_only : bool
        Whether only the parameters are injected.
    execution_timeout : float, optional
        Seconds for each cell.
    memory : int, optional
        MiB that the cells may allocate.
    resume, skip_tags, only_tags
        As in `NotebookJob`.

    Raises
    ------
    MissingNotebook, InvalidNotebook, UnknownParameter, InvalidParameter
        Before anything starts or is written.
    """
    begun = perf_counter()
    bar = _Bar() if progress and sys.stderr.isatty() else None
    cancelled = threading.Event()
    job = NotebookJob(
        notebook=notebook,
        output=output,
        parameters=parameters,
        runner=engine or "",
        kernel=kernel,
        cwd=cwd,
        report_mode=report_mode,
        prepare_only=prepare_only,
        cell_timeout=execution_timeout,
        timeout=timeout,
        memory=(memory or 0) << 20,
        on_cell=bar,
        cancelled=cancelled,
        resume=resume,
        skip_tags=tuple(skip_tags),
        only_tags=tuple(only_tags),
    )
    try:
        with _interrupt_sets(cancelled):
            execution = executor.attempt(job)
    finally:
        if bar is not None:
            bar.clear()
    return Ended(execution.record(perf_counter() - begun), execution.error)


class _Bar:
    """One line at a terminal, without a library: it must cost nothing."""

    def __call__(self, cell: int, total: int) -> None:
        done = round(24 * (cell - 1) / total)
        line = "━" * done + "─" * (24 - done)
        sys.stderr.write(f"\r{line} cell {cell}/{total}\x1b[K")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the line away."""
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


@contextmanager
def _interrupt_sets(event: threading.Event) -> Iterator[None]:
    """Set an event at the first Ctrl-C; the second is the usual one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(_number: int, _frame: Any) -> None:
        event.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
