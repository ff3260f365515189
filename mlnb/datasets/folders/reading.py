"""Read files so that the hash is of what was read, and what was read is one state of the file."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mlnb.core.errors import Conflict, DiskUnavailable
from mlnb.core.hashing import Hasher, digest_bytes
from mlnb.datasets.folders.scanning import Found, found

_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)  # a link that has taken the file's place
    | getattr(os, "O_NONBLOCK", 0)  # a pipe
    | getattr(os, "O_BINARY", 0)
)
ATTEMPTS = 3
_AT_ONCE = 1 << 20
"""Largest file that is read whole; it was a small one when it was found."""


def read(root: str, file: Found) -> tuple[Found, bytes, str]:
    """Read a small file; return its facts, bytes and hash.

    Raises
    ------
    Conflict
        If it changes all the time.
    DiskUnavailable
        If it cannot be read.
    """
    for _ in range(ATTEMPTS):
        with opened(root, file.path) as (descriptor, before):
            if before.size > _AT_ONCE:
                continue
            data = _all(descriptor, before.size)
            if unchanged(descriptor, before, len(data)):
                return before, data, digest_bytes(data)
    raise changing(file.path)


def digest(root: str, file: Found) -> tuple[Found, str]:
    """Return a file's facts and hash, read piece by piece.

    Raises
    ------
    Conflict, DiskUnavailable
        As `read` does.
    """
    for _ in range(ATTEMPTS):
        hasher = Hasher(max_threads=Hasher.AUTO)
        with opened(root, file.path) as (descriptor, before):
            count = 0
            while data := os.read(descriptor, 1 << 20):
                hasher.update(data)
                count += len(data)
            if unchanged(descriptor, before, count):
                return before, hasher.hexdigest()
    raise changing(file.path)


@contextmanager
def opened(root: str, path: str) -> Iterator[tuple[int, Found]]:
    """Open a file for reading; give the descriptor and the file's facts."""
    try:
        descriptor = os.open(f"{root}/{path}", _FLAGS)
        try:
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise changing(path)
            yield descriptor, found(path, facts)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise changing(path) from None
    except OSError as error:
        raise DiskUnavailable(error.strerror or str(error), repr(path)) from None


def unchanged(descriptor: int, before: Found, count: int) -> bool:
    """Tell whether a file of which ``count`` bytes were read is still as it was before."""
    return count == before.size and found(before.path, os.fstat(descriptor)) == before


def changing(path: str) -> Conflict:
    """Return the error of a file that does not keep still."""
    return Conflict(
        f"{path!r} was changed while it was being read.", "Try again when nothing writes to it."
    )


class Tee:
    """A file to read from that tells the hash of what was read."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._hasher = Hasher(max_threads=Hasher.AUTO)
        self.count = 0

    def readinto(self, buffer: memoryview) -> int:
        """Fill a buffer from the file; return the bytes read."""
        count = _readinto(self._descriptor, buffer)
        self._hasher.update(buffer[:count])
        self.count += count
        return count

    def hexdigest(self) -> str:
        """Return the hash of everything read so far."""
        return str(self._hasher.hexdigest())


def _all(descriptor: int, size: int) -> bytes:
    """Read a file of about this size to its end; one byte more shows that it has grown."""
    data = os.read(descriptor, size + 1)
    if len(data) in (0, size):
        return data
    parts = [data]
    while len(data) and sum(map(len, parts)) <= size:
        data = os.read(descriptor, size + 1)
        parts.append(data)
    return b"".join(parts)


def _by_copy(descriptor: int, buffer: memoryview) -> int:
    data = os.read(descriptor, len(buffer))
    buffer[: len(data)] = data
    return len(data)


def _in_place(descriptor: int, buffer: Any) -> int:
    return os.readv(descriptor, [buffer])


_readinto: Callable[[int, memoryview], int] = _in_place if hasattr(os, "readv") else _by_copy
