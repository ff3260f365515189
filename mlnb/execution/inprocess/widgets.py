"""What a front-end does for widgets while a notebook runs headlessly, as nbclient does it.

The state of every widget is kept for the notebook's metadata, and an output widget receives the
outputs that are made while it captures. Nobody is there to move a slider: what needs an answer
of a front-end needs a kernel.
"""

import base64
import json
from typing import Any

_STATE = "application/vnd.jupyter.widget-state+json"


class Widgets:
    """The state of the widgets of one notebook; the collector's lock is held in every call."""

    def __init__(self) -> None:
        self._states: dict[str, dict[str, Any]] = {}
        self._buffers: dict[str, dict[str, dict[str, Any]]] = {}
        self._capturing: list[str] = []
        self._clear_next: set[str] = set()

    def take(self, kind: str, content: dict[str, Any], buffers: list[Any]) -> None:
        """Take a comm message."""
        data, comm = content.get("data") or {}, content["comm_id"]
        if kind == "comm_close" or not isinstance(data.get("state"), dict):
            return
        state = json.loads(json.dumps(data["state"], default=str))
        self._states.setdefault(comm, {}).update(state)
        for path, buffer in zip(data.get("buffer_paths") or [], buffers, strict=False):
            encoded = base64.b64encode(buffer).decode()
            self._buffers.setdefault(comm, {})[json.dumps(path)] = {
                "data": encoded,
                "encoding": "base64",
                "path": path,
            }
        if self._states[comm].get("_model_module") == "@jupyter-widgets/output":
            self._follow(comm, state)

    def capture(self, output: dict[str, Any]) -> bool:
        """Give an output to the widget that captures; returns whether there is one."""
        if not self._capturing:
            return False
        comm = self._capturing[-1]
        outputs = [] if comm in self._clear_next else list(self._states[comm].get("outputs") or [])
        self._clear_next.discard(comm)
        last = outputs[-1] if outputs else None
        if last and output["output_type"] == "stream" and last.get("name") == output["name"]:
            outputs[-1] = {**last, "text": last["text"] + output["text"]}
        else:
            outputs.append(output)
        self._show(comm, outputs)
        return True

    def clear(self, *, wait: bool) -> bool:
        """Clear the widget that captures; returns whether there is one."""
        if not self._capturing:
            return False
        if wait:
            self._clear_next.add(self._capturing[-1])
        else:
            self._show(self._capturing[-1], [])
        return True

    def metadata(self) -> dict[str, Any] | None:
        """Return what goes into the notebook's metadata; None when there was no widget."""
        if not self._states:
            return None
        shown = {}
        for comm, state in self._states.items():
            if "_model_name" not in state:
                continue
            shown[comm] = {
                "model_name": state.get("_model_name"),
                "model_module": state.get("_model_module"),
                "model_module_version": state.get("_model_module_version"),
                "state": state,
            }
            if buffers := self._buffers.get(comm):
                shown[comm]["buffers"] = list(buffers.values())
        return {_STATE: {"state": shown, "version_major": 2, "version_minor": 0}}

    def _follow(self, comm: str, state: dict[str, Any]) -> None:
        if state.get("msg_id"):
            self._capturing.append(comm)
        elif "msg_id" in state and comm in self._capturing:
            self._capturing.remove(comm)

    def _show(self, comm: str, outputs: list[dict[str, Any]]) -> None:
        """Keep the outputs of a widget, and tell the widget as a front-end would."""
        from comm import get_comm_manager

        self._states[comm]["outputs"] = outputs
        data = {"method": "update", "state": {"outputs": outputs}, "buffer_paths": []}
        message = {"content": {"comm_id": comm, "data": data}, "buffers": []}
        manager: Any = (
            get_comm_manager()
        )  # of ipykernel, which wants no stream and no identity here
        manager.comm_msg(None, None, message)
