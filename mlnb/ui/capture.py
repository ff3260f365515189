"""What cells show, recorded as it is sent to the notebook.

In a kernel every output (text, display, result, error) leaves through one method, the session's
``send``; it is watched there, so that what is recorded is what the user saw. An IPython shell
without a kernel shows through its display publisher and its display hook. Nothing here may disturb
the output itself: a failure to record is silent.
"""

import sys
from base64 import b64encode
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary


class _Watch:
    """What a shell shows, told to all who record; set up once per shell, and left there."""

    def __init__(self, shell: Any) -> None:
        self.captures: list[Capture] = []
        session = getattr(shell.display_pub, "session", None)
        if session is not None:
            self._tell(session, "send", "on_send")
        else:
            self._tell(shell.display_pub, "publish", "on_publish")
            self._tell(shell.displayhook, "write_format_data", "on_result")
        self._tell(shell.display_formatter, "format", "on_format", after=True)

    def _tell(self, owner: Any, name: str, listener: str, *, after: bool = False) -> None:
        original, captures = getattr(owner, name), self.captures

        def watched(*args: Any, **kwargs: Any) -> Any:
            if not captures:
                return original(*args, **kwargs)
            given = [original(*args, **kwargs)] if after else []
            for capture in list(captures):
                with suppress(Exception):
                    getattr(capture, listener)(*given, *args, **kwargs)
            return given[0] if after else original(*args, **kwargs)

        setattr(owner, name, watched)


_watches: WeakKeyDictionary[Any, _Watch] = WeakKeyDictionary()


class Capture:
    """Records the outputs of a shell's cells, in nbformat's form, by execution count."""

    _ended: "list[Capture]" = []  # noqa: RUF012  (one list for all on purpose)

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._watch: _Watch | None = None
        self._outputs: dict[int, list[dict[str, Any]]] = {}
        self._displays: dict[str, dict[str, Any]] = {}
        self._clear_first: set[int] = set()
        self.drawings: dict[str, bytes] = {}
        """SVG of the matplotlib figures shown, by their PNG in base64."""

    def start(self) -> None:
        """Begin to record."""
        self._watch = _watches.get(self._shell)
        if self._watch is None:
            self._watch = _watches[self._shell] = _Watch(self._shell)
        self._watch.captures.append(self)

    def end(self, *, at_once: bool) -> None:
        """Record nothing of later cells.

        What a cell has printed leaves the kernel a moment after its end. Waiting for it costs
        more than the cell, so recording goes on until the next cell begins, or `stop`.

        Parameters
        ----------
        at_once : bool
            Wait, because the cell goes on.
        """
        if at_once:
            with suppress(Exception):
                sys.stdout.flush()
                sys.stderr.flush()
            self.stop()
        else:
            Capture._ended.append(self)

    def stop(self) -> None:
        """End recording."""
        watch, self._watch = self._watch, None
        if watch is not None:
            with suppress(ValueError):  # another thread may have been first
                watch.captures.remove(self)

    @staticmethod
    def stop_those_ended() -> None:
        """End recording for all whose last cell has ended: another begins."""
        while Capture._ended:
            Capture._ended.pop().stop()

    def outputs(self, count: int) -> list[dict[str, Any]]:
        """Return the outputs of the cell with an execution count."""
        return self._outputs.get(count, [])

    def images(self) -> list[str]:
        """Return the PNG images shown, base64, each once, in order."""
        found: dict[str, None] = {}
        for outputs in self._outputs.values():
            for output in outputs:
                image = output.get("data", {}).get("image/png")
                if isinstance(image, str):
                    found[image.replace("\n", "")] = None
        return list(found)

    # -- what is shown --------------------------------------------------------------------------

    def on_send(
        self, _stream: Any, message: Any, content: Any = None, *_args: Any, **_kwargs: Any
    ) -> None:
        """Record a message of the kernel."""
        if isinstance(message, dict):
            self._record(message["header"]["msg_type"], message["content"])
        else:
            self._record(message, content)

    def on_publish(
        self,
        data: dict[str, Any],
        metadata: Any = None,
        *_args: Any,
        transient: Any = None,
        update: bool = False,
        **_kwargs: Any,
    ) -> None:
        """Record what is displayed."""
        kind = "update_display_data" if update else "display_data"
        self._record(
            kind, {"data": _text(data), "metadata": metadata or {}, "transient": transient or {}}
        )

    def on_result(self, data: dict[str, Any], metadata: Any = None) -> None:
        """Record the value of a cell."""
        self._record("execute_result", {"data": _text(data), "metadata": metadata or {}})

    def on_format(self, result: Any, shown: Any, *_args: Any, **_kwargs: Any) -> None:
        """Draw a figure as SVG while it is as it is shown; it is closed at the cell's end."""
        if not type(shown).__module__.startswith("matplotlib."):
            return
        from mlnb.core import project
        from mlnb.tracking import content

        if not project.current().settings.capture_figures:
            return
        image = result[0].get("image/png")
        drawing = content.svg(shown) if image else None
        if drawing is not None:
            key = b64encode(image).decode() if isinstance(image, bytes) else str(image)
            self.drawings[key.replace("\n", "")] = drawing

    # -- recording -------------------------------------------------------------------------------

    def _record(self, kind: str, content: dict[str, Any]) -> None:
        count = current_count(self._shell)
        outputs = self._outputs.setdefault(count, [])
        if kind == "clear_output":
            if content.get("wait"):
                self._clear_first.add(count)
            else:
                outputs.clear()
            return
        made = _output(kind, content, count)
        display = (content.get("transient") or {}).get("display_id")
        if kind == "update_display_data":
            if made and display in self._displays:
                shown = self._displays[display]
                shown.update(data=made["data"], metadata=made["metadata"])
            return
        if made is None:
            return
        if count in self._clear_first:
            self._clear_first.discard(count)
            outputs.clear()
        last = outputs[-1] if outputs else {}
        if kind == "stream" and last.get("name") == made["name"]:
            last["text"] += made["text"]
            return
        outputs.append(made)
        if display:
            self._displays[display] = made


def current_count(shell: Any) -> int:
    """Return the execution count of the cell that runs now (or ran last)."""
    return len(shell.history_manager.input_hist_raw) - 1


def _output(kind: str, content: dict[str, Any], count: int) -> dict[str, Any] | None:
    if kind == "stream":
        return {"output_type": "stream", "name": content["name"], "text": content["text"]}
    if kind == "error":
        return {
            "output_type": "error",
            "ename": content["ename"],
            "evalue": content["evalue"],
            "traceback": list(content["traceback"]),
        }
    if kind in ("display_data", "update_display_data", "execute_result"):
        made = {
            "output_type": "execute_result" if kind == "execute_result" else "display_data",
            "data": dict(content["data"]),
            "metadata": dict(content.get("metadata") or {}),
        }
        return made | {"execution_count": count} if kind == "execute_result" else made
    return None


def _text(data: dict[str, Any]) -> dict[str, Any]:
    return {
        mime: b64encode(value).decode() if isinstance(value, bytes) else value
        for mime, value in data.items()
    }
