"""papermill's engine, with progress by cell and an output file that is always whole.

papermill does the rest: reading, injecting parameters, keeping status and timing in the
notebook's metadata. Its `execute_notebook` is not used, because it changes the working directory
of the whole process and writes the paths it is given, absolute ones too, into the notebook.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from mlnb.execution.notebooks import import_nbformat

import_nbformat()  # before papermill does, the slow way

from nbformat import NotebookNode, v4  # noqa: E402
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines  # noqa: E402

from mlnb.execution.client import WatchedClient  # noqa: E402

NAME = "mlnb"
SAVE_EVERY = 1.0
"""Seconds between two saves while cells run; the last state is always saved."""


class Observer(Protocol):
    """Told of each cell; called on the notebook's own thread."""

    def cell_started(self, cell: NotebookNode) -> None:
        """Take note that a cell starts."""

    def cell_finished(self, cell: NotebookNode) -> None:
        """Take note that a cell has ended, well or not."""


class OutputKeeper(NotebookExecutionManager):  # type: ignore[misc]  # papermill is untyped
    """Keeps the output notebook on disk up to date: whole at any moment, and without delay."""

    def __init__(self, notebook: NotebookNode, output: Path, observer: Observer) -> None:
        super().__init__(notebook, output_path=str(output), progress_bar=False)
        self._output = output
        self._observer = observer
        self._saved = -SAVE_EVERY

    def save(self, **_options: Any) -> None:
        """Save, unless that was done just before."""
        if monotonic() - self._saved >= SAVE_EVERY:
            self.write()

    def write(self) -> None:
        """Replace the output file in one step."""
        write(self.nb, self._output)
        self._saved = monotonic()

    def cell_start(self, cell: NotebookNode, cell_index: int | None = None, **options: Any) -> None:
        """Note that a cell starts."""
        super().cell_start(cell, cell_index, **options)
        self._observer.cell_started(cell)

    def cell_complete(
        self, cell: NotebookNode, cell_index: int | None = None, **options: Any
    ) -> None:
        """Note that a cell has ended."""
        super().cell_complete(cell, cell_index, **options)
        self._observer.cell_finished(cell)

    def notebook_complete(self, **_options: Any) -> None:
        """Close the metadata; cells that never ran stay ``pending``."""
        pending = [cell for cell in self.nb.cells if cell.metadata.papermill["status"] == "pending"]
        super().notebook_complete()
        for cell in pending:
            cell.metadata.papermill["status"] = "pending"
        self.write()


class Engine(NBClientEngine):  # type: ignore[misc]  # papermill is untyped
    """Runs a notebook on a kernel of its own."""

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str,
        observer: Observer,
        **options: Any,
    ) -> NotebookNode:
        """Execute a parameterized notebook; the output file is whole however it ends."""
        keeper = OutputKeeper(nb, Path(output_path), observer)
        keeper.notebook_start()
        try:
            cls.execute_managed_notebook(keeper, kernel_name, **options)
        finally:
            keeper.notebook_complete()
        return nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: OutputKeeper,
        kernel_name: str,
        *,
        stop_reason: Callable[[], str],
        cell_timeout: float,
        process: dict[str, Any],
    ) -> None:
        """Start a kernel and run the cells, on an event loop of this thread's own."""
        client = WatchedClient(
            nb_man,
            stop_reason=stop_reason,
            kernel_name=kernel_name,
            timeout=cell_timeout or None,
            startup_timeout=60,
            iopub_timeout=60,  # nbclient's 4 s fail a sound cell on a busy machine
        )
        asyncio.run(client.run(**process))


papermill_engines.register(NAME, Engine)


def write(notebook: NotebookNode, output: Path) -> None:
    """Write a notebook so that the file is whole at any moment."""
    draft = output.with_name(f".{output.name}.part")
    draft.write_text(v4.writes(notebook) + "\n", encoding="utf-8")  # type: ignore[no-untyped-call]
    draft.replace(output)
