"""How releases of endpoints are laid out."""

from typing import Any

from mlnb.core.records import Release
from mlnb.ui.render import View, row, view

_DID = {
    "deploy": "deployed to {}",
    "canary": "is the canary of {}",
    "shadow": "is the shadow of {}",
    "shift": "has another share of {}",
    "promote": "promoted on {}",
    "rollback": "rolled back on {}",
}


@view.register(Release)
def _(release: Release) -> View:
    about = f"release {release.about}" if release.about else None
    return View(
        f"{release.model} {_DID[release.action].format(release.endpoint)}",
        fields=[
            ("release" if about is None else "entry", release.number),
            ("about", about),
            ("restores", f"release {release.restores}" if release.restores else None),
            ("share", None if release.share is None else f"{release.share:.0%}"),
            ("sticky by", release.sticky_by or None),
            ("rules", ", ".join(release.rules) or None),
            ("decided by", release.rule or None),
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
        "about": release.about or release.restores,
        "share": None if release.share is None else f"{release.share:.0%}",
        "reason": release.reason,
        "author": release.author,
        "at": release.created,
    }
