"""papermill's engine ``mlnb``: ``papermill in.ipynb out.ipynb --engine mlnb``, and its API.

papermill does what it always does: reading, injecting parameters, metadata, the final write. The
cells run in a warm kernel, the output file is whole at any moment and not written anew after
every cell once that takes long, and each cell is told of on the event stream of the project
around the working directory, if there is one.

papermill imports every installed engine at its start: this module must cost it nothing.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from time import monotonic
from typing import Any

from nbformat import NotebookNode
from papermill.engines import Engine as PapermillEngine
from papermill.engines import NotebookExecutionManager
from papermill.log import logger
from papermill.utils import merge_kwargs, remove_args


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
        from mlnb.execution import selection
        from mlnb.execution.managed import Keeper

        selection.mark(nb.cells)

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
        ended: NotebookNode = keeper.nb
        return ended

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
        from mlnb.core import project as projects
        from mlnb.execution.managed import ManagedClient

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


def _on_a_loop(work: Callable[[], Any]) -> None:
    """Run a coroutine to its end, on another thread where this one has a loop already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work())
        return
    with ThreadPoolExecutor(1) as thread:
        thread.submit(copy_context().run, lambda: asyncio.run(work())).result()
