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
    client = store.connection(projects.current().tracking_uri)
    found: list[str] = []
    with store.failures():
        for item in client.list_artifacts(run.id, folder or None):
            found += _listed(run, item.path) if item.is_dir else [item.path]
    return found


def _folder(run: StoredRun) -> Path | None:
    """Return the folder of a run's files where that is one of this machine."""
    parts = urlsplit(run.artifact_uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    if parts.scheme or not run.artifact_uri:
        return None
    return Path(run.artifact_uri)
