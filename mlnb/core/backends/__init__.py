"""Where a store keeps its files: a `Backend` each for a folder and for a server.

Files lie under slash-separated keys. A file appears whole or not at all, whatever is killed when.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

BytesLike = bytes | bytearray | memoryview
"""Bytes of any kind that lie in one piece; Arrow buffers and NumPy arrays do, too."""


class Backend(Protocol):
    """Files under keys.

    Owns nothing but its connection; safe to use from several threads and processes at once, and
    in a child after a fork. A key that is not there raises `FileNotFoundError`, every other
    failure `OSError` with a reason that shows no secret.
    """

    parallel: int
    """How many calls at once are worth while."""

    def read(self, key: str) -> bytes:
        """Return a file's bytes."""

    def view(self, key: str) -> memoryview:
        """Return a file's bytes without copying them, where that can be."""

    def ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[memoryview]:
        """Return pieces of a file from start to end; a file that is too short gives less."""

    def size(self, key: str) -> int:
        """Return a file's size in bytes."""

    def look(self, key: str) -> tuple[int, float]:
        """Return a file's size and when it was changed, in seconds since 1970."""

    def copy(self, key: str, to: str) -> None:
        """Give a file's bytes a second key, as changed now, without moving them to here."""

    def write(self, key: str, data: memoryview | Path) -> None:
        """Write a file, in place of one that is there."""

    def create(self, key: str, data: BytesLike) -> bool:
        """Write a file unless there is one; tell whether it was written."""

    def delete(self, key: str) -> None:
        """Remove a file; none is no error."""

    def names(self, folder: str) -> list[str]:
        """Return the names of the files right below a folder, in no order."""

    def folders(self, folder: str) -> list[str]:
        """Return the names of the folders right below a folder, in no order."""

    def numbers(self, folder: str, known: int) -> list[int]:
        """Return the numbers of a log's entries from ``known`` on, sorted.

        The entry ``known`` was there when this process last looked. When it is gone the answer
        is empty.
        """

    def walk(self, folder: str) -> Iterator[tuple[str, int, float]]:
        """Yield name, size and time of change (seconds since 1970) of all files below a folder."""

    def path(self, key: str) -> Path | None:
        """Return where a file is on this machine, or None when it is elsewhere."""

    def sweep(self, older_than: float) -> int:
        """Remove what killed writers left, older than so many seconds; return the bytes."""


def entry_name(number: int) -> str:
    """Return the file name of a log's entry."""
    return f"{number:08d}.json"


def entry_number(name: str) -> int:
    """Return the number in an entry's file name, or 0 for a file that is no entry."""
    digits = name.removesuffix(".json")
    return int(digits) if digits != name and digits.isascii() and digits.isdigit() else 0
