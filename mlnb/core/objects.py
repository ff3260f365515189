"""The objects of a store: bytes under their own hash."""

import errno
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from mlnb.core.backends import Backend, BytesLike, renewal
from mlnb.core.backends.renewal import ObjectFile, object_key
from mlnb.core.errors import ObjectCorrupt, ObjectMissing, StoreUnavailable
from mlnb.core.hashing import digest_bytes, digest_file
from mlnb.core.urls import without_secrets

T = TypeVar("T")
R = TypeVar("R")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_MAKE_ROOM = "Make room on its disk; what was stored before is whole."
_SMALL = 64 << 10
GRACE = 24 * 3600.0
"""Seconds that an object is kept for which nothing names (yet)."""


@dataclass(frozen=True)
class StoredObject:
    """An object as it is found, unread."""

    digest: str
    size: int
    """Bytes."""
    changed: float
    """When it was written, in seconds since 1970."""


class Objects:
    """The half of `mlnb.core.store.ObjectStore` that holds objects."""

    url: str
    _backend: Backend
    grace: float = GRACE
    """Seconds; a collection of garbage that removes younger objects is safe only while nobody
    saves."""

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
        self._write(digest, view, len(view))
        return digest

    def put_many(self, objects: Mapping[str, BytesLike]) -> None:
        """Store several objects, given by their digests, at once."""
        self._each(lambda item: self.put(item[1], item[0]), objects.items())

    def replace(self, digest: str, data: BytesLike) -> None:
        """Store bytes under their digest, whatever is there: it is missing, or damaged."""
        with self._failures():
            self._backend.write(object_key(digest), _flat(data))

    def put_file(self, path: Path) -> str:
        """Store a file's content and return its digest."""
        digest = digest_file(path)
        self._write(digest, path, path.stat().st_size)
        return digest

    def keep(self, objects: Mapping[str, int]) -> set[str]:
        """Return those objects, given with their sizes, that are stored in full already.

        They can be named by an entry that is about to be written, as if they had just been put:
        no collection of garbage that is under way removes them.
        """

        def is_kept(item: tuple[str, int]) -> bool:
            keys = renewal.keys_to_write(self._backend, *item, self._since())
            return not keys

        with self._failures():
            kept = self._each(is_kept, objects.items())
        return {digest for digest, there in zip(objects, kept, strict=True) if there}

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
        path = self._backend.path(object_key(digest))
        if path is not None and not path.exists():
            for file in renewal.renewed(self._backend, digest):
                return self._backend.path(file.key)
        return path

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
        further: dict[str, ObjectFile] = {}
        for file in self.files():
            if file.is_first:
                further.pop(file.digest, None)
                yield StoredObject(file.digest, file.size, file.changed)
            else:
                further[file.digest] = file
        for file in further.values():
            yield StoredObject(file.digest, file.size, file.changed)

    def files(self) -> Iterator[ObjectFile]:
        """Yield every file that holds an object; an object may have several."""
        with self._failures():
            yield from renewal.files(self._backend)

    def discard(self, files: Iterable[ObjectFile]) -> list[ObjectFile]:
        """Remove files that hold objects, unless they were changed since they were listed.

        Returns
        -------
        list of ObjectFile
            Those that were removed.
        """

        def removed(file: ObjectFile) -> ObjectFile | None:
            if renewal.look(self._backend, file.key, file.digest) != file:
                return None
            self._backend.delete(file.key)
            return file

        with self._failures():
            return [file for file in self._each(removed, files) if file]

    def delete(self, digest: str) -> None:
        """Remove an object; none is no error. Only for what no entry names."""
        with self._failures():
            for file in renewal.renewed(self._backend, digest):
                self._backend.delete(file.key)
            self._backend.delete(object_key(digest))

    def sweep(self, older_than: float) -> int:
        """Remove what killed writers left half written, and return its bytes.

        Parameters
        ----------
        older_than : float
            Seconds; longer than any write takes, so that no running one loses its file.
        """
        with self._failures():
            return self._backend.sweep(older_than)

    def _write(self, digest: str, data: memoryview | Path, size: int) -> None:
        with self._failures():
            # on a server a small object that is new costs one request instead of two
            is_cheap = self._backend.parallel > 1 and size <= _SMALL
            if is_cheap and isinstance(data, memoryview):
                is_new = self._backend.create(object_key(digest), data)
                if is_new:
                    return
            for key in renewal.keys_to_write(self._backend, digest, size, self._since()):
                self._backend.write(key, data)

    def _since(self) -> float:
        """Return since when a file must have been changed to outlast a save."""
        return time.time() - self.grace / 2

    def _read(self, read: Callable[[str], R], digest: str, wanted_by: str) -> R:
        with self._failures():
            try:
                return read(object_key(digest))
            except FileNotFoundError:
                for file in renewal.renewed(self._backend, digest):
                    with suppress(FileNotFoundError):
                        return read(file.key)
                raise ObjectMissing(digest, wanted_by) from None

    def _each(self, work: Callable[[T], R], items: Iterable[T]) -> list[R]:
        todo = list(items)
        if self._backend.parallel == 1 or len(todo) < 2:
            return [work(item) for item in todo]
        with ThreadPoolExecutor(min(self._backend.parallel, len(todo))) as pool:
            return list(pool.map(work, todo))

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            shown = without_secrets(self.url)
            reason = _reason(error).replace(self.url, shown)
            fix = _MAKE_ROOM if getattr(error, "errno", None) in _FULL else ""
            raise StoreUnavailable(shown, reason, fix) from error


def _flat(data: BytesLike) -> memoryview:
    view = memoryview(data)
    return view.cast("B") if view.nbytes else memoryview(b"")


def _reason(error: Exception) -> str:
    strerror = getattr(error, "strerror", None)
    reason = strerror or (str(error).strip() or type(error).__name__).splitlines()[0]
    return str(reason).rstrip(".")
