"""The two objects that papermill's engine is made of: a manager that keeps, a client that runs."""

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
from papermill.engines import NotebookExecutionManager  # isort: skip

SAVE_EVERY = 1.0
"""Seconds between two saves while cells run; the last state is always saved."""
_SHARE = 20
"""A save may take one part in so many of the time between two."""
_REMOTE = "://"


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


def _project_here() -> Project | None:
    """Return the project around the working directory; None where nobody has made one."""
    project = projects.current()
    made = (project.root / FILE_NAME).exists() or (project.root / STATE).exists()
    return project if made else None


def _is_local(path: str) -> bool:
    """Tell whether papermill would write a path to this machine's disk itself."""
    from papermill.iorw import LocalHandler, papermill_io

    return isinstance(papermill_io.get_handler(path), LocalHandler)
