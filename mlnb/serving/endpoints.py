"""Endpoints: where they run, what they are doing, how to ask them; stopping them."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mlnb.core import project
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.names import check_name
from mlnb.core.records import EndpointStatus, Release
from mlnb.serving import releases
from mlnb.serving.package import example_in
from mlnb.serving.targets import SplittingTarget, Target
from mlnb.serving.targets.local import LocalTarget

if TYPE_CHECKING:
    from mlnb.serving.client import Endpoint


def target() -> Target:
    """Return the place where this project's endpoints run.

    Raises
    ------
    MissingExtra
        If the libraries of serving are not installed.
    """
    settings = project.current().settings
    if settings.endpoint_target == "docker":
        from mlnb.serving.targets.docker import DockerTarget

        return DockerTarget(settings.docker_base)
    return LocalTarget()


def splitting() -> SplittingTarget:
    """Return that place, if it can let several releases answer at a time.

    Raises
    ------
    BadInput
        If it cannot.
    """
    place = target()
    if not isinstance(place, SplittingTarget):
        raise BadInput("This target serves one release at a time.", "Deploy without a canary.")
    return place


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
    """Return an endpoint's history, oldest first.

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


def endpoint(name: str) -> "Endpoint":
    """Return a client of a running endpoint.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    EndpointUnavailable
        If it does not run on this machine.
    """
    from mlnb.serving.client import Endpoint

    _known(name)
    address = target().address(name)
    return Endpoint(name, address.url, address.token)


def example(name: str) -> dict[str, Any]:
    """Return a row that an endpoint's model takes; empty where none is known on this machine."""
    from mlnb.tracking.models import kept_files

    with suppress(UnknownName):
        present = releases.serving(releases.history(name))
        if present is not None:
            return example_in(kept_files(present.model_digest))
    return {}


def _known(name: str) -> None:
    here = releases.endpoints()
    if check_name("endpoint", name) not in here:
        raise UnknownName("endpoint", name, here)
