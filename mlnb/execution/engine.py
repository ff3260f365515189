"""papermill's engine ``mlnb``: ``papermill in.ipynb out.ipynb --engine mlnb``, and its API.

papermill does what it always does: reading, injecting parameters, metadata, the final write. The
cells run in a warm kernel, the output file is whole at any moment and not written anew after
every cell once that takes long, and each cell is told of on the event stream of the project
around the working directory, if there is one.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path
from time import monotonic
from typing import Any

from mlnb.core import project as projects
from mlnb.core.project import STATE, Project
from mlnb.core.settings import FILE_NAME
from mlnb.execution import endings, notebooks
from mlnb.execution.client import WatchedClient

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError  # isort: skip
from nbformat import NotebookNode  # isort: skip
from papermill.clientwrap import PapermillNotebookClient  # isort: skip
from papermill.engines import Engine as PapermillEngine  # isort: skip
from papermill.engines import NotebookExecutionManager  # isort: skip
from papermill.log import logger  # isort: skip
from papermill.utils import merge_kwargs, remove_args  # isort: skip

SAVE_EVERY = 1.0
"""Seconds between two saves while cells run; the last state is always saved."""
_SHARE = 20
"""A save may take one part in so many of the time between two."""
_REMOTE = "://"


class Engine(PapermillEngine):  # type: ignore[misc]  # papermill is untyped
    """Runs a notebook on a warm kernel."""

    @classmethod
    def execute_notebook(
        cls,
        nb: NotebookNode,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool | dict[str, Any] = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        **options: Any,
    ) -> NotebookNode:
        """Execute a parameterized notebook; the output file is whole however it ends."""
        keeper = Keeper(
            nb,
            output_path=output_path,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
        )
        keeper.notebook_start()
        try:
            cls.execute_managed_notebook(keeper, kernel_name, log_output=log_output, **options)
        finally:
            keeper.cleanup_pbar()
            keeper.notebook_complete()
        return keeper.nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        **options: Any,
    ) -> None:
        """Run the cells of a notebook that a manager watches over.

        Parameters
        ----------
        nb_man : NotebookExecutionManager
            Told of each cell.
        kernel_name : str
            Kernelspec.
        log_output, stdout_file, stderr_file, start_timeout, execution_timeout
            papermill's.
        **options
            nbclient's; ``timeout_notebook`` (seconds for all cells) and ``output_limit`` (bytes
            kept of a cell's outputs) are mlnb's own.

        Raises
        ------
        nbclient.exceptions.DeadKernelError, nbclient.exceptions.CellTimeoutError
            As papermill's own engine does.
        """
        settings = projects.current().settings
        whole = options.pop("timeout_notebook", None)
        until = monotonic() + whole if whole else float("inf")
        final = merge_kwargs(
            remove_args(["timeout", "startup_timeout", "input_path"], **options),
            timeout=execution_timeout or options.get("timeout") or settings.cell_timeout or None,
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            output_limit=options.pop("output_limit", settings.cell_output_limit),
            stop_reason=lambda: "timeout" if monotonic() > until else "",
        )
        client = ManagedClient(
            nb_man,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
            **final,
        )
        _on_a_loop(lambda: client.run_managed(log=logger))


class Keeper(NotebookExecutionManager):  # type: ignore[misc]  # papermill is untyped
    """papermill's manager, with quick saves and events."""

    def __init__(self, nb: NotebookNode, **options: Any) -> None:
        super().__init__(nb, **options)
        self._next_save = 0.0
        self._project = _project_here()

    def save(self, **options: Any) -> None:
        """Save, unless that was done just before or takes too long to be done often."""
        if monotonic() >= self._next_save:
            self.write(**options)

    def write(self, **options: Any) -> None:
        """Replace the output file, in one step where it is on a disk."""
        begun = monotonic()
        path = str(self.output_path or "")
        if path and _REMOTE not in path and path != "-" and _is_local(path):
            notebooks.write(self.nb, Path(path))
            self.last_save_time = self.now()
        else:
            super().save(**options)
        done = monotonic()
        self._next_save = done + max(SAVE_EVERY, _SHARE * (done - begun))

    def cell_start(self, cell: NotebookNode, cell_index: int | None = None, **options: Any) -> None:
        """Note that a cell starts."""
        super().cell_start(cell, cell_index, **options)
        self._emit("cell.started", cell, cell_index)

    def cell_complete(
        self, cell: NotebookNode, cell_index: int | None = None, **options: Any
    ) -> None:
        """Note that a cell has ended."""
        super().cell_complete(cell, cell_index, **options)
        told = cell.metadata.papermill
        status = "FAILED" if told["status"] == self.FAILED else "FINISHED"
        self._emit("cell.finished", cell, cell_index, status=status, seconds=told["duration"])

    def notebook_complete(self, **options: Any) -> None:
        """Close the metadata, and save in any case."""
        self._next_save = 0.0
        super().notebook_complete(**options)

    def _emit(self, kind: str, cell: NotebookNode, index: int | None, **data: Any) -> None:
        if self._project is None or index is None or cell.cell_type != "code":
            return
        shown = self.nb.metadata.papermill.get("input_path") or ""
        notebook = self._project.relative(shown) if shown and _REMOTE not in shown else shown
        total = len(self.nb.cells)
        self._project.events.emit(
            kind, notebook, notebook=notebook, cell=index + 1, total=total, engine="mlnb", **data
        )


