"""An endpoint while it serves: what answers, how fast, and the buttons that change it.

The page asks for news once a second, as long as it shows the widget; nothing runs in the kernel in
between, and nothing goes on when the page is closed.
"""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from mlnb import serving
from mlnb.core.errors import MlnbError
from mlnb.core.records import EndpointPart, EndpointStatus
from mlnb.serving.gauging import Gauge, Rate
from mlnb.ui.figures import visible

_STATIC = Path(__file__).parent / "static"
_LIGHTS = {"running": "good", "starting": "waiting", "stopped": "off", "failed": "bad"}


class EndpointLive(anywidget.AnyWidget):
    """An endpoint's status light, traffic split, rates, and buttons to shift and roll back.

    ``%endpoint show`` shows it in a notebook.

    Parameters
    ----------
    name : str
        Endpoint.
    """

    _esm = _STATIC / "endpoint_live.js"
    _css = _STATIC / "endpoint_live.css"

    facts: Any = traitlets.Dict().tag(sync=True)
    """What is shown, see `state`."""
    notice: Any = traitlets.Dict({"text": "", "tone": ""}).tag(sync=True)
    """What became of the last button."""

    def __init__(self, name: str, status: EndpointStatus | None = None) -> None:
        self._name = name
        self._gauge = Gauge(name)
        first = state(status or serving.status(name), self._gauge.look())
        super().__init__(facts=first)
        self.on_msg(self._heard)

    def refresh(self) -> None:
        """Look at the endpoint again."""
        self.facts = state(serving.status(self._name), self._gauge.look())

    def _heard(self, _widget: Any, message: Any, _buffers: Any) -> None:
        """Do what a button or the page asks for."""
        asked = message if isinstance(message, dict) else {}
        try:
            said = self._done(str(asked.get("do", "")), asked)
            if said:
                self.notice = {"text": said, "tone": "good"}
            self.refresh()
        except MlnbError as error:
            self.notice = {"text": visible(str(error), 400), "tone": "bad"}

    def _done(self, verb: str, asked: dict[str, Any]) -> str:
        reason = "by its widget"
        if verb == "shift":
            made = serving.shift(self._name, f"{float(asked['share']):g}%", reason=reason)
            return f"Release {made.about} answers {made.share:.0%} of the requests."
        if verb == "promote":
            made = serving.promote(self._name, reason=reason)
            return f"{made.model} answers everything."
        if verb == "rollback":
            made = serving.rollback(self._name, reason=reason)
            if made.about is not None:
                return f"Release {made.about} ({made.model}) was taken back."
            return f"{made.model} is back, as release {made.number}."
        return ""


def state(status: EndpointStatus, rates: dict[int, Rate]) -> dict[str, Any]:
    """Return what the widget shows, as JSON types."""
    return {
        "name": visible(status.name),
        "light": _LIGHTS[status.status],
        "status": status.status,
        "url": status.url,
        "detail": visible(status.detail, 300),
        "since": status.since.isoformat() if status.since else "",
        "parts": [_part(part, rates.get(part.release, Rate())) for part in _parts(status)],
        "history": bool(status.release and status.release > 1),
    }


def _parts(status: EndpointStatus) -> list[EndpointPart]:
    if status.parts or status.release is None:
        return status.parts
    return [EndpointPart(release=status.release, model=status.model, role="current")]


def _part(part: EndpointPart, rate: Rate) -> dict[str, Any]:
    return {
        "release": part.release,
        "model": visible(part.model),
        "role": part.role,
        "share": part.share,
        "rules": [visible(rule) for rule in part.rules],
        "rate": round(rate.per_second, 1),
        "p50": None if rate.p50 is None else round(rate.p50, 2),
        "p99": None if rate.p99 is None else round(rate.p99, 2),
        "requests": rate.requests,
        "errors": rate.errors,
        "failing": round(rate.failing, 4),
    }
