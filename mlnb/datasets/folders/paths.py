"""Which paths and links a version may hold: none that leads out of the folder it is put in."""

import os
import re
from collections.abc import Collection, Mapping

WINDOWS = os.name == "nt"


def check_paths(paths: Collection[str], links: Mapping[str, str]) -> None:
    """Raise if paths are not safe to write.

    Parameters
    ----------
    paths : collection of str
        All paths of a version.
    links : mapping
        Where those that are links lead to.

    Raises
    ------
    ValueError
        Naming the first that is not.
    """
    text = "\0".join(paths)
    if WINDOWS or text.count("\0") >= max(len(paths), 1) or _suspect(text):
        for path in paths:
            if not is_relative(path):
                raise ValueError(f"{path!r} is no path inside a folder")
    for path, target in links.items():
        if not stays_inside(path, target):
            raise ValueError(f"the link {path!r} leads outside")
    known = set(paths)
    for parent in {path.rpartition("/")[0] for path in paths}:
        while parent:
            if parent in known:
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
_suspect = re.compile(r"(?:^|[/\0])\.{0,2}(?:[/\0]|$)").search
"""Finds in paths, joined with zero bytes, any that is not relative or has such a part."""
