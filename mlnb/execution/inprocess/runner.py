"""Runs the cells of one notebook, one after the other, on the event loop of this process."""

import asyncio
import datetime
import os
import signal
import sys
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from mlnb.execution.inprocess import hooks as hooking
from mlnb.execution.inprocess.collector import Collector, Output
from mlnb.execution.inprocess.hooks import CellHooks, CellOutcome, RunCell, Skipped
from mlnb.execution.inprocess.journal import Writer
from mlnb.execution.inprocess.shell import HeadlessApp, use
from mlnb.execution.inprocess.streams import Capture

DEFAULT_LIMIT = 64 * 2**20
_BREATHE = 0.002
"""Seconds that background tasks have between two cells, about as long as between a kernel's."""


def run(request: dict[str, Any]) -> int:
    """Do what `mlnb.execution.inprocess.main` says."""
    journal = Writer(request["fds"][0])
    app = use()
    collector = Collector(journal, int(request.get("output_limit") or DEFAULT_LIMIT))
    capture = Capture(collector.lock, collector.stream, collector.tick)
    sys.stdout, sys.stderr = capture.stdout, capture.stderr
    cells = [
        RunCell(
            index=cell["index"],
            id=cell.get("id", ""),
            source=cell["source"],
            tags=tuple(cell.get("tags", ())),
        )
        for cell in request["cells"]
    ]
    session: Any = app.session
    session.deliver = collector.deliver
    if request.get("memory"):
        _explain_memory(app.kernel.shell)
    runner = _Runner(app, journal, collector, capture, hooking.load(request.get("hooks", [])))
    try:
        asyncio.run(runner.run(cells))
    finally:
        for stream in (capture.stdout, capture.stderr):
            stream.flush()
    journal.write({"k": "done", "widgets": collector.widgets.metadata()})
    return 0


class _Runner:
    def __init__(
        self,
        app: HeadlessApp,
        journal: Writer,
        collector: Collector,
        capture: Capture,
        hooks: list[CellHooks],
    ) -> None:
        self._app = app
        self._kernel: Any = app.kernel
        self._shell: Any = app.kernel.shell
        self._journal = journal
        self._collector = collector
        self._capture = capture
        self._hooks = hooks

    async def run(self, cells: Sequence[RunCell]) -> None:
        """Run the cells until one fails or asks to end."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._kernel.join(asyncio.get_running_loop())
        self._app.begin()
        language = self._kernel.language_info
        self._journal.write({"k": "hello", "language": language, "pid": os.getpid()})
        for hook in self._hooks:
            self._note(hook, None, hook.started(self._shell, cells))
        for cell in cells:
            if not await self._step(cell):
                return
            await self._breathe()

    async def _step(self, cell: RunCell) -> bool:
        """Run one cell, or pass it over; returns whether to go on."""
        for hook in self._hooks:
            if (skipped := hook.before_cell(self._shell, cell)) is not None:
                self._pass_over(cell, skipped)
                return True
        begun = perf_counter()
        with self._collector.cell(cell.index, self._shell.execution_count) as outputs:
            reply = await self._execute(cell)
            self._capture.drain()
        outcome = CellOutcome(
            ok=reply["status"] == "ok",
            error=reply.get("ename", ""),
            seconds=perf_counter() - begun,
            outputs=outputs,
            execution_count=reply["execution_count"],
        )
        self._collector.close(_end(cell, outcome, reply))
        for hook in self._hooks:
            self._note(hook, cell, hook.after_cell(self._shell, cell, outcome))
        if self._shell.exit_now:
            self._journal.write({"k": "exit", "cell": cell.index})
            return False
        return outcome.ok or "raises-exception" in cell.tags

    async def _execute(self, cell: RunCell) -> dict[str, Any]:
        kernel = self._kernel
        header = {
            "msg_id": f"cell-{cell.index}",
            "msg_type": "execute_request",
            "session": kernel.session.session,
            "username": kernel.session.username,
            "date": datetime.datetime.now(datetime.UTC),
            "version": "5.4",
        }
        metadata = {"cellId": cell.id}
        content = {"code": cell.source, "silent": False, "store_history": True}
        kernel.set_parent(
            [], {"header": header, "metadata": metadata, "content": content, "parent_header": {}}
        )
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            reply: dict[str, Any] = await kernel.do_execute(
                cell.source, False, True, {}, False, cell_meta=metadata, cell_id=cell.id
            )
        except KeyboardInterrupt:  # between the cell and the end of the call
            return {
                "status": "error",
                "ename": "KeyboardInterrupt",
                "evalue": "",
                "execution_count": None,
            }
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return reply

    def _pass_over(self, cell: RunCell, skipped: Skipped) -> None:
        with self._collector.cell(cell.index, 0):
            pass
        outputs: list[Output] = skipped.outputs
        if outputs:
            self._journal.write({"k": "out", "cell": cell.index, "outputs": outputs})
        self._journal.write(
            {
                "k": "end",
                "cell": cell.index,
                "status": "skipped",
                "count": skipped.execution_count,
                "reason": skipped.reason,
                "seconds": 0.0,
            }
        )

    def _note(self, hook: CellHooks, cell: RunCell | None, note: dict[str, Any] | None) -> None:
        if note:
            entry = {"k": "note", "hook": type(hook).__name__, "note": note}
            self._journal.write(entry | ({} if cell is None else {"cell": cell.index}))

    @staticmethod
    async def _breathe() -> None:
        if len(asyncio.all_tasks()) > 1:
            await asyncio.sleep(_BREATHE)


def _explain_memory(shell: Any) -> None:
    """Let a cell that has run out of memory say so, which takes some memory."""
    from mlnb.execution.warm import limits

    def handler(self: Any, kind: Any, value: Any, trace: Any, tb_offset: Any = None) -> None:
        limits.give_headroom()
        self.showtraceback((kind, value, trace), tb_offset=tb_offset)

    shell.set_custom_exc((MemoryError,), handler)


def _end(cell: RunCell, outcome: CellOutcome, reply: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "k": "end",
        "cell": cell.index,
        "status": "ok" if outcome.ok else "error",
        "count": outcome.execution_count,
        "seconds": outcome.seconds,
    }
    if not outcome.ok:
        entry |= {"error": outcome.error, "value": reply.get("evalue", "")}
    return entry
