"""What is in a folder: files with the facts that tell a change, links, empty folders."""

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mlnb.core.errors import UnsupportedData
from mlnb.core.project import STATE, Project
from mlnb.datasets.folders.paths import stays_inside
from mlnb.datasets.folders.pausing import uncollected

STAGING = ".mlnb.partial"
"""Folder at the top of a folder that is being checked out: files that are being written."""
_SIGNED = (1 << 63) - 1


class Found(NamedTuple):
    """A regular file as it was found; times in nanoseconds since 1970."""

    path: str
    """Relative, with forward slashes."""
    kind: str
    """``f``, or ``x`` if its owner may execute it."""
    size: int
    modified: int
    changed: int
    inode: int


@dataclass
class Scan:
    """Everything in a folder, unread."""

    files: dict[str, Found] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    """Path → where it leads, as it is written."""
    folders: set[str] = field(default_factory=set)
    empty: list[str] = field(default_factory=list)
    """Folders with nothing in them."""
    unnamed: list[str] = field(default_factory=list)
    """Paths that are no Unicode, as Python writes them."""
    special: list[str] = field(default_factory=list)
    """Pipes, sockets and devices."""

    def refuse(self) -> None:
        """Raise if there is something that no version can hold.

        Raises
        ------
        UnsupportedData
            Naming what.
        """
        if self.unnamed:
            raise _refusal(self.unnamed, "the name is no Unicode", "Rename")
        if self.special:
            raise _refusal(self.special, "it is a pipe, a socket or a device")
        outside = [path for path, to in self.links.items() if not stays_inside(path, to)]
        if outside:
            told = [f"{path} → {self.links[path]}" for path in outside]
            fix = "Make it relative, without '..' behind a name; or put the file itself there."
            raise UnsupportedData(
                f"No version can hold {_named(told)}: it leads out of the folder.", fix
            )


@uncollected
def scan(root: Path, hidden: Iterable[str] = ()) -> Scan:
    """Look through a folder; symbolic links are not followed.

    Parameters
    ----------
    root : Path
        The folder.
    hidden : iterable of str
        Absolute paths of folders to leave out.

    Raises
    ------
    OSError
        If a folder in it cannot be read.
    """
    result = Scan()
    files = result.files
    left_out = {*hidden, str(root / STAGING)}
    todo = [("", os.fspath(root))]
    while todo:
        prefix, folder = todo.pop()
        count = 0
        with os.scandir(folder) as entries:
            for entry in entries:
                path = prefix + entry.name
                if entry.path in left_out:
                    continue
                count += 1
                if not path.isascii() and not _is_unicode(path):
                    result.unnamed.append(repr(os.fsencode(path))[2:-1])
                    continue
                facts = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(facts.st_mode):
                    files[path] = found(path, facts)
                else:
                    _add(result, path, entry.path, facts.st_mode, todo)
        if not count and prefix:
            result.empty.append(prefix[:-1])
    return result


def scan_file(path: Path) -> Scan:
    """Return one file as if its folder held nothing else."""
    if not _is_unicode(path.name):
        return Scan(unnamed=[repr(os.fsencode(path.name))[2:-1]])
    return Scan(files={path.name: found(path.name, path.stat())})


def found(path: str, facts: os.stat_result) -> Found:
    """Return a file's facts."""
    kind = "x" if facts.st_mode & stat.S_IXUSR else "f"
    inode = facts.st_ino & _SIGNED
    return Found(path, kind, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns, inode)


def hidden_in(here: Project, folder: Path) -> list[str]:
    """Return what mlnb itself keeps in a folder: the project's state and its object store."""
    own = [here.root / STATE]
    store = here.store.path("0" * 64)
    if store is not None:
        own.append(store.parents[2])
    return [str(path) for path in own if path != folder and path.is_relative_to(folder)]


def _add(result: Scan, path: str, place: str, mode: int, todo: list[tuple[str, str]]) -> None:
    """Add what is no regular file."""
    if stat.S_ISDIR(mode):
        result.folders.add(path)
        todo.append((path + "/", place))
    elif stat.S_ISLNK(mode):
        target = os.readlink(place)  # noqa: PTH115 (a Path would tidy it up)
        if _is_unicode(target):
            result.links[path] = target.replace(os.sep, "/")
        else:
            result.unnamed.append(f"{path} → {os.fsencode(target)!r}")
    else:
        result.special.append(path)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # what Python makes of bytes that are no UTF-8
        return False
    return True


def _refusal(paths: list[str], what: str, verb: str = "Remove") -> UnsupportedData:
    return UnsupportedData(
        f"No version can hold {_named(sorted(paths))}: {what}.",
        f"{verb} it, or move it out of the folder.",
    )


def _named(paths: list[str], listed: int = 5) -> str:
    more = f" and {len(paths) - listed:,} more" if len(paths) > listed else ""
    return ", ".join(paths[:listed]) + more
