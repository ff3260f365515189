"""The kernel of one headless notebook: started, watched, interrupted and always stopped.

papermill's client runs the cells one by one on its thread's event loop. This one stays on a
single loop of its own (several notebooks run at once in one process) and looks at the kernel ten
times a second: a dead kernel, an expired time and a cancellation end the notebook at once.
"""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient

LOG = logging.getLogger("mlnb.execution")
LOG.addHandler(logging.NullHandler())

LOOK_EVERY = 0.1
"""Seconds between two looks at the kernel."""
GRACE = 5.0
"""Seconds that an interrupted cell has to clean up before the kernel is killed."""


class KernelEnded(Exception):
    """The kernel's process ended by itself; the argument says how."""


class Stopped(Exception):
    """The notebook was stopped from outside; the argument is ``"cancelled"`` or ``"timeout"``."""


class CellStopped(Exception):
    """A single cell took longer than ``cell_timeout``."""


class WatchedClient(PapermillNotebookClient):  # type: ignore[misc]  # nbclient is untyped
    """Executes a notebook's cells and stops for every reason there is.

    Parameters
    ----------
    manager : papermill.engines.NotebookExecutionManager
        Told what happens to each cell.
    stop_reason : callable
        Says why the notebook should stop now (``"cancelled"``, ``"timeout"``), or ``""``.
    **options
        nbclient's.
    """

    def __init__(self, manager: Any, *, stop_reason: Callable[[], str], **options: Any) -> None:
        super().__init__(manager, log=LOG, **options)
        self._stop_reason = stop_reason
        self._stopping = ""
        self._give_up_at = 0.0

    async def run(self, **process: Any) -> None:
        """Start a kernel, execute the cells, stop the kernel.

        Parameters
        ----------
        **process
            ``cwd``, ``env`` and ``stderr`` of the kernel's process.

        Raises
        ------
        CellExecutionError
            A cell raised.
        KernelEnded, Stopped, CellStopped
            The notebook ended otherwise.
        """
        self.reset_execution_trackers()
        with TemporaryDirectory(prefix="mlnb-", ignore_cleanup_errors=True) as folder:
            self._connect_in(folder)
            try:
                await self._start(process)
                await self._run_cells()
                await self._note_language()
            finally:
                await self._stop()

    def _connect_in(self, folder: str) -> None:
        """Talk through sockets in a folder that only this user can enter, not through ports."""
        manager: Any = self.create_kernel_manager()
        manager.connection_file = str(Path(folder) / "kernel.json")
        if sys.platform != "win32" and len(manager.connection_file) < 90:  # the limit is 107
            manager.transport = "ipc"
            manager.ip = str(Path(folder) / "kernel-ipc")

    async def _start(self, process: dict[str, Any]) -> None:
        try:
            await self.async_start_new_kernel(**process)
        except OSError as error:  # the program that the kernelspec names
            raise KernelEnded(f"it did not start ({error})") from None
        starting = asyncio.ensure_future(self.async_start_new_kernel_client())
        while not (await asyncio.wait([starting], timeout=LOOK_EVERY))[0]:
            if reason := self._stop_reason():
                starting.cancel()
                raise Stopped(reason)
        try:
            starting.result()
        except RuntimeError as error:  # it died, or did not answer in time
            raise KernelEnded(f"it did not start ({error})") from None

    async def _run_cells(self) -> None:
        for index, cell in enumerate(self.nb.cells):
            if reason := self._stop_reason():
                raise Stopped(reason)
            self.nb_man.cell_start(cell, index)
            try:
                await self.async_execute_cell(cell, index)
            except Exception as error:
                self.nb_man.cell_exception(cell, cell_index=index, exception=error)
                self.nb_man.cell_complete(cell, cell_index=index)
                raise await self._meaning_of(error) from error
            self.nb_man.cell_complete(cell, cell_index=index)

    async def _meaning_of(self, error: Exception) -> Exception:
        if self._stopping:
            return Stopped(self._stopping)
        if isinstance(error, CellExecutionError):
            return error
        if isinstance(error, CellTimeoutError):
            await self._interrupt()
            return CellStopped()
        if isinstance(error, DeadKernelError):
            return KernelEnded(await self._how_it_ended())
        return error

    async def _note_language(self) -> None:
        with suppress(Exception):  # the notebook has run; this only fills in metadata
            reply = await asyncio.wait_for(self.async_wait_for_reply(self.kc.kernel_info()), 10)
            self.nb.metadata["language_info"] = reply["content"]["language_info"]
        self.set_widgets_metadata()

    async def _async_poll_kernel_alive(self) -> None:
        """Watch the kernel while a cell runs; cancelling the wait for its reply ends the cell."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if not self._stopping and (reason := self._stop_reason()):
                self._stopping = reason
                self._give_up_at = monotonic() + GRACE
                await self._interrupt()
            late = self._stopping and monotonic() > self._give_up_at
            if late or not await self.km.is_alive():
                self.task_poll_for_reply.cancel()
                return

    async def _interrupt(self) -> None:
        with suppress(Exception):  # it may have died in between
            await self.km.interrupt_kernel()

    async def _how_it_ended(self) -> str:
        code = await self.km.provisioner.poll() if self.km.provisioner else None
        if code is None:
            return "its process is gone"
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            hint = "; perhaps the machine ran out of memory" if name == "SIGKILL" else ""
            return f"its process was killed by {name}{hint}"
        return f"its process ended with exit code {code}"

    async def _stop(self) -> None:
        if self._stopping and monotonic() > self._give_up_at:
            self.shutdown_kernel = "immediate"
        if self.km is not None:  # nbclient has cleaned up after a kernel that did not start
            await self._async_cleanup_kernel()
