"""Which paths and links a version may hold: none that leads out of the folder it is put in."""

import os
from collections.abc import Iterable

WINDOWS = os.name == "nt"


def check_paths(rows: Iterable[tuple[str, str | None]]) -> None:
    """Raise if paths, with the targets of those that are links, are not safe to write.

    Raises
    ------
    ValueError
        Naming the first that is not.
    """
    paths = set()
    parents = set()
    for path, target in rows:
        if not is_relative(path):
            raise ValueError(f"{path!r} is no path inside a folder")
        if target is not None and not stays_inside(path, target):
            raise ValueError(f"the link {path!r} leads outside")
        paths.add(path)
        parents.add(path.rpartition("/")[0])
    for parent in parents:
        while parent:
            if parent in paths:
                raise ValueError(f"{parent!r} is a file and a folder at once")
            parent = parent.rpartition("/")[0]


def is_relative(path: str) -> bool:
    """Tell whether a stored path is one below a folder, in its one way of writing."""
    if not path or "\0" in path or (WINDOWS and ("\\" in path or ":" in path)):
        return False
    return path[0] != "/" and not _ODD.intersection(path.split("/"))


def stays_inside(path: str, target: str) -> bool:
    """Tell whether a link at a path can only lead to places in its folder.

    ``..`` may come only first: behind a name it would be taken from where that name leads to,
    which may be another link. Then every step of a chain of links stays inside.
    """
    if not target or "\0" in target or target[0] == "/" or (WINDOWS and ":" in target):
        return False
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = next((at for at, part in enumerate(parts) if part != ".."), len(parts))
    return ".." not in parts[ups:] and ups <= path.count("/")


_ODD = frozenset(("", ".", ".."))
