"""The object store: content-addressed objects and append-only logs, on any URL.

Layout under the store's root::

    objects/3f/3f9a…           bytes under their own hash, written once
    logs/<log>/00000007.json   entry 7 of a log, written with a create-only put
    parts/                     in a folder: files that are being written

A log entry is the only kind of reference. Two writers can never both write entry 7: the loser
takes 8. Objects are written before the entry that names them, so a crash at any point leaves
every existing entry whole, and at worst some objects that no entry names.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from mlnb.core.backends import Backend, BytesLike, entry_name
from mlnb.core.backends.folder import Folder
from mlnb.core.errors import ObjectCorrupt, ObjectMissing, StoreUnavailable, UnreadableRecord
from mlnb.core.hashing import digest_bytes, digest_file
from mlnb.core.urls import without_secrets

T = TypeVar("T")
R = TypeVar("R")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Entry:
    """One entry of a log."""

    number: int
    """Counts from 1."""
    data: dict[str, Any]


@dataclass(frozen=True)
class StoredObject:
    """An object as it is found, unread."""

    digest: str
    size: int
    """Bytes."""
    changed: float
    """When it was written, in seconds since 1970."""


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
        self._known: dict[str, int] = {}  # log → a number it has; a hint where to look next
        folder = _local_folder(url)
        with self._failures():
            if folder is not None:
                self._backend: Backend = Folder(folder, before_first)
            else:
                from mlnb.core.backends.remote import Remote  # obstore takes a while to import

                self._backend = Remote(url)

    @property
    def is_local(self) -> bool:
        """Tell whether the store is a folder."""
        return isinstance(self._backend, Folder)

    # -- objects ---------------------------------------------------------------------------------

    def put(self, data: BytesLike, digest: str | None = None) -> str:
        """Store bytes and return their digest; storing them again costs one look-up.

        Parameters
        ----------
        data : bytes-like
            Not copied; Arrow buffers and NumPy arrays will do, too.
        digest : str, optional
            The digest of these bytes, when the caller has it already.
        """
        view = _flat(data)
        digest = digest or digest_bytes(view)
        if not self._is_whole(digest, len(view)):
            with self._failures():
                self._backend.write(_object_key(digest), view)
        return digest

    def put_many(self, objects: Mapping[str, BytesLike]) -> None:
        """Store several objects, given by their digests, at once."""
        self._each(lambda item: self.put(item[1], item[0]), objects.items())

    def put_file(self, path: Path) -> str:
        """Store a file's content and return its digest."""
        digest = digest_file(path)
        if not self._is_whole(digest, path.stat().st_size):
            with self._failures():
                self._backend.write(_object_key(digest), path)
        return digest

    def get(self, digest: str, *, wanted_by: str = "") -> bytes:
        """Return an object's bytes, verified.

        Raises
        ------
        ObjectMissing, ObjectCorrupt
            Naming the object and, when given, the version that needs it.
        """
        data = self._read(self._backend.read, digest, wanted_by)
        if digest_bytes(data) != digest:
            raise ObjectCorrupt(digest, wanted_by)
        return data

    def view(self, digest: str, *, wanted_by: str = "") -> memoryview:
        """Return an object's bytes like `get`, but without copying: a large file is mapped."""
        data = self._read(self._backend.view, digest, wanted_by)
        if digest_bytes(data) != digest:
            raise ObjectCorrupt(digest, wanted_by)
        return data

    def get_many(self, digests: Iterable[str], *, wanted_by: str = "") -> list[bytes]:
        """Return several objects' bytes, verified, fetched at once where that is quicker."""
        return self._each(lambda digest: self.get(digest, wanted_by=wanted_by), digests)

    def get_ranges(
        self, digest: str, ranges: Sequence[tuple[int, int]], *, wanted_by: str = ""
    ) -> list[memoryview]:
        """Return pieces of an object, each from its start to before its end.

        They are not verified: the caller knows a hash of the piece, or reads the whole.

        Raises
        ------
        ObjectMissing, ObjectCorrupt
            When it is not there, or shorter than a range.
        """
        found = self._read(lambda key: self._backend.ranges(key, ranges), digest, wanted_by)
        for piece, (start, end) in zip(found, ranges, strict=True):
            if len(piece) != end - start:
                raise ObjectCorrupt(digest, wanted_by)
        return found

    def path(self, digest: str) -> Path | None:
        """Return the file that an object is, for mapping; None when it is on a server.

        Never to be written to; whether it is there, and whole, is for the caller to see.
        """
        return self._backend.path(_object_key(digest))

    def size(self, digest: str) -> int:
        """Return an object's size in bytes."""
        return self._read(self._backend.size, digest, "")

    def sizes(self, digests: Iterable[str]) -> dict[str, int]:
        """Return the sizes of those objects that are there."""

        def look(digest: str) -> tuple[str, int | None]:
            try:
                return digest, self.size(digest)
            except ObjectMissing:
                return digest, None

        found = self._each(look, digests)
        return {digest: size for digest, size in found if size is not None}

    def objects(self) -> Iterator[StoredObject]:
        """Yield every object there is, in no order."""
        with self._failures():
            for name, size, changed in self._backend.walk("objects"):
                if _DIGEST.fullmatch(name):
                    yield StoredObject(name, size, changed)

    def delete(self, digest: str) -> None:
        """Remove an object; none is no error. Only for what no entry names."""
        with self._failures():
            self._backend.delete(_object_key(digest))

    def sweep(self, older_than: float) -> int:
        """Remove what killed writers left half written, and return its bytes.

        Parameters
        ----------
        older_than : float
            Seconds; longer than any write takes, so that no running one loses its file.
        """
        with self._failures():
            return self._backend.sweep(older_than)

    def _is_whole(self, digest: str, size: int) -> bool:
        """Tell whether an object is stored in full; power loss may leave one cut short."""
        with self._failures():
            try:
                return self._backend.size(_object_key(digest)) == size
            except FileNotFoundError:
                return False

    def _read(self, read: Callable[[str], R], digest: str, wanted_by: str) -> R:
        with self._failures():
            try:
                return read(_object_key(digest))
            except FileNotFoundError:
                raise ObjectMissing(digest, wanted_by) from None

    def _each(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        todo = list(items)
        if self._backend.parallel == 1 or len(todo) < 2:
            return [work(item) for item in todo]
        with ThreadPoolExecutor(min(self._backend.parallel, len(todo))) as pool:
            return list(pool.map(work, todo))

    def probe(self) -> None:
        """Write, read and remove a small file, so that what is wrong shows now.

        Raises
        ------
        StoreUnavailable
            If the place cannot be written to.
        """
        key = f"probes/{uuid4().hex}"
        with self._failures():
            self._backend.write(key, memoryview(b"probe"))
            self._backend.read(key)
            self._backend.delete(key)

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
            if self.create(log, Entry(number, data)):
                return Entry(number, data)
            number += 1

    def create(self, log: str, entry: Entry) -> bool:
        """Write an entry under its own number; tell whether that was free.

        For copies of a log: the entries before it have to be there.
        """
        body = json.dumps(entry.data, ensure_ascii=False, allow_nan=False).encode()
        with self._failures():
            made = self._backend.create(_entry_key(log, entry.number), body)
        if made:
            self._known[log] = entry.number
        return made

    def entry(self, log: str, number: int) -> Entry | None:
        """Return one entry, or None when there is none of this number."""
        with self._failures():
            try:
                body = self._backend.read(_entry_key(log, number))
            except FileNotFoundError:
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
        with self._failures():
            numbers = self._backend.numbers(_log_key(log), 0)
        if self._backend.parallel > 1:
            read: Iterable[Entry | None] = self._each(lambda n: self.entry(log, n), numbers)
        else:
            read = (self.entry(log, number) for number in numbers)
        yield from filter(None, read)

    def last(self, log: str) -> Entry | None:
        """Return a log's newest entry, or None when the log is empty."""
        number = self._last_number(log)
        return self.entry(log, number) if number else None

    def logs(self, prefix: str) -> list[str]:
        """Return the names of the logs (and folders of logs) right below a prefix."""
        with self._failures():
            return sorted(self._backend.folders(_log_key(prefix)))

    def _last_number(self, log: str) -> int:
        """Return the newest entry's number; only what is newer than the last look is listed."""
        with self._failures():
            known = self._known.get(log, 0)
            numbers = self._backend.numbers(_log_key(log), known)
            if known and not numbers:  # the log was removed since
                numbers = self._backend.numbers(_log_key(log), 0)
        last = numbers[-1] if numbers else 0
        self._known[log] = last
        return last

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            shown = without_secrets(self.url)
            raise StoreUnavailable(shown, _reason(error).replace(self.url, shown)) from error


def _flat(data: BytesLike) -> memoryview:
    view = memoryview(data)
    return view.cast("B") if view.nbytes else memoryview(b"")


def _object_key(digest: str) -> str:
    return f"objects/{digest[:2]}/{digest}"


def _log_key(log: str) -> str:
    return f"logs/{log}"


def _entry_key(log: str, number: int) -> str:
    return f"logs/{log}/{entry_name(number)}"


def _local_folder(url: str) -> Path | None:
    parts = urlsplit(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if "://" in url else Path(url)


def _reason(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    return strerror or (str(error).strip() or type(error).__name__).splitlines()[0]
