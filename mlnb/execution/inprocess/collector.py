"""The outputs of the running cell, put together from a kernel's messages as nbclient does it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from mlnb.execution.inprocess.journal import Writer
from mlnb.execution.inprocess.limiting import FLOOD, cut_off, size_of
from mlnb.execution.inprocess.widgets import Widgets

Output = dict[str, Any]
FLUSH_EVERY = 0.1
"""Seconds that an output may wait before it is in the journal."""
_DISPLAYS = ("display_data", "execute_result", "update_display_data")


class Collector:
    """Takes messages of any thread and writes what they amount to into the journal."""

    def __init__(self, journal: Writer, limit: int) -> None:
        self.lock = threading.RLock()
        self.widgets = Widgets()
        self._journal = journal
        self._limit = limit
        self._cell = -1
        self._open = False
        self._outputs: list[Output] = []
        self._fresh: list[Output] = []
        self._entries: list[dict[str, Any]] = []
        self._displays: dict[str, list[tuple[int, int]]] = {}
        self._clear_next = False
        self._size = 0
        self._flushed = 0.0

    @contextmanager
    def cell(self, index: int, count: int) -> Iterator[list[Output]]:
        """Collect the outputs of a cell into the list."""
        with self.lock:
            self._cell, self._outputs, self._size = index, [], 0
            self._clear_next, self._open = False, True
            self._entries.append({"k": "start", "cell": index, "count": count})
            self.flush()
            outputs = self._outputs
        try:
            yield outputs
        finally:
            with self.lock:
                self._open = False
                _join(outputs)

    def close(self, entry: dict[str, Any]) -> None:
        """Write what is left of a cell, and the entry that ends it, at once."""
        with self.lock:
            self._put()
            self._entries.append(entry)
            self.flush()

    def deliver(self, message: dict[str, Any]) -> None:
        """Take a message that a kernel would send to its front-ends."""
        kind, content = message["header"]["msg_type"], message["content"]
        with self.lock:
            if kind.startswith("comm_"):
                self.widgets.take(kind, content, message.get("buffers") or [])
            elif not self._open:
                return  # of a background task of a cell that has ended: nbclient drops it too
            elif kind == "clear_output":
                if not self.widgets.clear(wait=bool(content.get("wait"))):
                    self._clear(wait=bool(content.get("wait")))
            elif kind == "stream":
                self.stream(content["name"], content["text"])
            elif kind == "error":
                self._output({"output_type": kind, **{name: content[name] for name in _ERROR}})
            elif kind in _DISPLAYS:
                self._display(kind, content)

    def stream(self, name: str, text: str) -> None:
        """Take text of ``stdout`` or ``stderr``."""
        if self._open and text:
            self._output({"output_type": "stream", "name": name, "text": text})

    def tick(self) -> None:
        """Write to the journal what has waited long enough."""
        if self._open and monotonic() - self._flushed > FLUSH_EVERY:
            self._put()
            self.flush()

    def flush(self) -> None:
        """Write the entries that wait."""
        entries, self._entries = self._entries, []
        self._journal.write(*entries)
        self._flushed = monotonic()

    def _output(self, output: Output) -> None:
        if self.widgets.capture(output):
            return
        if self._clear_next:
            self._clear(wait=False)
        before, self._size = self._size, self._size + size_of(output)
        if self._size > self._limit:
            self._overflow(first=before <= self._limit)
            return
        _append(self._outputs, output)
        _append(self._fresh, dict(output))
        self.tick()

    def _display(self, kind: str, content: dict[str, Any]) -> None:
        display = (content.get("transient") or {}).get("display_id")
        shown = {"data": content["data"], "metadata": content["metadata"]}
        if display:
            self._update(display, shown)
        if kind == "update_display_data":
            return
        if kind == "execute_result":
            shown["execution_count"] = content["execution_count"]
        output = {"output_type": kind, **shown}
        self._output(output)
        if display and self._outputs and self._outputs[-1] is output:
            place = (self._cell, len(self._outputs) - 1)
            self._displays.setdefault(display, []).append(place)

    def _update(self, display: str, shown: Output) -> None:
        for cell, number in self._displays.get(display, []):
            self._put()
            self._entries.append({"k": "patch", "cell": cell, "output": number, **shown})
            if cell == self._cell:
                self._outputs[number].update(shown)

    def _clear(self, *, wait: bool) -> None:
        self._clear_next = wait
        if wait:
            return
        self._fresh.clear()
        self._entries.append({"k": "clear", "cell": self._cell})
        self._outputs.clear()
        for places in self._displays.values():
            places[:] = [place for place in places if place[0] != self._cell]

    def _put(self) -> None:
        if self._fresh:
            _join(self._fresh)
            self._entries.append({"k": "out", "cell": self._cell, "outputs": self._fresh})
            self._fresh = []

    def _overflow(self, *, first: bool) -> None:
        if first:
            mark = {"output_type": "stream", "name": "stderr", "text": cut_off(self._limit)}
            _append(self._outputs, mark)
            _append(self._fresh, dict(mark))
            self._put()
            self.flush()
        if self._size > self._limit * FLOOD:
            self._journal.write({"k": "flood", "cell": self._cell})
            self._size = self._limit + 1


_ERROR = ("ename", "evalue", "traceback")


def _append(outputs: list[Output], output: Output) -> None:
    """Append an output; text goes to the one before if that is of the same stream."""
    last = outputs[-1] if outputs else None
    if last and output["output_type"] == "stream" and last.get("name") == output["name"]:
        last.setdefault("pieces", [last["text"]]).append(output["text"])
    else:
        outputs.append(output)


def _join(outputs: list[Output]) -> None:
    for output in outputs:
        if "pieces" in output:
            output["text"] = "".join(output.pop("pieces"))
