"""What is known of a folder since the last save or checkout, so that it is not read again.

A small file in the project's local state, one per folder. It is only ever a shortcut: one that is
missing, damaged or of another machine is ignored. A file's hash is taken from it only if size,
times of modification and change, and inode are what they were. The time of change is set by the
system and cannot be set back, but it has steps: a file that was changed in the very step in which
it was read could be changed again unseen. Such files are kept without their times, and are read
again next time (git calls them racily clean).
"""

import contextlib
import json
import os
import secrets
from array import array
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mlnb.core.errors import Conflict
from mlnb.core.hashing import digest_bytes
from mlnb.core.project import Project
from mlnb.datasets.folders.pausing import uncollected
from mlnb.datasets.folders.scanning import Found

try:
    import fcntl
except ImportError:  # Windows: two checkouts at once into one folder are not kept apart
    fcntl = None  # type: ignore[assignment]

_MAGIC = b"mlnb folder 1\n"
_OTHER_DISK = 2_000_000_000
"""Nanoseconds that the clocks of two file systems may differ by."""


class Known(NamedTuple):
    """A file at the last save or checkout."""

    size: int
    modified: int
    """-1 if the times cannot tell whether it was changed since."""
    changed: int
    inode: int
    content: str
    """Its hash."""


@dataclass(frozen=True)
class StatCache:
    """What a folder held at the last save or checkout.

    Attributes
    ----------
    version : str
        The version that every file here was the same as, ``name@number``; or empty.
    pending : str
        A version whose checkout began and did not end.
    """

    version: str = ""
    pending: str = ""
    files: dict[str, Known] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    """Empty folders."""

    def content(self, file: Found) -> str | None:
        """Return the hash of a file if it certainly has not changed."""
        known = self.files.get(file.path)
        if known is not None and known[:4] == file[2:]:  # size, both times and inode at once
            return known.content
        return None

    def contents(self, files: Mapping[str, Found]) -> dict[str, str]:
        """Return the hashes of those files that certainly have not changed."""
        old = self.files
        return {
            path: old[path].content
            for path, file in files.items()
            if path in old and old[path][:4] == file[2:]
        }


def known(file: Found, content: str, clock: int) -> Known:
    """Return what to keep of a file that was read or written when the clock stood at ``clock``."""
    if file.modified < clock and file.changed < clock:
        return Known(file.size, file.modified, file.changed, file.inode, content)
    return Known(file.size, -1, -1, file.inode, content)


def clock(here: Project, folder: Path) -> int:
    """Return the time in nanoseconds by the clock that gives files their times."""
    probe = _place(here) / f"clock-{secrets.token_hex(8)}"
    descriptor = os.open(probe, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        facts = os.fstat(descriptor)
    finally:
        os.close(descriptor)
        probe.unlink()
    same_disk = facts.st_dev == folder.stat().st_dev
    return facts.st_mtime_ns - (0 if same_disk else _OTHER_DISK)


@uncollected
def read(here: Project, folder: Path) -> StatCache:
    """Return what is known of a folder; nothing if that cannot be told."""
    try:
        data = _file(here, folder).read_bytes()
        return _parsed(data)
    except (OSError, ValueError, KeyError, TypeError):
        return StatCache()


def write(here: Project, folder: Path, cache: StatCache) -> None:
    """Keep what is known of a folder; a failure is none of the user's business."""
    target = _file(here, folder)
    part = target.with_name(f"{target.name}.{secrets.token_hex(8)}")
    try:
        part.write_bytes(_written(cache))
        part.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()


@contextmanager
def locked(here: Project, folder: Path, *, alone: bool) -> Iterator[None]:
    """Keep checkouts of one folder apart from each other and from saves of it.

    Raises
    ------
    Conflict
        If another process is at it.
    """
    if fcntl is None:
        yield
        return
    with _file(here, folder).with_suffix(".lock").open("a") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            raise Conflict(
                f"The folder {folder.name!r} is being saved or checked out by another process.",
                "Wait until that has ended.",
            ) from None
        yield


def _place(here: Project) -> Path:
    place = here.local / "folders"
    place.mkdir(exist_ok=True)
    return place


def _file(here: Project, folder: Path) -> Path:
    return _place(here) / digest_bytes(os.fsencode(folder))[:32]


def _written(cache: StatCache) -> bytes:
    paths = "\0".join(cache.files).encode()
    head = {
        "version": cache.version,
        "pending": cache.pending,
        "links": cache.links,
        "folders": cache.folders,
        "files": len(cache.files),
        "paths": len(paths),
    }
    text = json.dumps(head, ensure_ascii=False).encode()
    parts = [len(text).to_bytes(8, "little"), text, paths]
    if cache.files:
        *columns, contents = zip(*cache.files.values(), strict=True)
        parts += [array("q", column).tobytes() for column in columns]
        parts.append(bytes.fromhex("".join(contents)))
    body = b"".join(parts)
    return _MAGIC + bytes.fromhex(digest_bytes(body)) + body


def _parsed(data: bytes) -> StatCache:
    start = len(_MAGIC) + 32
    body = memoryview(data)[start:]
    if not data.startswith(_MAGIC) or digest_bytes(body) != data[len(_MAGIC) : start].hex():
        raise ValueError("it is damaged")
    end = 8 + int.from_bytes(body[:8], "little")
    head = json.loads(bytes(body[8:end]))
    count = head["files"]
    paths = bytes(body[end : end + head["paths"]]).decode().split("\0") if count else []
    end += head["paths"]
    columns = []
    for _ in range(len(Known._fields) - 1):
        column = array("q")
        column.frombytes(body[end : end + 8 * count])
        columns.append(column)
        end += 8 * count
    digits = bytes(body[end:]).hex()
    contents = [digits[at : at + 64] for at in range(0, 64 * count, 64)]
    files = dict(zip(paths, map(Known, *columns, contents), strict=True))
    return StatCache(head["version"], head["pending"], files, head["links"], head["folders"])
