"""The history of an endpoint: an append-only log of releases, in the object store.

A deployment, a canary, a shadow and a rollback to an earlier release are releases: answers carry
their numbers. The other entries are about one: its share was shifted, it was promoted, or it was
taken back.
"""

from dataclasses import replace
from typing import Any

from mlnb.core import project
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.names import check_name
from mlnb.core.records import ModelVersion, Release, now
from mlnb.serving.routing import Role, Split


def log_name(endpoint: str) -> str:
    """Return the name of an endpoint's log in the store."""
    return f"endpoints/{endpoint}/releases"


def endpoints() -> list[str]:
    """Return the endpoints that were ever released."""
    return project.current().store.logs("endpoints")


def history(name: str) -> list[Release]:
    """Return an endpoint's history, oldest first.

    Raises
    ------
    UnknownName
        If nothing was ever released there.
    """
    entries = project.current().store.entries(log_name(check_name("endpoint", name)))
    releases = [Release.from_dict(entry.data) for entry in entries]
    if not releases:
        raise UnknownName("endpoint", name, endpoints())
    return releases


def append(
    endpoint: str,
    version: ModelVersion,
    *,
    reason: str,
    restores: int | None = None,
    split: Split | None = None,
    package: str = "",
) -> Release:
    """Record a release; ``restores`` makes it a rollback, ``split`` a canary or a shadow."""
    facts: dict[str, Any] = {"action": "deploy" if restores is None else "rollback"}
    if split is not None and split.role != "current":
        facts = {
            "action": split.role,
            "share": split.share if split.role == "canary" else None,
            "sticky_by": split.sticky_by,
            "rules": split.rules,
            "promote_after": split.promote_after,
        }
    return _added(
        endpoint,
        {
            "model": version.ref,
            "model_digest": version.digest,
            "reason": reason,
            "restores": restores,
            "package": package,
            **facts,
        },
    )


def restore(earlier: Release, *, reason: str) -> Release:
    """Record that an earlier release is brought back."""
    kept = {
        "model": earlier.model,
        "model_digest": earlier.model_digest,
        "package": earlier.package,
    }
    facts = {**kept, "action": "rollback", "reason": reason, "restores": earlier.number}
    return _added(earlier.endpoint, facts)


def note(
    release: Release,
    action: str,
    *,
    reason: str,
    share: float | None = None,
    rule: str = "",
) -> Release:
    """Record what became of a canary or a shadow: ``shift``, ``promote`` or ``rollback``."""
    kept = {"model": release.model, "model_digest": release.model_digest, "share": share}
    facts = {**kept, "action": action, "about": release.number, "reason": reason, "rule": rule}
    return _added(release.endpoint, facts)


def _added(endpoint: str, facts: dict[str, Any]) -> Release:
    here = project.current()
    author = "mlnb" if facts.get("rule") else here.settings.author

    def entry(number: int) -> dict[str, object]:
        made = Release(endpoint=endpoint, number=number, author=author, created=now(), **facts)
        return made.to_dict()

    return Release.from_dict(here.store.append(log_name(endpoint), entry).data)


def withdraw(release: Release) -> None:
    """Record that a release never took over: what served before it is the present one again."""
    reason = f"release {release.number} could not take over"
    if release.action in ("canary", "shadow"):
        note(release, "rollback", reason=reason)
        return
    earlier = [one for one in history(release.endpoint) if one.number < release.number]
    present = serving(earlier)
    if present is None:
        return  # nothing served before, and nothing does now
    _added(
        release.endpoint,
        {
            "model": present.model,
            "model_digest": present.model_digest,
            "action": "rollback",
            "reason": reason,
            "restores": present.number,
        },
    )


def _takes_over(release: Release) -> bool:
    if release.action == "rollback":
        return release.restores is not None
    return release.action in ("deploy", "promote")


def serving(releases: list[Release]) -> Release | None:
    """Return the release that answers since the end of a history; its number is in the answers."""
    taken = [release for release in releases if _takes_over(release)]
    if not taken:
        return None
    last = taken[-1]
    if last.about is None:
        return last
    return next(release for release in releases if release.number == last.about)


def beside(releases: list[Release], role: Role) -> Release | None:
    """Return the canary or the shadow of a history's end, with the share that it has by then."""
    found: Release | None = None
    for release in releases:
        if release.action == role:
            found = release
        elif found is not None and release.about == found.number:
            found = replace(found, share=release.share) if release.action == "shift" else None
    return found


def before(releases: list[Release], to: int | None = None) -> Release:
    """Return the release that a rollback brings back.

    Parameters
    ----------
    releases : list of Release
        The history, oldest first.
    to : int, optional
        The number of an earlier release; by default the one that served before the present one,
        looking through rollbacks: deploy 1, deploy 2, deploy 3, rollback, rollback is at 1.

    Raises
    ------
    UnknownName
        If there is no release of this number.
    BadInput
        If there is nothing before the present one.
    """
    by_number = {release.number: release for release in releases}
    if to is not None:
        if to not in by_number:
            name = releases[-1].endpoint
            raise UnknownName(f"release of endpoint {name!r}", str(to), map(str, by_number))
        return origin(by_number, by_number[to])
    taken = [release for release in releases if _takes_over(release)]
    if not taken:
        raise BadInput(f"Endpoint {releases[-1].endpoint!r} has served nothing yet.", "")
    present = origin(by_number, taken[-1])
    index = max(
        place
        for place, release in enumerate(taken)
        if release.restores is None and origin(by_number, release) == present
    )
    if index == 0:
        raise BadInput(
            f"Endpoint {present.endpoint!r} has no release before {present.model}.",
            f"Deploy another model: mlnb deploy MODEL --to {present.endpoint}",
        )
    return origin(by_number, taken[index - 1])


def origin(by_number: dict[int, Release], release: Release) -> Release:
    """Return the deployment behind an entry: itself, what it restored, or what it is about."""
    while (number := release.restores or release.about) is not None:
        release = by_number[number]
    return release
