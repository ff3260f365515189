"""The kernel of one headless notebook: started, watched, interrupted and always stopped.

nbclient runs the cells, on a single event loop of this thread's own (several notebooks run at
once in one process), and the kernel is looked at ten times a second: a dead kernel, an expired
time and a cancellation end the notebook at once. The kernel is forked from a warm parent where
that is the same as the one its kernelspec starts.
"""

import asyncio
import logging
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from mlnb.execution import checkpoints, conducting, kernelspecs
from mlnb.execution.checkpoints.kernel import KernelCheckpoints
from mlnb.execution.conducting import Conductor, is_executed
from mlnb.execution.endings import CellRaised, CellStopped, Ending, Flooded, KernelEnded, Stopped
from mlnb.execution.inprocess.limiting import FLOOD, cut_off, size_of
from mlnb.execution.notebooks import import_nbformat
from mlnb.execution.prompt import PromptClient

import_nbformat()  # before nbclient does, the slow way

from nbclient import NotebookClient  # noqa: E402
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError  # noqa: E402
from nbformat import NotebookNode, from_dict  # noqa: E402

LOG = logging.getLogger("mlnb.execution")
LOG.addHandler(logging.NullHandler())

LOOK_EVERY = 0.1
"""Seconds between two looks at the kernel."""
GRACE = 5.0
"""Seconds that an interrupted cell has to clean up before the kernel is killed."""


def run(conductor: Conductor, kernel: str) -> None:
    """Execute a prepared notebook in a kernel; the conductor is told of everything."""
    conductor.prepared.body = from_dict(conductor.prepared.body)  # type: ignore[no-untyped-call]
    settings = conductor.project.settings
    client = ConductedClient(
        conductor,
        stop_reason=conductor.stop_reason,
        output_limit=settings.cell_output_limit,
        memory=conductor.job.memory,
        grace=conductor.job.grace,
        kernel_name=kernel,
        timeout=conductor.cell_timeout or None,
        startup_timeout=conductor.job.start_timeout,
        iopub_timeout=60,  # nbclient's 4 s fail a sound cell on a busy machine
    )
    ending: Ending | None = None
    with tempfile.TemporaryFile() as stderr:
        try:
            asyncio.run(
                client.run(
                    cwd=str(conductor.job.folder), env=conductor.environment(), stderr=stderr
                )
            )
            conductor.finished()
        except Ending as error:
            ending = error
        stderr.seek(0, 2)
        stderr.seek(max(0, stderr.tell() - 4000))
        conductor.ended(ending, conducting.last_words(stderr.read().decode(errors="replace")))


