"""The object store: content-addressed objects and append-only logs, on any obstore URL.

Layout under the store's root::

    objects/3f/3f9a…           bytes under their own hash, written once
    logs/<log>/00000007.json   entry 7 of a log, written with a create-only put

A log entry is the only kind of reference. Two writers can never both write entry 7: the loser
takes 8. Objects are written before the entry that names them, so a crash at any point leaves
every existing entry whole, and at worst some objects that no entry names.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotFoundError
from obstore.store import LocalStore, MemoryStore, from_url

from mlnb.core.errors import ObjectCorrupt, ObjectMissing, StoreUnavailable, UnreadableRecord
from mlnb.core.hashing import digest_bytes, digest_file
from mlnb.core.urls import without_secrets

_ENTRY = re.compile(r"[0-9]+\.json")


@dataclass(frozen=True)
class Entry:
    """One entry of a log."""

    number: int
    """Counts from 1."""
    data: dict[str, Any]


class ObjectStore:
    """Objects under their hash, and logs of numbered entries.

    Owns nothing but its connection; safe to use from several threads and processes at once.
    Every failure of the disk or server is raised as `StoreUnavailable`.

    Parameters
    ----------
    url : str
        A folder (absolute path or ``file://``), ``s3://``, ``gs://``, ``az://`` or ``memory://``.
        A folder that is not there is an empty store, and made by the first write.
    before_first : callable, optional
        Called before the folder is made.
    """

    def __init__(self, url: str, *, before_first: Callable[[], object] | None = None) -> None:
        self.url = url
        self._folder = _local_folder(url)
        self._before_first = before_first
        self._opened: Any = None
        if self._folder is None or not _is_free(self._folder):
            self._open()

    def _open(self) -> Any:
        """Return the store to write to."""
        if self._opened is None:
            with self._failures():
                if self._folder is None:
                    self._opened = from_url(self.url)
                else:
                    if self._before_first is not None:
                        self._before_first()
                    self._opened = LocalStore(self._folder, mkdir=True)
        return self._opened

    @property
    def _store(self) -> Any:
        """The store to read from, which reading does not make."""
        if self._opened is None and self._folder is not None and _is_free(self._folder):
            return MemoryStore()
        return self._open()

    # -- objects ---------------------------------------------------------------------------------

    def put(self, data: bytes) -> str:
        """Store bytes and return their digest; storing them again costs one look-up."""
        digest = digest_bytes(data)
        if not self._is_whole(digest, len(data)):
            with self._failures():
                obstore.put(self._open(), _object_path(digest), data)
        return digest

    def put_file(self, path: Path) -> str:
        """Store a file's content and return its digest."""
        digest = digest_file(path)
        if not self._is_whole(digest, path.stat().st_size):
            with self._failures():
                obstore.put(self._open(), _object_path(digest), path)
        return digest

    def get(self, digest: str, *, wanted_by: str = "") -> bytes:
        """Return an object's bytes, verified.

        Raises
        ------
        ObjectMissing, ObjectCorrupt
            Naming the object and, when given, the version that needs it.
        """
        with self._failures():
            try:
                data = bytes(obstore.get(self._store, _object_path(digest)).bytes())
            except (NotFoundError, FileNotFoundError):
                raise ObjectMissing(digest, wanted_by) from None
        if digest_bytes(data) != digest:
            raise ObjectCorrupt(digest, wanted_by)
        return data

    def size(self, digest: str) -> int:
        """Return an object's size in bytes."""
        with self._failures():
            try:
                return int(obstore.head(self._store, _object_path(digest))["size"])
            except (NotFoundError, FileNotFoundError):
                raise ObjectMissing(digest) from None

    def _is_whole(self, digest: str, size: int) -> bool:
        """Tell whether an object is stored in full; power loss may leave one cut short."""
        try:
            return self.size(digest) == size
        except ObjectMissing:
            return False

    def probe(self) -> None:
        """Write, read and remove a small file, so that what is wrong shows now.

        Raises
        ------
        StoreUnavailable
            If the place cannot be written to.
        """
        path = f"probes/{uuid4().hex}"
        with self._failures():
            obstore.put(self._open(), path, b"probe")
            obstore.get(self._store, path).bytes()
            obstore.delete(self._store, path)

    # -- logs ------------------------------------------------------------------------------------

    def append(self, log: str, make: Callable[[int], Mapping[str, Any]]) -> Entry:
        """Append an entry to a log.

        Parameters
        ----------
        log : str
            Slash-separated name, such as ``datasets/flights``.
        make : callable
            Gives the entry's JSON object for the number it will have. It is called again with
            the next number when another writer was first.
        """
        number = self._last_number(log) + 1
        while True:
            data = dict(make(number))
            body = json.dumps(data, ensure_ascii=False, allow_nan=False).encode()
            with self._failures():
                try:
                    obstore.put(self._open(), _entry_path(log, number), body, mode="create")
                    return Entry(number, data)
                except (AlreadyExistsError, FileExistsError):
                    number += 1

    def entry(self, log: str, number: int) -> Entry | None:
        """Return one entry, or None when there is none of this number."""
        with self._failures():
            try:
                body = bytes(obstore.get(self._store, _entry_path(log, number)).bytes())
            except (NotFoundError, FileNotFoundError):
                return None
        try:
            data = json.loads(body)
        except ValueError as error:
            raise UnreadableRecord(f"entry {log}/{number}", str(error)) from None
        if not isinstance(data, dict):
            raise UnreadableRecord(f"entry {log}/{number}", "it is no JSON object")
        return Entry(number, data)

    def entries(self, log: str) -> Iterator[Entry]:
        """Yield a log's entries, oldest first."""
        for number in self._numbers(log):
            entry = self.entry(log, number)
            if entry is not None:
                yield entry

    def last(self, log: str) -> Entry | None:
        """Return a log's newest entry, or None when the log is empty."""
        number = self._last_number(log)
        return self.entry(log, number) if number else None

    def logs(self, prefix: str) -> list[str]:
        """Return the names of the logs (and folders of logs) right below a prefix."""
        with self._failures():
            found = obstore.list_with_delimiter(self._store, f"logs/{prefix}")
        return sorted(path.rsplit("/", 1)[-1] for path in found["common_prefixes"])

    def _numbers(self, log: str) -> list[int]:
        with self._failures():
            found = obstore.list_with_delimiter(self._store, f"logs/{log}")
        names = (item["path"].rsplit("/", 1)[-1] for item in found["objects"])
        return sorted(int(name[:-5]) for name in names if _ENTRY.fullmatch(name))

    def _last_number(self, log: str) -> int:
        numbers = self._numbers(log)
        return numbers[-1] if numbers else 0

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (AlreadyExistsError, NotFoundError, FileExistsError, FileNotFoundError):
            raise
        except (BaseError, OSError, ValueError) as error:
            shown = without_secrets(self.url)
            reason = _first_line(error).replace(self.url, shown)
            raise StoreUnavailable(shown, reason) from error


def _object_path(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"


def _entry_path(log: str, number: int) -> str:
    return f"logs/{log}/{number:08d}.json"


def _local_folder(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if "://" in url else Path(url)


def _is_free(folder: Path) -> bool:
    """Tell whether a folder is not there but could be made."""
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    return nearest != folder and nearest.is_dir()


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
