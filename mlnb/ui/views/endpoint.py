"""How endpoints and their releases are laid out."""

from typing import Any

from mlnb.core.records import EndpointPart, EndpointStatus
from mlnb.serving.autostarting import Autostart
from mlnb.serving.endpoints import example
from mlnb.serving.snippets import curl
from mlnb.ui.render import View, has_kernel, live, row, view

_PARTS = {"canary": "canary", "shadow": "shadow"}
_TONES = {"running": "good", "starting": "", "stopped": "", "failed": "bad"}


@view.register(EndpointStatus)
def _(status: EndpointStatus) -> View:
    running = status.status in ("running", "starting")
    return View(
        f"Endpoint {status.name}: {status.status}",
        fields=[
            ("url", status.url),
            ("release", status.release),
            ("model", status.model),
            ("since", status.since),
            ("requests", status.requests if running else None),
            ("errors", status.errors if running else None),
            ("process", str(status.pid) if status.pid else None),
            ("detail", status.detail),
            *((_PARTS[part.role], _part(part)) for part in status.parts if part.role != "current"),
        ],
        notes=[curl(status.name, status.url, example(status.name))] if running else [],
        status=_TONES[status.status],
    )


@row.register(EndpointStatus)
def _(status: EndpointStatus) -> dict[str, Any]:
    return {
        "endpoint": status.name,
        "status": status.status,
        "release": status.release,
        "model": status.model,
        "url": status.url,
        "requests": status.requests,
        "errors": status.errors,
    }


def _part(part: EndpointPart) -> str:
    share = f", {part.share:.0%} of the requests" if part.share is not None else ""
    sticky = f", by {part.sticky_by}" if part.sticky_by else ""
    rules = f"; has to keep {', '.join(part.rules)}" if part.rules else ""
    return f"release {part.release}, {part.model}{share}{sticky}{rules}"


@view.register(Autostart)
def _(unit: Autostart) -> View:
    done = "starts when you log in" if unit.enabled else "starts only when it is told to"
    return View(
        f"Endpoint {unit.endpoint} {done}",
        fields=[("unit", unit.unit), ("file", unit.file)],
        notes=unit.notes,
        status="good",
    )


@live.register
def _(status: EndpointStatus) -> dict[str, Any]:
    """Show it as a widget that stays up to date, in a notebook."""
    if not has_kernel() or status.status == "stopped":
        return {}
    from mlnb.ui.widgets.endpoint_live import EndpointLive

    made = EndpointLive(status.name, status)._repr_mimebundle_()
    bundle = (made[0] if isinstance(made, tuple) else made) or {}
    key = "application/vnd.jupyter.widget-view+json"
    return {key: bundle[key]} if key in bundle else {}
