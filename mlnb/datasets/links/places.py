"""Where linked data is: as it may be written into a record, and as it is opened."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlnb.core import project
from mlnb.core.urls import without_secrets


def is_remote(place: str) -> bool:
    """Tell whether a place is on a server."""
    return "://" in place and not place.startswith("file://")


def local(place: str) -> Path:
    """Return the path of a place that is not remote."""
    if place.startswith("file://"):
        return Path(unquote(urlsplit(place).path))
    return Path(place).expanduser()


def recorded(place: str) -> str:
    """Return a place as it may be written into a record.

    A path becomes relative to the project, with ``..`` when it is outside: no record holds an
    absolute path, and a project and its data that are moved together still find each other. A
    URL loses user, password and query.
    """
    if is_remote(place):
        return without_secrets(place)
    return project.current().relative(local(place))


def opened(location: str) -> str:
    """Return the absolute path, or the URL, of a recorded location."""
    if is_remote(location):
        return location
    return str((project.current().root / location).resolve())
