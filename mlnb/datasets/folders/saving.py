"""Save a folder, or a file that is no table, as a version."""

from collections.abc import Iterable
from pathlib import Path

from mlnb.core import project
from mlnb.core.errors import ObjectCorrupt
from mlnb.core.project import Project
from mlnb.core.records import DatasetVersion
from mlnb.core.store import ObjectStore
from mlnb.datasets import manifests, recording
from mlnb.datasets.folders import statcache
from mlnb.datasets.folders.scanning import Found, hidden_in, scan, scan_file
from mlnb.datasets.folders.statcache import StatCache
from mlnb.datasets.folders.tree import Base, Row, digest_rows
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
        same = parent and work.is_known and parent.digest == digest_rows(work.rows())
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
        self.contents = self._cache.contents(self.scan.files)
        """Hashes of files, by path."""
        self._read: set[str] = set()

    @property
    def is_known(self) -> bool:
        """Tell whether no file has to be read to know what the folder holds."""
        return len(self.contents) == len(self.scan.files)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return path, kind and content of everything, by path in order."""
        contents = self.contents
        rows = [(path, file.kind, contents[path]) for path, file in self.scan.files.items()]
        rows += [(path, "l", target) for path, target in self.scan.links.items()]
        rows += [(path, "d", "") for path in self.scan.empty]
        rows.sort()
        return rows

    def take(self, read: Iterable[tuple[Found, str]]) -> None:
        """Take in what was read of files."""
        for file, content in read:
            self.scan.files[file.path] = file
            self.contents[file.path] = content
            self._read.add(file.path)

    def keep(self, ref: str) -> None:
        """Write down what the folder held, as the content of a version."""
        files = self._cache.files
        if self._read or len(files) != len(self.contents):
            found, contents, read = self.scan.files, self.contents, self._read
            files = {
                path: statcache.known(found[path], content, self._clock)
                if path in read
                else files[path]
                for path, content in contents.items()
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
    known = work.contents
    todo = [
        file
        for path, file in work.scan.files.items()
        if path not in known or known[path] not in contents.files
    ]
    work.take(packing.store_files(store, str(work.folder), todo, contents))
    found = work.rows()
    old = base.rows if base else {}
    rows = {}
    for path, kind, content in found:
        row = old.get(path)
        if row is not None and row.kind == kind and row.content == content:
            rows[path] = row
        elif kind in "fx":
            place = contents.files[content]
            size = work.scan.files[path].size
            rows[path] = Row(path, kind, size, content, place.frames, place.offset)
        else:
            rows[path] = Row(path, kind, 0, content)
    manifest = tree.write(store, rows, base)
    named = manifests.put(store, manifest)
    written = [named, *(digest for digest, _ in manifest.listings if not _is_of(base, digest))]
    if store.is_local and _cleared(store, written):  # a server looks after its bytes itself
        tree.write(store, rows, base)
        manifests.put(store, manifest)
    return recording.record(
        work.here,
        name,
        note,
        digest=digest_rows(found),
        columns=[],
        rows=manifest.files,
        bytes=tree.stored_size(rows.values()),
        kind="files",
        manifest=named,
    )


def _is_of(base: Base | None, digest: str) -> bool:
    """Tell whether a listing is the base, which was read already."""
    return base is not None and base.place[0] == digest


def _cleared(store: ObjectStore, digests: Iterable[str]) -> list[str]:
    """Remove objects that are damaged: of equal size, they would pass for stored already."""
    damaged = []
    for digest in digests:
        try:
            store.get(digest)
        except ObjectCorrupt:
            store.delete(digest)
            damaged.append(digest)
    return damaged
