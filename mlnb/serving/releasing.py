"""What an endpoint serves, changed: deploy, roll back, shift, promote, start again."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from mlnb.core import lineage, project
from mlnb.core.errors import BadInput, Conflict, InvalidName, MlnbError, UntrustedModel
from mlnb.core.names import check_name
from mlnb.core.records import EndpointStatus, Release
from mlnb.serving import endpoints, releases
from mlnb.serving.package import package, record
from mlnb.serving.routing import Role, Split, share_of
from mlnb.serving.targets import Candidate, SplitCandidate, SplittingTarget, Target

Kind = Literal["release.deployed", "release.rolled_back", "release.shifted", "release.promoted"]


def deploy(
    model: str,
    to: str,
    *,
    port: int = 0,
    workers: int | None = None,
    reason: str = "",
    canary: str | float | None = None,
    shadow: bool = False,
    sticky_by: str = "",
    rule: list[str] | None = None,
    promote_after: str | float | None = None,
) -> Release:
    """Put a model version behind an endpoint; the endpoint is made when there is none.

    The new release is loaded and ready before the old one stops, so no request is refused. When
    it cannot start, the old one keeps serving and nothing is recorded; when it is ready but cannot
    take over, the history says that the old one was restored.

    Parameters
    ----------
    model : str
        ``name``, ``name@3``, ``name@champion`` or an MLflow model URI.
    to : str
        Endpoint.
    port : int
        Port of a new endpoint; 0 means the one it had before, or any free one.
    workers : int, optional
        Worker processes; as before by default, 1 for a new endpoint.
    reason : str
        For the history.
    canary : str or float, optional
        ``10%`` or 0.1: the share of the requests that this release answers beside the present one.
    shadow : bool
        Let it have copies of all requests; its answers go to the log only.
    sticky_by : str
        For a canary: a field of the input, or ``header:NAME``, whose value decides who answers.
    rule : list of str, optional
        For a canary or a shadow: what it has to keep or be rolled back, see `mlnb.serving.rules`.
    promote_after : str or float, optional
        ``10m`` or seconds: when a release that kept its rules is promoted.

    Raises
    ------
    UnknownName, GateRefused, BadInput, Conflict
        If the model cannot be deployed.
    ReleaseFailed
        If it does not start.
    """
    split = _split(canary, shadow, sticky_by, rule or [], promote_after)
    place = endpoints.target()
    if check_name("endpoint", to).endswith((".json", ".lock")):
        raise InvalidName("endpoint", to)
    if not 0 <= port <= 65535:
        raise BadInput(f"{port} is no port.", "Use 1 to 65535, or leave it out.")
    if workers is not None and not 1 <= workers <= 64:
        raise BadInput(f"An endpoint cannot have {workers} workers.", "Use 1 to 64.")
    _check_free(to, split, place)
    chosen = package(model)
    with place.prepare(to, chosen, port=port, workers=workers) as candidate:
        key = record(chosen)
        release = releases.append(to, chosen.version, reason=reason, split=split, package=key)
        _serve(place, candidate, release, split)
    _tell("release.deployed", release)
    return release


def _split(
    canary: str | float | None,
    shadow: bool,
    sticky_by: str,
    given: list[str],
    promote_after: str | float | None,
) -> Split:
    if canary is not None and shadow:
        raise BadInput("A release is a canary or a shadow, not both.", "Leave one of them out.")
    if canary is None and not shadow:
        if sticky_by or given or promote_after is not None:
            raise BadInput(
                "Keys, rules and promotion are for a canary or a shadow.",
                "Say --canary 10%, or --shadow.",
            )
        return Split()
    from mlnb.serving import rules  # imports NumPy

    if shadow and sticky_by:
        raise BadInput("A shadow gets every request, so nothing sticks to it.", "Use --canary.")
    return Split(
        role="shadow" if shadow else "canary",
        share=share_of(canary) if canary is not None else 0.0,
        sticky_by=sticky_by,
        rules=[str(rules.parse(text)) for text in given],
        promote_after=None if promote_after is None else rules.seconds(promote_after),
    )


def _check_free(name: str, split: Split, place: Target) -> None:
    """Refuse a second canary or shadow, a canary of nothing, and a deployment past a canary."""
    known = releases.history(name) if name in releases.endpoints() else []
    roles: list[Role] = ["canary"] if split.role == "current" else [split.role]
    for role in roles:
        found = releases.beside(known, role)
        if found is not None and place.status(name).status != "stopped":
            raise Conflict(
                f"Release {found.number} ({found.model}) is the {role} of endpoint {name!r}.",
                f"Promote it or roll it back first: mlnb endpoint promote {name}",
            )
    if split.role != "current" and (not known or place.status(name).status == "stopped"):
        raise BadInput(
            f"Endpoint {name!r} serves nothing that a {split.role} could be beside.",
            f"Deploy a first release without it: mlnb deploy MODEL --to {name}",
        )


def rollback(name: str, *, to: int | None = None, reason: str = "", rule: str = "") -> Release:
    """Bring an earlier release of an endpoint back.

    While there is a canary (or else a shadow), and no release is named, this is what ends.

    Parameters
    ----------
    name : str
        Endpoint.
    to : int, optional
        The release to bring back; by default the one before the present one.
    reason : str
        For the history.
    rule : str
        The rule that decided so, where nobody did.

    Raises
    ------
    UnknownName
        If there is no such endpoint or release.
    BadInput
        If there is no earlier release.
    UntrustedModel
        If the model version is no longer what that release served.
    ReleaseFailed
        If the earlier model does not start any more; the present one keeps serving.
    """
    place = endpoints.target()
    known = releases.history(name)
    if to is None:
        for role in ("canary", "shadow"):
            found = releases.beside(known, role)
            if found is not None and isinstance(place, SplittingTarget):
                return _taken_back(place, found, role, reason, rule)
    earlier = releases.before(known, to)
    with _earlier(place, name, earlier) as candidate:
        release = releases.restore(earlier, reason=reason)
        _serve(place, candidate, release, Split())
    _tell("release.rolled_back", release)
    return release


@contextmanager
def _earlier(place: Target, name: str, earlier: Release) -> Iterator[Candidate]:
    """Prepare an earlier release; one whose model is still in memory is ready at once."""
    if isinstance(place, SplittingTarget):
        with place.recall(name, earlier.model, earlier.model_digest) as candidate:
            if candidate is not None:
                yield candidate
                return
    with _same(place, name, earlier) as candidate:
        yield candidate


def _taken_back(
    place: SplittingTarget, found: Release, role: Role, reason: str, rule: str
) -> Release:
    if place.status(found.endpoint).status != "stopped":
        place.withdraw(found.endpoint, role)
    release = releases.note(found, "rollback", reason=reason, rule=rule)
    _tell("release.rolled_back", release)
    return release


def shift(name: str, share: str | float, *, reason: str = "") -> Release:
    """Give an endpoint's canary another share of the requests.

    Parameters
    ----------
    name : str
        Endpoint.
    share : str or float
        ``50%`` or 0.5.
    reason : str
        For the history.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    BadInput
        If it has no canary, or this is no share.
    """
    part = share_of(share)
    found = _beside(name, ("canary",))[0]
    endpoints.splitting().shift(name, part)
    release = releases.note(found, "shift", reason=reason, share=part)
    _tell("release.shifted", release)
    return release


def promote(name: str, *, reason: str = "", rule: str = "") -> Release:
    """Let an endpoint's canary (or else its shadow) answer everything.

    Parameters
    ----------
    name : str
        Endpoint.
    reason : str
        For the history.
    rule : str
        The rule that decided so, where nobody did.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    BadInput
        If it has neither.
    """
    found, role = _beside(name, ("canary", "shadow"))
    endpoints.splitting().promote(name, role)
    release = releases.note(found, "promote", reason=reason, rule=rule)
    _tell("release.promoted", release)
    return release


def _beside(name: str, roles: tuple[Role, ...]) -> tuple[Release, Role]:
    known = releases.history(name)
    for role in roles:
        found = releases.beside(known, role)
        if found is not None:
            return found, role
    raise BadInput(
        f"Endpoint {name!r} has no {' and no '.join(roles)}.",
        f"Make one: mlnb deploy MODEL --to {name} --canary 10%",
    )


def start(name: str) -> EndpointStatus:
    """Start an endpoint again with the release that served last; nothing new is recorded.

    A canary or a shadow that there was when it stopped comes back, too.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    UntrustedModel, ReleaseFailed
        If its model is not what it was, or does not start.
    """
    known = releases.history(name)
    place = endpoints.target()
    present = releases.serving(known)
    if present is None:
        raise BadInput(f"Endpoint {name!r} has served nothing yet.", "Deploy a model.")
    if place.status(name).status != "stopped":
        return endpoints.status(name)
    with _same(place, name, present) as candidate:
        candidate.serve(present.number)
    roles: tuple[Role, ...] = ("canary", "shadow")
    for role in roles:
        found = releases.beside(known, role)
        if found is not None and isinstance(place, SplittingTarget):
            with _same(place, name, found) as candidate:
                _serve_beside(candidate, found, split_of(found, role))
    return endpoints.status(name)


@contextmanager
def _same(place: Target, name: str, release: Release) -> Iterator[Candidate]:
    chosen = package(release.model)
    if chosen.version.digest != release.model_digest:
        raise UntrustedModel(
            chosen.version.ref, f"it is not the model that release {release.number} served"
        )
    with place.prepare(name, chosen) as candidate:
        yield candidate


def split_of(release: Release, role: Role) -> Split:
    """Return the part of the traffic that the history gives a release."""
    return Split(
        role=role,
        share=release.share or 0.0,
        sticky_by=release.sticky_by,
        rules=release.rules,
        promote_after=release.promote_after,
    )


def _serve(place: Target, candidate: Candidate, release: Release, split: Split) -> None:
    """Let a recorded release serve; when that fails, the history says so."""
    try:
        if split.role == "current":
            candidate.serve(release.number)
        else:
            _serve_beside(candidate, release, split)
    except BaseException:
        if not _serves_after_all(place, release):
            releases.withdraw(release)
            raise


def _serve_beside(candidate: Candidate, release: Release, split: Split) -> None:
    if not isinstance(candidate, SplitCandidate):
        raise BadInput("This target serves one release at a time.", "Deploy without a canary.")
    candidate.serve_beside(release.number, split)


def _serves_after_all(place: Target, release: Release) -> bool:
    """Ask an endpoint whose supervisor ended while it was told to switch."""
    try:
        found = place.status(release.endpoint)
    except MlnbError:
        return False
    return any(part.release == release.number for part in found.parts)


def _tell(kind: Kind, release: Release) -> None:
    events = project.current().events
    events.emit(kind, release.ref, endpoint=release.endpoint, **_facts(release))
    if release.about is None:
        lineage.record_output("release", release.ref, release.model_digest, value=release)


def _facts(release: Release) -> dict[str, object]:
    facts = {
        "number": release.number,
        "model": release.model,
        "reason": release.reason,
        "author": release.author,
        "restores": release.restores,
    }
    if release.action not in ("deploy", "rollback") or release.about is not None:
        facts |= {
            "action": release.action,
            "about": release.about,
            "share": release.share,
            "rule": release.rule,
        }
    return facts
