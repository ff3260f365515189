"""A remote's URL → its store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlnb.core.errors import BadInput
from mlnb.core.project import Project
from mlnb.core.store import ObjectStore
from mlnb.core.urls import without_secrets


def open_remote(here: Project, url: str | None, *, reading: bool) -> ObjectStore:
    """Return the store that a URL (the setting ``remote`` by default) means.

    Parameters
    ----------
    here : Project
        The project.
    url : str, optional
        A folder or a URL; a relative folder is taken from the working directory, one of the
        setting from the project's.
    reading : bool
        Whether it has to be there.

    Raises
    ------
    BadInput
        If no remote is known, it is the project's own store, or the folder is not there.
    StoreUnavailable
        If it cannot be opened.
    """
    given = url or here.settings.remote
    if not given:
        fix = 'Give its URL, or write `remote = "URL"` into mlnb.toml.'
        raise BadInput("No remote is known.", fix)
    folder = _folder(given, Path.cwd() if url else here.root)
    own = _folder(here.settings.store, here.root)
    if (folder or given.rstrip("/")) == (own or here.settings.store.rstrip("/")):
        raise BadInput("The remote is this project's own store.", "Give the URL of another one.")
    if reading and folder is not None and not folder.is_dir():
        raise BadInput(f"There is no folder {given!r}.", "Check the remote's path.")
    return ObjectStore(given if folder is None else str(folder))


def shown(here: Project, url: str | None) -> str:
    """Return the remote's URL as it may be shown."""
    return without_secrets(url or here.settings.remote)


def _folder(url: str, base: Path) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path)).resolve()
    return None if "://" in url else (base / Path(url).expanduser()).resolve()