class ManagedClient(WatchedClient, PapermillNotebookClient):  # type: ignore[misc]
    """Watches the kernel as mlnb does, and tells papermill's manager."""

    def __init__(self, nb_man: NotebookExecutionManager, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._failed = False

    async def run_managed(self, **process: Any) -> None:
        """Run the notebook; what papermill's own engine raises is raised here too."""
        log = process.pop("log")
        log.info(f"Executing notebook with kernel: {self.kernel_name}")
        try:
            await self.run(**process)
        except endings.CellRaised:
            return  # papermill finds the error in the cell's outputs
        except endings.CellStopped as error:
            raise error.__cause__ or CellTimeoutError("A cell execution timed out") from None
        except endings.KernelEnded as error:
            raise DeadKernelError(f"Kernel died: {error}") from error
        except endings.Stopped as error:
            raise CellTimeoutError(f"The notebook was stopped: {error}") from error
        except endings.Flooded as error:
            raise CellTimeoutError("A cell wrote far more than is kept, and went on") from error

    def cells_to_run(self) -> list[tuple[int, NotebookNode]]:
        """Return every cell: papermill's manager is told of all of them."""
        return list(enumerate(self.nb.cells))

    def cell_starts(self, cell: NotebookNode, index: int) -> None:
        """Tell of a cell that starts."""
        self.nb_man.cell_start(cell, index)

    def cell_ends(self, cell: NotebookNode, index: int, error: Exception | None) -> None:
        """Tell of a cell that has ended."""
        if isinstance(error, CellExecutionError):
            self.nb_man.cell_exception(cell, cell_index=index, exception=error)
        self.nb_man.cell_complete(cell, cell_index=index)


def _on_a_loop(work: Callable[[], Any]) -> None:
    """Run a coroutine to its end, on another thread where this one has a loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work())
        return
    with ThreadPoolExecutor(1) as thread:
        thread.submit(copy_context().run, lambda: asyncio.run(work())).result()


def _project_here() -> Project | None:
    """Return the project around the working directory; None where nobody has made one."""
    project = projects.current()
    made = (project.root / FILE_NAME).exists() or (project.root / STATE).exists()
    return project if made else None


def _is_local(path: str) -> bool:
    """Tell whether papermill would write a path to this machine's disk itself."""
    from papermill.iorw import LocalHandler, papermill_io

    return isinstance(papermill_io.get_handler(path), LocalHandler)
