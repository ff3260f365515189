"""Which project the panel shows: the one that the folder of the notebook in use belongs to."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from mlnb.core import project
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import STATE, Project
from mlnb.pipelines.archive import Archive
from mlnb.ui.server.feed import Feed
from mlnb.ui.server.kept import Kept

FOLDERS_FOLLOWED = 8
"""Of the folders asked for, the changes of this many, the latest, are pushed."""


@dataclass(frozen=True)
class Source:
    """A folder of the file browser, and the events of the project it belongs to."""

    server_root: Path
    folder: Path
    feed: Feed
    revision: int
    """What had happened when it was first asked for, which is no news."""
    kept: Kept = field(default_factory=Kept)
    """Lists as they were read last."""
    archive: Archive = field(default_factory=Archive)
    """The pipeline runs that the store has."""

    @property
    def project(self) -> Project:
        """Return the project, with its settings as they are now."""
        return project.current(project_root(self.folder))

    @property
    def untouched(self) -> bool:
        """Tell whether nothing was recorded yet: then looking must not create anything."""
        found = self.project
        own_state = f"{STATE}/"
        local = own_state in found.settings.store and own_state in found.settings.tracking_uri
        return local and not (found.root / STATE).exists()


class Sources:
    """The folders that the panel has asked for; safe to use from several threads.

    Parameters
    ----------
    server_root : Path
        What the file browser shows.
    """

    def __init__(self, server_root: Path) -> None:
        self.server_root = server_root
        self._known: dict[str, Source] = {}
        self._lock = Lock()

    def at(self, folder: str = "") -> Source:
        """Return the source for a folder, given as the file browser names it.

        Raises
        ------
        BadInput, UnknownName
            If it lies outside the file browser, or is no folder.
        """
        path = Path(os.path.normpath(self.server_root / folder))
        if not path.is_relative_to(self.server_root):
            raise BadInput(
                f"The folder {folder!r} lies outside what this server shows.",
                "Ask for a folder of the file browser.",
            )
        if not _is_folder(path):
            raise UnknownName("folder", folder, fix="Ask for a folder of the file browser.")
        with self._lock:
            known = self._known.get(folder)
        if known is None:
            feed = Feed(lambda: project_root(path) / STATE / "events.jsonl")
            known = Source(self.server_root, path, feed, feed.revision)
        with self._lock:
            self._known.pop(folder, None)
            self._known[folder] = known  # the latest comes last
            for oldest in list(self._known)[:-FOLDERS_FOLLOWED]:
                del self._known[oldest]
        return known

    def followed(self) -> Iterator[tuple[str, Source]]:
        """Yield the folders whose changes the panel wants to hear of."""
        with self._lock:
            yield from list(self._known.items())


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a name too long for any file
        return False


def project_root(folder: Path) -> Path:
    """Return the root that a notebook in the folder finds too."""
    named = os.environ.get("MLNB_PROJECT")
    return Path(named).resolve() if named else project.find_root(folder)
