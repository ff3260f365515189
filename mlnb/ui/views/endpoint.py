"""How endpoints and their releases are laid out."""

from typing import Any

from mlnb.core.records import EndpointStatus, Release
from mlnb.serving.snippets import curl
from mlnb.ui.render import View, row, view

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
        ],
        notes=[curl(status.name, status.url)] if running else [],
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


@view.register(Release)
def _(release: Release) -> View:
    did = "deployed to" if release.action == "deploy" else "rolled back on"
    return View(
        f"{release.model} {did} {release.endpoint}",
        fields=[
            ("release", release.number),
            ("restores", f"release {release.restores}" if release.restores else None),
            ("reason", release.reason),
            ("author", release.author),
            ("at", release.created),
        ],
        status="good",
    )


@row.register(Release)
def _(release: Release) -> dict[str, Any]:
    return {
        "release": release.number,
        "action": release.action,
        "model": release.model,
        "restores": release.restores,
        "reason": release.reason,
        "author": release.author,
        "at": release.created,
    }
