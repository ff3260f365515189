"""Save a folder, or a file that is no table, as a version."""

from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from mlnb.core import project
from mlnb.core.project import Project
from mlnb.core.records import DatasetVersion
from mlnb.datasets import manifests, recording
from mlnb.datasets.folders import statcache
from mlnb.datasets.folders.scanning import Found, hidden_in, scan, scan_file
from mlnb.datasets.folders.statcache import StatCache
from mlnb.datasets.folders.tree import Row, digest_rows
from mlnb.datasets.recording import Note
from mlnb.datasets.records import StoredVersion


def save_files(path: Path, name: str, note: Note) -> DatasetVersion:
    """Save a folder with everything in it, or one file, as the next version of a dataset.

    Only files that may have changed since the last save or checkout of this folder are read, and
    only contents that the parent lacks are stored.

    Parameters
    ----------
    path : Path
        The folder, or the file.
    name : str
        The dataset; its first version makes it.
    note : Note
        Message, tag and author.

    Returns
    -------
    DatasetVersion
        The new version, or the newest one when that holds exactly these files already.

    Raises
    ------
    UnsupportedData
        If there is a name that is no Unicode, a link that leads out, a pipe, socket or device.
    Conflict
        If a file changes while it is read, or the folder is just being checked out.
    DiskUnavailable
        If a file cannot be read.
    """
    here = project.current()
    folder, single = _folder_of(path)
    with statcache.locked(here, single or folder, alone=False):
        work = _Work(here, folder, single)
        parent = recording.newest(here, name)
        known = work.known_rows()
        same = parent and known is not None and parent.digest == digest_rows(known)
        if parent and same and manifests.is_whole(here.store, parent):
            work.keep(parent.ref)
            return recording.unchanged(parent, note)
        version = _store(work, name, note, parent)
        work.keep(version.ref)
        return version


def _folder_of(path: Path) -> tuple[Path, Path | None]:
    """Return the folder to look through, and the one file that is meant, if any."""
    absolute = path.absolute()
    if absolute.is_dir():
        return absolute.resolve(), None
    real = absolute.resolve()
    return real.parent, real


_PATH = itemgetter(0)


class _Facts(NamedTuple):
    """A file as it was read, and its hash."""

    file: Found
    content: str


class _Work:
    """One folder that is being saved: what is in it, and what is known of that."""

    def __init__(self, here: Project, folder: Path, single: Path | None) -> None:
        self.here = here
        self.folder = folder
        self._place = single or folder
        """What the cache is kept for."""
        self._clock = statcache.clock(here, folder)
        self._cache = statcache.read(here, self._place)
        if single is None:
            self.scan = scan(folder, hidden_in(here, folder))
        else:
            self.scan = scan_file(single)
        self.scan.refuse()
        self.facts: dict[str, _Facts] = {}
        self._read: set[str] = set()
        for file in self.scan.files.values():
            content = self._cache.content(file)
            if content is not None:
                self.facts[file.path] = _Facts(file, content)

    def known_rows(self) -> list[Row] | None:
        """Return all rows, without places, if no file has to be read for that."""
        if len(self.facts) < len(self.scan.files):
            return None
        return self.rows()

    def rows(self) -> list[Row]:
        """Return all rows, without places, by path in order."""
        rows = [
            Row(path, item.file.kind, item.file.size, item.content)
            for path, item in self.facts.items()
        ]
        rows += [Row(path, "l", 0, target) for path, target in self.scan.links.items()]
        rows += [Row(path, "d", 0, "") for path in self.scan.empty]
        return sorted(rows, key=_PATH)

    def take(self, read: Iterable[tuple[Found, str]]) -> None:
        """Take in what was read of files."""
        for file, content in read:
            self.facts[file.path] = _Facts(file, content)
            self._read.add(file.path)

    def keep(self, ref: str) -> None:
        """Write down what the folder held, as the content of a version."""
        files = self._cache.files
        if self._read or len(files) != len(self.facts):
            files = {
                path: statcache.known(item.file, item.content, self._clock)
                if path in self._read
                else files[path]
                for path, item in sorted(self.facts.items())
            }
        cache = StatCache(
            ref, "", files, dict(sorted(self.scan.links.items())), sorted(self.scan.empty)
        )
        if files is not self._cache.files or cache != self._cache:
            statcache.write(self.here, self._place, cache)


def _store(work: _Work, name: str, note: Note, parent: StoredVersion | None) -> DatasetVersion:
    """Store what is new, and make the version."""
    from mlnb.datasets.folders import packing, tree

    store = work.here.store
    contents, base = packing.known_contents(store, parent)
    todo = [
        file
        for path, file in work.scan.files.items()
        if path not in work.facts or work.facts[path].content not in contents.files
    ]
    work.take(packing.store_files(store, str(work.folder), todo, contents))
    rows = {}
    for row in work.rows():
        old = base.rows.get(row.path) if base else None
        if old is not None and (old.kind, old.content) == (row.kind, row.content):
            rows[row.path] = old
        elif row.is_file:
            place = contents.files[row.content]
            rows[row.path] = row._replace(frames=place.frames, offset=place.offset)
        else:
            rows[row.path] = row
    manifest = tree.write(store, rows, base)
    return recording.record(
        work.here,
        name,
        note,
        digest=digest_rows(rows.values()),
        columns=[],
        rows=manifest.files,
        bytes=tree.stored_size(rows.values()),
        kind="files",
        manifest=manifests.put(store, manifest),
    )
