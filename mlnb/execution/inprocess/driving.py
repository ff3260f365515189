"""The parent's side: starts a child, reads its journal, and ends it when it has to end."""

import os
import select
import signal
import tempfile
from contextlib import suppress
from time import monotonic
from typing import IO, Any

from mlnb.execution import conducting, endings
from mlnb.execution.conducting import Conductor
from mlnb.execution.inprocess import children
from mlnb.execution.inprocess.children import Child, Order
from mlnb.execution.inprocess.journal import Reader

LOOK_EVERY = 0.1
"""Seconds between two looks at what may stop a notebook from outside."""
GRACE = 5.0
"""Seconds that an interrupted cell has to clean up, and an ending process, before it is killed."""
_PIECE = 1 << 20


def run(conductor: Conductor, hooks: list[tuple[str, dict[str, Any]]] | None = None) -> None:
    """Execute a prepared notebook in a child process; the conductor is told of everything.

    However it ends, the child and all it has started in its process group have ended.
    """
    with tempfile.TemporaryFile() as errors:
        ending: endings.Ending | None = None
        try:
            _Driver(conductor).run(errors.fileno(), hooks or [])
            conductor.finished()
        except endings.Ending as error:
            ending = error
        conductor.ended(ending, conducting.last_words(_tail(errors)))


