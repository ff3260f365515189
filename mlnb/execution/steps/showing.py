"""What a cell shows, recorded in nbformat's form and shown again.

Text is recorded as it is written to ``sys.stdout`` and ``sys.stderr``, the rest where the shell
hands it to its display publisher and display hook, which every front-end and runner has.
"""

import sys
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Output = dict[str, Any]
_MISSING = object()


class Recorder:
    """Records what is shown from `start` to `stop`, without getting in its way."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._undo: list[Callable[[], None]] = []
        self._displays: dict[str, Output] = {}
        self._clear_first = False
        self._inside = 0
        self.outputs: list[Output] = []

    def start(self) -> None:
        """Begin to record."""
        for name in ("stdout", "stderr"):
            self._tee(name)
        self._watch(self._shell.display_pub, "publish", self._on_publish)
        self._watch(self._shell.display_pub, "clear_output", self._on_clear)
        self._watch(self._shell.displayhook, "write_format_data", self._on_result)
        for name in ("write_output_prompt", "finish_displayhook"):
            self._watch(self._shell.displayhook, name, lambda: None)

    def stop(self) -> None:
        """End recording."""
        while self._undo:
            self._undo.pop()()

    def _tee(self, name: str) -> None:
        original = getattr(sys, name)
        tee = _Tee(original, lambda text: self._add_text(name, text))
        setattr(sys, name, tee)

        def undo() -> None:
            if getattr(sys, name) is tee:
                setattr(sys, name, original)

        self._undo.append(undo)

    def _watch(self, owner: Any, name: str, listener: Callable[..., None]) -> None:
        original = getattr(owner, name)
        before = vars(owner).get(name, _MISSING)

        def watched(*args: Any, **kwargs: Any) -> Any:
            with suppress(Exception):  # recording must not disturb what is shown
                listener(*args, **kwargs)
            self._inside += 1  # a shell without a kernel prints what it displays
            try:
                return original(*args, **kwargs)
            finally:
                self._inside -= 1

        def undo() -> None:
            if vars(owner).get(name) is watched:
                if before is _MISSING:
                    delattr(owner, name)
                else:
                    setattr(owner, name, before)

        setattr(owner, name, watched)
        self._undo.append(undo)

    def _on_publish(
        self,
        data: dict[str, Any],
        metadata: Any = None,
        *_args: Any,
        transient: Any = None,
        update: bool = False,
        **_options: Any,
    ) -> None:
        made = {
            "output_type": "display_data",
            "data": _jsonable(data),
            "metadata": dict(metadata or {}),
        }
        display = (transient or {}).get("display_id")
        if update:
            if display in self._displays:
                self._displays[display].update(data=made["data"], metadata=made["metadata"])
            return
        self._add(made)
        if display:
            self._displays[display] = made

    def _on_result(self, data: dict[str, Any], metadata: Any = None) -> None:
        self._add(
            {
                "output_type": "execute_result",
                "data": _jsonable(data),
                "metadata": dict(metadata or {}),
            }
        )

    def _on_clear(self, wait: bool = False) -> None:
        if wait:
            self._clear_first = True
        else:
            self.outputs.clear()

    def _add_text(self, name: str, text: str) -> None:
        if self._inside:
            return
        last = self.outputs[-1] if self.outputs and not self._clear_first else {}
        if last.get("name") == name:
            last["text"] += text
        elif text:
            self._add({"output_type": "stream", "name": name, "text": text})

    def _add(self, output: Output) -> None:
        if self._clear_first:
            self.outputs.clear()
            self._clear_first = False
        self.outputs.append(output)


class _Tee:
    """A text stream that is another one, and tells what is written."""

    def __init__(self, stream: Any, listener: Callable[[str], None]) -> None:
        self._stream = stream
        self._listener = listener

    def write(self, text: str) -> Any:
        """Write text."""
        written = self._stream.write(text)
        self._listener(text)
        return written

    def writelines(self, lines: Any) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class Result:
    """The value of a cell's last expression, as it was shown; it displays itself so again."""

    def __init__(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        self._data = data
        self._metadata = metadata

    def _repr_mimebundle_(self, **_options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self._data, self._metadata


def replay(shell: Any, outputs: list[Output]) -> Result | None:
    """Show outputs again; the last expression's value is returned, to be shown by the shell."""
    results = [n for n, item in enumerate(outputs) if item["output_type"] == "execute_result"]
    last = results[-1] if results else len(outputs)
    for output in outputs[:last]:
        _show(shell, output)
    after = outputs[last + 1 :]
    if after:  # figures, which are shown when the cell has ended

        def show_rest() -> None:
            shell.events.unregister("post_execute", show_rest)
            for output in after:
                _show(shell, output)

        shell.events.register("post_execute", show_rest)
    if last == len(outputs):
        return None
    return Result(outputs[last]["data"], outputs[last]["metadata"])


def harmless(outputs: list[Output]) -> list[Output]:
    """Return outputs of an unknown origin without what could run in a browser."""
    kept = []
    for output in outputs:
        if "data" in output:
            data = {
                mime: item
                for mime, item in output["data"].items()
                if mime in ("text/plain", "image/png", "image/jpeg", "application/json")
            }
            output = {**output, "data": data}
        kept.append(output)
    return kept


def _show(shell: Any, output: Output) -> None:
    if output["output_type"] == "stream":
        stream = sys.stderr if output["name"] == "stderr" else sys.stdout
        stream.write(output["text"])
    else:
        shell.display_pub.publish(data=output["data"], metadata=output["metadata"])


def _jsonable(data: dict[str, Any]) -> dict[str, Any]:
    return {
        mime: b64encode(item).decode() if isinstance(item, bytes) else item
        for mime, item in data.items()
    }
