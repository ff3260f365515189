"""One headless execution as a user asks for it: progress, an interrupt, a record at the end."""

import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from mlnb.core.errors import MlnbError
from mlnb.execution import executor, locations
from mlnb.execution.echoing import Echo
from mlnb.execution.executor import NotebookJob, NotebookRun

_OF_PAPERMILL = {"mlnb": "kernel", "nbclient": "kernel"}
"""What papermill's engines of these names are here."""
ENGINES = ("inprocess", "kernel", *_OF_PAPERMILL)


@dataclass(frozen=True)
class Ended:
    """What is shown, and the failure that it amounts to."""

    record: NotebookRun
    error: MlnbError | None


@dataclass(frozen=True, kw_only=True)
class Echoed:
    """Where to, besides the output notebook, what cells show goes."""

    log_output: bool = False
    stdout_file: Path | None = None
    stderr_file: Path | None = None


def run(
    notebook: str,
    output: str,
    parameters: Mapping[str, Any],
    *,
    progress: bool | Literal["lines"] = False,
    echoed: Echoed | None = None,
    engine: str | None = None,
    execution_timeout: float | None = None,
    memory: int | None = None,
    **options: Any,
) -> Ended:
    """Execute a notebook; the first interrupt stops the cell that runs, cleanly.

    Parameters
    ----------
    notebook, output : str
        Source, and where to write the executed notebook: paths, ``-`` for a pipe, or addresses
        that papermill can read and write. With a source elsewhere cells run in the working
        directory.
    parameters : mapping
        As `mlnb.execution.executor.execute` takes them.
    progress : bool
        Whether to write a line that shows which cell runs, when there is a terminal; ``"lines"``
        writes one for each cell when there is none.
    echoed : Echoed, optional
        A log or files that what cells show is passed on to.
    engine : {"inprocess", "kernel"}, optional
        How the cells run; papermill's ``mlnb`` and ``nbclient`` are kernels.
    execution_timeout : float, optional
        Seconds for each cell.
    memory : int, optional
        MiB that the cells may allocate.
    **options
        As in `NotebookJob`.

    Raises
    ------
    MissingNotebook, InvalidNotebook, UnknownParameter, InvalidParameter
        Before anything starts or is written.
    LocationUnavailable
        If an address cannot be read or written.
    """
    begun = perf_counter()
    bar = _display(progress)
    cancelled = threading.Event()
    echoed = echoed or Echoed()
    echo = Echo(log=echoed.log_output, stdout=echoed.stdout_file, stderr=echoed.stderr_file)
    if locations.is_elsewhere(notebook) and options.get("cwd") is None:
        options["cwd"] = Path.cwd()
    try:
        with _interrupt_sets(cancelled), locations.placed(notebook, output) as place, echo:
            job = NotebookJob(
                notebook=place.notebook,
                output=place.output,
                title=place.title,
                destination=place.destination,
                parameters=parameters,
                runner=_OF_PAPERMILL.get(engine or "", engine or ""),
                cell_timeout=execution_timeout,
                memory=(memory or 0) << 20,
                on_cell=bar,
                on_outputs=echo if echo else None,
                cancelled=cancelled,
                **options,
            )
            execution = executor.attempt(job)
    finally:
        if bar is not None:
            bar.clear()
    return Ended(execution.record(perf_counter() - begun), execution.error)


def _display(progress: bool | Literal["lines"]) -> "_Bar | _Lines | None":
    if not progress:
        return None
    if sys.stderr.isatty():
        return _Bar()
    return _Lines() if progress == "lines" else None


class _Lines:
    """A line for each cell, for a log that somebody follows."""

    def __call__(self, cell: int, total: int) -> None:
        sys.stderr.write(f"cell {cell}/{total}\n")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave the lines as they are."""


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
    """Set an event at the first Ctrl-C or SIGTERM; the second is the usual one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handler(number: int, _frame: Any) -> None:
        event.set()
        signal.signal(number, before[number])

    numbers = (signal.SIGINT, signal.SIGTERM)  # the second is how services of CI cancel
    before = {int(number): signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number in before:
            signal.signal(number, before[number])
