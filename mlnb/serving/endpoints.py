"""Deploy, roll back, stop and look at endpoints."""

from typing import Literal

from mlnb.core import lineage, project
from mlnb.core.errors import BadInput, InvalidName, UnknownName, UntrustedModel
from mlnb.core.names import check_name
from mlnb.core.records import EndpointStatus, Release
from mlnb.serving import releases
from mlnb.serving.client import Endpoint
from mlnb.serving.package import package
from mlnb.serving.targets import Candidate, Target
from mlnb.serving.targets.local import LocalTarget


def target() -> Target:
    """Return the place where this project's endpoints run.

    Raises
    ------
    MissingExtra
        If the libraries of serving are not installed.
    """
    return LocalTarget()


def deploy(
    model: str, to: str, *, port: int = 0, workers: int | None = None, reason: str = ""
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

    Raises
    ------
    UnknownName, GateRefused, BadInput
        If the model cannot be deployed.
    ReleaseFailed
        If it does not start.
    """
    place = target()
    if check_name("endpoint", to).endswith((".json", ".lock")):
        raise InvalidName("endpoint", to)
    if not 0 <= port <= 65535:
        raise BadInput(f"{port} is no port.", "Use 1 to 65535, or leave it out.")
    if workers is not None and not 1 <= workers <= 64:
        raise BadInput(f"An endpoint cannot have {workers} workers.", "Use 1 to 64.")
    chosen = package(model)
    with place.prepare(to, chosen, port=port, workers=workers) as candidate:
        release = releases.append(to, chosen.version, reason=reason)
        _serve(candidate, release)
    _tell("release.deployed", release)
    return release


def rollback(name: str, *, to: int | None = None, reason: str = "") -> Release:
    """Bring an earlier release of an endpoint back.

    Parameters
    ----------
    name : str
        Endpoint.
    to : int, optional
        The release to bring back; by default the one before the present one.
    reason : str
        For the history.

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
    place = target()
    earlier = releases.before(releases.history(name), to)
    chosen = package(earlier.model)
    if chosen.version.digest != earlier.model_digest:
        raise UntrustedModel(
            chosen.version.ref, f"it is not the model that release {earlier.number} served"
        )
    with place.prepare(name, chosen) as candidate:
        release = releases.append(name, chosen.version, reason=reason, restores=earlier.number)
        _serve(candidate, release)
    _tell("release.rolled_back", release)
    return release


def _serve(candidate: Candidate, release: Release) -> None:
    """Switch to a recorded release; when that fails, the history says so."""
    try:
        candidate.serve(release.number)
    except BaseException:
        releases.withdraw(release)
        raise


def _tell(kind: Literal["release.deployed", "release.rolled_back"], release: Release) -> None:
    events = project.current().events
    events.emit(kind, release.ref, endpoint=release.endpoint, **_facts(release))
    lineage.record_output("release", release.ref, release.model_digest, value=release)


def _facts(release: Release) -> dict[str, object]:
    return {
        "number": release.number,
        "model": release.model,
        "reason": release.reason,
        "author": release.author,
        "restores": release.restores,
    }


def stop(name: str) -> EndpointStatus:
    """Stop an endpoint; running requests finish first. Its history and its log stay.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    """
    _known(name)
    place = target()
    if place.stop(name):
        project.current().events.emit("endpoint.stopped", name)
    return status(name)


def status(name: str) -> EndpointStatus:
    """Tell what an endpoint is doing.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    """
    _known(name)
    return target().status(name)


def list_endpoints() -> list[EndpointStatus]:
    """Tell what every endpoint of the project is doing, by name."""
    place = target()
    return [place.status(name) for name in sorted({*releases.endpoints(), *place.names()})]


def history(name: str) -> list[Release]:
    """Return an endpoint's releases, oldest first.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    """
    return releases.history(name)


def logs(name: str, lines: int = 50) -> str:
    """Return the last lines that an endpoint's processes wrote.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    """
    place = target()
    if check_name("endpoint", name) not in place.names():
        text = place.logs(name, lines)  # a first deployment that failed leaves its log
        if text:
            return text
        _known(name)
    return place.logs(name, lines)


def endpoint(name: str) -> Endpoint:
    """Return a client of a running endpoint.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    EndpointUnavailable
        If it does not run on this machine.
    """
    _known(name)
    address = target().address(name)
    return Endpoint(name, address.url, address.token)


def _known(name: str) -> None:
    here = releases.endpoints()
    if check_name("endpoint", name) not in here:
        raise UnknownName("endpoint", name, here)
