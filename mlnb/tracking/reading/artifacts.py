"""Files of a run: from the folder they lie in, or through MLflow from wherever they are."""

from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote, urlsplit

from mlnb.core import project as projects
from mlnb.tracking import store
from mlnb.tracking.reading.stored import StoredRun

NOTEBOOK = "notebook.ipynb"
"""The artifact that holds the notebook as it ran."""
PACKAGES = "requirements.txt"
DIFF = "git_diff.patch"


def names(run: StoredRun) -> list[str]:
    """Return the paths of all files of a run, sorted."""
    folder = _folder(run)
    if folder is not None:
        found = (path for path in folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(folder).as_posix() for path in found)
    if not run.artifact_uri:  # it is in no store yet
        return []
    return sorted(_listed(run, ""))


def sized(run: StoredRun) -> list[tuple[str, int | None]]:
    """Return all files of a run with their sizes in bytes, sorted."""
    folder = _folder(run)
    if folder is None:
        return sorted(_listed_sizes(run, "")) if run.artifact_uri else []
    return [(name, (folder / name).stat().st_size) for name in names(run)]


def beginning(run: StoredRun, name: str, most: int) -> tuple[bytes, int] | None:
    """Return the first bytes of a run's file and its size, None if it has none of that name.

    A name that leads out of the run's own files, by ``..`` or by a link, is none.
    """
    folder = _folder(run)
    if folder is None:
        found = read(run, name)
        return None if found is None else (found[:most], len(found))
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()) or not path.is_file():
        return None
    with path.open("rb") as file:
        return file.read(most), path.stat().st_size


def read(run: StoredRun, name: str) -> bytes | None:
    """Return the content of a run's file, None if it has none of that name.

    Raises
    ------
    TrackingUnavailable
        If the place where it is does not answer.
    """
    folder = _folder(run)
    if folder is not None:
        path = folder / name
        return path.read_bytes() if path.is_file() else None
    if not run.artifact_uri or name not in _listed(run, ""):
        return None
    client = store.connection(projects.current().tracking_uri)
    with TemporaryDirectory(prefix="mlnb-") as place, store.failures():
        return Path(client.download_artifacts(run.id, name, place)).read_bytes()


def _listed(run: StoredRun, folder: str) -> list[str]:
    return [name for name, _ in _listed_sizes(run, folder)]


def _listed_sizes(run: StoredRun, folder: str) -> list[tuple[str, int | None]]:
    client = store.connection(projects.current().tracking_uri)
    found: list[tuple[str, int | None]] = []
    with store.failures():
        for item in client.list_artifacts(run.id, folder or None):
            found += _listed_sizes(run, item.path) if item.is_dir else [(item.path, item.file_size)]
    return found


def _folder(run: StoredRun) -> Path | None:
    """Return the folder of a run's files where that is one of this machine."""
    parts = urlsplit(run.artifact_uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    if parts.scheme or not run.artifact_uri:
        return None
    return Path(run.artifact_uri)
