"""The keys of a notebook's cells: each stands for its own code and all that ran before it."""

import re
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from mlnb.core.hashing import digest_bytes, digest_json
from mlnb.execution.checkpoints import TAG
from mlnb.execution.steps import code as codes

FORMAT = "1"
_COMMENT = re.compile(r"mlnb:\s*checkpoint\b\s*(?P<names>[\w\s,]*)")


def keys(base: dict[str, str], sources: Iterable[str]) -> list[str]:
    """Return a key per cell.

    Parameters
    ----------
    base : dict
        What all cells depend on.
    sources : iterable of str
        The code of the cells that are executed, in their order.
    """
    found: list[str] = []
    before = digest_json(base)
    for source in sources:
        before = digest_json([before, digest_of(source)])
        found.append(before)
    return found


@cache
def digest_of(source: str) -> str:
    """Return the digest of a cell's code, in which layout and comments do not count."""
    head, newline, rest = source.partition("\n")
    if head.startswith("%%"):
        inner = codes.understand(rest).digest if newline else ""
        return digest_bytes(f"{head.strip()}\n{inner}".encode(errors="replace"))
    return codes.understand(source).digest


def base(secrets: Sequence[str], folder: str, context: str = "") -> dict[str, str]:
    """Return what all cells depend on.

    Parameters
    ----------
    secrets : sequence of str
        Fingerprints of the secret parameters.
    folder : str
        The working directory, relative to the project.
    context : str
        Anything else, as a digest.
    """
    further = {"context": context} if context else {}
    return {
        **further,
        "format": FORMAT,
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "environment": _environment(tuple(sys.path)),
        "folder": folder,
        "secrets": ",".join(secrets),
    }


def declared(source: str, tags: Sequence[str]) -> list[str] | None:
    """Return the names that a checkpoint keeps, empty for all; None when a cell is none."""
    for comment in codes.comments(source):
        if match := _COMMENT.fullmatch(comment):
            return [name.strip() for name in match["names"].split(",") if name.strip()]
    return [] if TAG in tags else None


@cache
def _environment(path: tuple[str, ...]) -> str:
    """Return the digest of the names and versions of all installed distributions."""
    found = set()
    for folder in path:
        if folder.endswith(("site-packages", "dist-packages")) and Path(folder).is_dir():
            found |= {item.name for item in Path(folder).glob("*.dist-info")}
    return digest_json(sorted(found))