class WatchedClient(NotebookClient):
    """Executes a notebook's cells and stops for every reason there is.

    Parameters
    ----------
    notebook : NotebookNode
        Its cells get their outputs.
    stop_reason : callable
        Says why the notebook should stop now (``"cancelled"``, ``"timeout"``), or ``""``.
    output_limit : int
        Bytes kept of a cell's outputs.
    memory : int
        Bytes that the kernel may allocate, where it is a warm one; 0 means no limit.
    grace : float
        Seconds that a cell has to clean up when it is cancelled, before its kernel is killed.
    **options
        nbclient's.
    """

    kc: Any
    km: Any
    task_poll_for_reply: Any

    def __init__(
        self,
        notebook: Any,
        *,
        stop_reason: Callable[[], str],
        output_limit: int,
        memory: int = 0,
        grace: float = GRACE,
        **options: Any,
    ) -> None:
        super().__init__(notebook, **{"log": LOG, **options})
        self._stop_reason = stop_reason
        self._output_limit = output_limit
        self._memory = memory
        self._grace = grace
        self._size = 0
        self._stopping: Ending | None = None
        self._give_up_at = 0.0

    def cells_to_run(self) -> list[tuple[int, NotebookNode]]:
        """Return the cells that are executed."""
        return [(index, cell) for index, cell in enumerate(self.nb.cells) if is_executed(cell)]

    def cell_starts(self, cell: NotebookNode, index: int) -> None:
        """Take note that a cell starts."""

    def cell_ends(self, cell: NotebookNode, index: int, error: Exception | None) -> None:
        """Take note that a cell has ended, well or not."""

    async def run(self, **process: Any) -> None:
        """Start a kernel, execute the cells, stop the kernel.

        Parameters
        ----------
        **process
            ``cwd``, ``env`` and ``stderr`` of the kernel's process.

        Raises
        ------
        Ending
            The notebook ended before its last cell.
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
        manager.client_factory = PromptClient
        if sys.platform != "win32" and len(manager.connection_file) < 90:  # the limit is 107
            manager.transport = "ipc"
            manager.ip = str(Path(folder) / "kernel-ipc")
        if kernelspecs.is_own(self.kernel_name):
            manager.kernel_spec.metadata = {
                **manager.kernel_spec.metadata,
                "kernel_provisioner": {
                    "provisioner_name": "mlnb-warm",
                    "config": {"memory": self._memory},
                },
            }

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

    async def before_cells(self) -> None:
        """Do what is to be done in the kernel before its first cell."""

    def is_taken(self, cell: NotebookNode, index: int) -> bool:
        """Tell whether a cell need not run, its outputs being there."""
        return False

    async def after_cell(self, cell: NotebookNode, index: int) -> None:
        """Do what is to be done in the kernel after a cell that did not fail."""

    async def ask(self, expression: str) -> str:
        """Evaluate an expression in the kernel, unseen, and return the ``repr`` of its value."""
        client: Any = self.kc
        message = client.execute("", silent=True, user_expressions={"answer": expression})
        reply: Any = await self.async_wait_for_reply(message)
        answer = reply["content"]["user_expressions"]["answer"]
        if answer["status"] != "ok":
            raise RuntimeError(f"{answer['ename']}: {answer['evalue']}")
        return str(answer["data"]["text/plain"])

    async def _run_cells(self) -> None:
        await self.before_cells()
        for index, cell in self.cells_to_run():
            if reason := self._stop_reason():
                raise Stopped(reason)
            if self.is_taken(cell, index):
                continue
            self._size = 0
            self.cell_starts(cell, index)
            try:
                await self.async_execute_cell(cell, index)
            except Exception as error:
                self.cell_ends(cell, index, error)
                raise await self._meaning_of(error) from error
            self.cell_ends(cell, index, None)
            await self.after_cell(cell, index)

    def output(
        self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Keep an output while there is room for it."""
        before, self._size = self._size, self._size + size_of(msg["content"])
        if self._size <= self._output_limit:
            return self._keep(outs, msg, display_id, cell_index)
        if before <= self._output_limit:
            text = cut_off(self._output_limit)
            outs.append(from_dict({"output_type": "stream", "name": "stderr", "text": text}))  # type: ignore[no-untyped-call]
        if self._size > FLOOD * self._output_limit and self._stopping is None:
            self._stopping, self._give_up_at = Flooded(), monotonic() + GRACE
            self._interrupting = asyncio.ensure_future(self._interrupt())
        return None

    def _keep(
        self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Keep an output; what continues a stream is put to the text before."""
        captured = self.output_hook_stack[msg["parent_header"].get("msg_id")]
        last, content = outs[-1] if outs else None, msg["content"]
        if (
            msg["msg_type"] == "stream"
            and not captured
            and not self.clear_before_next_output
            and last is not None
            and last.get("name") == content["name"]
        ):
            last["text"] += content["text"]
            piece = {"output_type": "stream", "name": content["name"], "text": content["text"]}
            return from_dict(piece)  # type: ignore[no-untyped-call, no-any-return]
        kept: NotebookNode | None = super().output(outs, msg, display_id, cell_index)
        return kept

    async def _meaning_of(self, error: Exception) -> Exception:
        if self._stopping:
            return self._stopping
        if isinstance(error, CellExecutionError):
            return CellRaised(error.ename, error.evalue)
        if isinstance(error, CellTimeoutError):
            await self._interrupt()
            return CellStopped()
        if isinstance(error, DeadKernelError):
            return KernelEnded(await self._how_it_ended())
        return error

    async def _note_language(self) -> None:
        with suppress(Exception):  # the notebook has run; this only fills in metadata
            reply: Any = await asyncio.wait_for(
                self.async_wait_for_reply(self.kc.kernel_info()), 10
            )
            self.nb.metadata["language_info"] = reply["content"]["language_info"]
        self.set_widgets_metadata()

    async def _async_poll_kernel_alive(self) -> None:
        """Watch the kernel while a cell runs; cancelling the wait for its reply ends the cell."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            if not self._stopping and (reason := self._stop_reason()):
                self._stopping = Stopped(reason)
                self._give_up_at = monotonic() + (self._grace if reason == "cancelled" else GRACE)
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


class ConductedClient(WatchedClient):
    """A client that tells a conductor."""

    def __init__(self, conductor: Conductor, **options: Any) -> None:
        super().__init__(conductor.prepared.body, **options)
        self._conductor = conductor
        self._places = {index: place for place, (index, _) in enumerate(self.cells_to_run())}
        self._taken: list[dict[str, Any]] = []
        self._checkpoints: KernelCheckpoints | None = None
        self._begun = 0.0

    def cell_starts(self, cell: NotebookNode, index: int) -> None:
        """Tell of a cell that starts."""
        self._begun = monotonic()
        self._conductor.cell_started(index)

    def cell_ends(self, cell: NotebookNode, index: int, error: Exception | None) -> None:
        """Tell of a cell that has ended."""
        self._conductor.cell_finished(index, failed=error is not None)

    def output(
        self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int
    ) -> NotebookNode | None:
        """Keep an output and pass it on."""
        kept = super().output(outs, msg, display_id, cell_index)
        if kept is not None:
            self._conductor.shown([kept])
        return kept

    async def before_cells(self) -> None:
        """Go on from a checkpoint, when that is wanted."""
        job, execution = self._conductor.job, self._conductor.execution
        if not checkpoints.hooks_for(job, execution.notebook, self._conductor.prepared):
            return
        from mlnb.execution.checkpoints.plan import Plan

        cells = [(cell.source, cell.metadata.get("tags", [])) for _, cell in self.cells_to_run()]
        prepared = self._conductor.prepared
        numbers = [checkpoints.number_of(index, prepared) for index in self._places]
        plan = Plan(
            self._conductor.project, execution.notebook, cells, job.folder, numbers, job.context
        )
        self._checkpoints = KernelCheckpoints(plan, job.resume, self.ask)
        self._taken = await self._checkpoints.start()
        execution.notes += [{"note": note} for note in self._checkpoints.notes]

    def is_taken(self, cell: NotebookNode, index: int) -> bool:
        """Take the outputs of a cell before the checkpoint."""
        place = self._places[index]
        if self._checkpoints is None or place >= len(self._taken):
            return False
        kept = self._taken[place]
        self.cell_starts(cell, index)
        cell.outputs = from_dict(kept["outputs"])  # type: ignore[no-untyped-call]
        cell.execution_count = kept["count"]
        cell.metadata["mlnb"] = {"skipped": self._checkpoints.reason}
        self.cell_ends(cell, index, None)
        return True

    async def after_cell(self, cell: NotebookNode, index: int) -> None:
        """Store a checkpoint after a cell that is one."""
        if self._checkpoints is None:
            return
        note = await self._checkpoints.after_cell(
            self._places[index], cell.outputs, cell.execution_count, monotonic() - self._begun
        )
        if note:
            self._conductor.execution.notes.append({"note": note, "cell": index})
            cell.metadata.setdefault("mlnb", {}).update(note)