class _Driver:
    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._cells = conductor.prepared.cells
        self._reader = Reader()
        self._child: Child | None = None
        self._cell_limit = conductor.cell_timeout or float("inf")
        self._cell_until = float("inf")
        self._running: int | None = None
        self._ready = False
        self._over = False
        self._bye = False
        self._stopping: endings.Ending | None = None
        self._failed: endings.Ending | None = None
        self._give_up_at = float("inf")

    def run(self, errors: int, hooks: list[tuple[str, dict[str, Any]]]) -> None:
        reading, writing = os.pipe()
        try:
            try:
                self._start(writing, errors, hooks)
            finally:
                os.close(writing)
            self._follow(reading)
        finally:
            os.close(reading)
            if self._child is not None:
                self._child.close()

    def _start(self, journal: int, errors: int, hooks: list[tuple[str, dict[str, Any]]]) -> None:
        conductor = self._conductor
        settings = conductor.project.settings
        cells = [
            {
                "index": position,
                "id": cell.get("id", ""),
                "source": cell["source"],
                "tags": cell["metadata"].get("tags", []),
            }
            for position, cell in conductor.cells()
        ]
        order = Order(
            request={
                "cells": cells,
                "output_limit": settings.cell_output_limit,
                "hooks": hooks,
                "memory": conductor.job.memory,
            },
            cwd=str(conductor.job.folder),
            env=conductor.environment(),
            journal=journal,
            errors=errors,
            memory=conductor.job.memory,
            project=str(conductor.project.root),
        )
        self._child, conductor.execution.how = children.start(order)
        self._cell_until = monotonic() + conductor.job.start_timeout

    def _follow(self, journal: int) -> None:
        """Read until the journal ends or the process does."""
        os.set_blocking(journal, False)
        watched = select.poll()
        watched.register(journal, select.POLLIN)
        while not self._bye:
            news = watched.poll(LOOK_EVERY * 1000)
            gone = not news and self._child_has_ended()
            while (data := _read(journal)) is not None and data:
                for entry in self._reader.feed(data):
                    self._take(entry)
            if data == b"" or gone:
                break
            self._watch()
        self._close()

    def _child_has_ended(self) -> bool:
        return self._child is not None and self._child.poll() is not None

    def _watch(self) -> None:
        """End what takes too long, or what somebody wants to end."""
        self._conductor.save()
        time = monotonic()
        if self._stopping is None:
            if reason := self._conductor.stop_reason():
                self._stop(endings.Stopped(reason))
            elif self._over and time > self._give_up_at and self._child is not None:
                self._child.send_signal(signal.SIGKILL)  # a thread or an exit function goes on
                self._bye = True
            elif time > self._cell_until:
                late = "its shell did not start in time"
                self._stop(endings.CellStopped() if self._ready else endings.KernelEnded(late))
        elif time > self._give_up_at and self._child is not None:
            self._child.send_signal(signal.SIGKILL)
            self._give_up_at = float("inf")

    def _stop(self, why: endings.Ending) -> None:
        self._stopping = why
        cancelled = isinstance(why, endings.Stopped) and str(why) == "cancelled"
        self._give_up_at = monotonic() + (self._conductor.job.grace if cancelled else GRACE)
        if self._child is not None:
            self._child.send_signal(signal.SIGINT if self._running is not None else signal.SIGKILL)

    def _close(self) -> None:
        """Raise what kept the notebook from its end."""
        if self._child is None:
            return
        code = 0
        if not self._bye or self._stopping or self._failed:
            try:
                code = self._child.wait(GRACE)
            except TimeoutError:
                self._child.send_signal(signal.SIGKILL)
                code = self._child.wait(GRACE)
        if self._stopping is not None:
            self._end_running(failed=True)
            raise self._stopping
        if self._failed is not None:
            raise self._failed
        if not self._over:
            self._end_running(failed=True)
            raise endings.KernelEnded(children.reason_of(self._child, code))

    def _end_running(self, *, failed: bool) -> None:
        if self._running is not None:
            self._conductor.cell_finished(self._running, failed=failed)
            self._running = None

    def _take(self, entry: dict[str, Any]) -> None:
        kind = entry["k"]
        if kind == "start":
            self._running = entry["cell"]
            self._cell_until = monotonic() + self._cell_limit
            self._cells[entry["cell"]]["execution_count"] = entry["count"] or None
            self._conductor.cell_started(entry["cell"])
        elif kind == "out":
            _extend(self._cells[entry["cell"]]["outputs"], entry["outputs"])
            self._conductor.shown(entry["outputs"])
        elif kind == "clear":
            self._cells[entry["cell"]]["outputs"].clear()
        elif kind == "patch":
            shown = {"data": entry["data"], "metadata": entry["metadata"]}
            self._cells[entry["cell"]]["outputs"][entry["output"]].update(shown)
        elif kind == "end":
            self._end(entry)
        elif kind == "note":
            self._conductor.execution.notes.append(entry)
            if "cell" in entry:
                told = self._cells[entry["cell"]]["metadata"].setdefault("mlnb", {})
                told.update(entry["note"])
        elif kind == "flood" and self._stopping is None:
            self._stop(endings.Flooded())
        elif kind == "hello":
            self._ready, self._cell_until = True, float("inf")
            self._conductor.prepared.body["metadata"]["language_info"] = entry["language"]
        elif kind == "exit":
            self._failed = endings.CellRaised("SystemExit", "")
        elif kind == "bye":
            self._bye = True
            if entry["problem"] and not self._over:
                self._failed = endings.KernelEnded(
                    f"it could not run the cells: {entry['problem']}"
                )
        elif kind == "done":
            self._over = True
            self._give_up_at = monotonic() + GRACE
            if entry["widgets"]:
                self._conductor.prepared.body["metadata"]["widgets"] = entry["widgets"]

    def _end(self, entry: dict[str, Any]) -> None:
        cell = self._cells[entry["cell"]]
        self._cell_until = float("inf")
        if entry["count"]:
            cell["execution_count"] = entry["count"]
        if reason := entry.get("reason"):
            cell["metadata"]["mlnb"] = {"skipped": reason}
        expected = "raises-exception" in cell["metadata"].get("tags", [])
        failed = entry["status"] == "error" and not expected
        self._end_running(failed=failed)
        if failed:
            self._failed = endings.CellRaised(entry["error"], entry["value"])


def _read(descriptor: int) -> bytes | None:
    try:
        return os.read(descriptor, _PIECE)
    except BlockingIOError:
        return None


def _extend(outputs: list[dict[str, Any]], further: list[dict[str, Any]]) -> None:
    """Append outputs; a stream continues the one before of its name."""
    for output in further:
        last = outputs[-1] if outputs else None
        if last and output["output_type"] == "stream" and last.get("name") == output["name"]:
            last["text"] += output["text"]
        else:
            outputs.append(output)


def _tail(errors: IO[bytes]) -> str:
    with suppress(OSError):
        errors.seek(0, os.SEEK_END)
        errors.seek(max(0, errors.tell() - 4000))
        return errors.read().decode(errors="replace")
    return ""
