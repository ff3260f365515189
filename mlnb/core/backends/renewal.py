"""How an object that is stored already stays clear of a garbage collection that is under way.

A collection removes files that nothing names and that were old when it listed them. A writer that
finds its object in such a file must neither rely on it nor write in its place: it may be gone the
next moment. So it gives the object a second file, under a key that no collection has listed::

    renewed/3f9a…/3f9a….5c1e…      a hard link in a folder, a copy made by the server elsewhere

Readers look there only when the file in ``objects/`` is missing. A collection removes these files
once they are old as well and the first one is there.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from mlnb.core.backends import Backend

_DIGEST = re.compile(r"[0-9a-f]{64}")
_FOLDER = "renewed"


@dataclass(frozen=True)
class ObjectFile:
    """A file that holds an object, unread."""

    key: str
    digest: str
    size: int
    """Bytes."""
    changed: float
    """When it was written or renewed, in seconds since 1970."""

    @property
    def is_first(self) -> bool:
        """Tell whether it is the file in ``objects/``."""
        return not self.key.startswith(_FOLDER)


def object_key(digest: str) -> str:
    """Return where an object is first written."""
    return f"objects/{digest[:2]}/{digest}"


def look(backend: Backend, key: str, digest: str) -> ObjectFile | None:
    """Return what a key holds, or None."""
    with suppress(FileNotFoundError):
        return ObjectFile(key, digest, *backend.look(key))
    return None


def renewed(backend: Backend, digest: str) -> list[ObjectFile]:
    """Return the further files of an object."""
    folder = f"{_FOLDER}/{digest}"
    return [
        ObjectFile(f"{folder}/{name}", digest, size, changed)
        for name, size, changed in backend.walk(folder)
    ]


def files(backend: Backend) -> Iterator[ObjectFile]:
    """Yield every file that holds an object, the renewed ones first."""
    for name, size, changed in backend.walk(_FOLDER):
        digest = name[:64]
        if _DIGEST.fullmatch(digest):
            yield ObjectFile(f"{_FOLDER}/{digest}/{name}", digest, size, changed)
    for name, size, changed in backend.walk("objects"):
        if _DIGEST.fullmatch(name):
            yield ObjectFile(object_key(name), name, size, changed)


def keys_to_write(backend: Backend, digest: str, size: int, since: float) -> list[str]:
    """Return the keys to write an object under; none when it is there in full and not old.

    Parameters
    ----------
    backend : Backend
        The store's files.
    digest : str
        The object.
    size : int
        Its size in bytes. Power loss may have left a file cut short.
    since : float
        Files changed before this time may be taken by a collection; one that is whole is renewed.
    """
    first = look(backend, object_key(digest), digest)
    if first is None:
        return [object_key(digest)]
    is_whole = first.size == size
    if first.changed >= since:
        return [] if is_whole else [first.key]
    others = renewed(backend, digest)
    fresh = f"{_FOLDER}/{digest}/{digest}.{secrets.token_hex(8)}"
    if not any(file.size == size and file.changed >= since for file in others):
        if not is_whole or not _copied(backend, first.key, fresh):
            return [fresh] if is_whole else [fresh, first.key]
        for file in others:
            backend.delete(file.key)
    return [] if is_whole else [first.key]


def _copied(backend: Backend, key: str, fresh: str) -> bool:
    """Tell whether a copy could be made: some disks have no links, some servers have limits."""
    try:
        backend.copy(key, fresh)
    except OSError:
        return False
    return True
