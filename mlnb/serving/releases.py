"""The history of an endpoint: an append-only log of releases, in the object store."""

from dataclasses import replace

from mlnb.core import project
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.names import check_name
from mlnb.core.records import ModelVersion, Release, now


def log_name(endpoint: str) -> str:
    """Return the name of an endpoint's log in the store."""
    return f"endpoints/{endpoint}/releases"


def endpoints() -> list[str]:
    """Return the endpoints that were ever released."""
    return project.current().store.logs("endpoints")


def history(name: str) -> list[Release]:
    """Return an endpoint's releases, oldest first.

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
    endpoint: str, version: ModelVersion, *, reason: str, restores: int | None = None
) -> Release:
    """Record a release; ``restores`` makes it a rollback."""
    here = project.current()

    def entry(number: int) -> dict[str, object]:
        return Release(
            endpoint=endpoint,
            number=number,
            model=version.ref,
            model_digest=version.digest,
            action="deploy" if restores is None else "rollback",
            reason=reason,
            author=here.settings.author,
            created=now(),
            restores=restores,
        ).to_dict()

    return Release.from_dict(here.store.append(log_name(endpoint), entry).data)


def withdraw(release: Release) -> None:
    """Record that a release never took over: what served before it is the present one again."""
    earlier = [one for one in history(release.endpoint) if one.number < release.number]
    if not earlier:
        return  # nothing served before, and nothing does now
    here = project.current()

    def entry(number: int) -> dict[str, object]:
        return replace(
            earlier[-1],
            number=number,
            action="rollback",
            reason=f"release {release.number} could not take over",
            author=here.settings.author,
            created=now(),
            restores=earlier[-1].number,
        ).to_dict()

    here.store.append(log_name(release.endpoint), entry)


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
    present = origin(by_number, releases[-1])
    index = releases.index(present)
    if index == 0:
        raise BadInput(
            f"Endpoint {present.endpoint!r} has no release before {present.model}.",
            f"Deploy another model: mlnb deploy MODEL --to {present.endpoint}",
        )
    return origin(by_number, releases[index - 1])


def origin(by_number: dict[int, Release], release: Release) -> Release:
    """Return the deployment behind a release: itself, or what a rollback restored."""
    while release.restores is not None:
        release = by_number[release.restores]
    return release
