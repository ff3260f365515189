"""What ran, compared: the code cells of notebooks as they ran, and lists of packages."""

import difflib
import json
import re
from collections.abc import Sequence
from typing import Any

from mlnb.tracking.reading.records import CodeDifference

_LINES = 2_000
"""At most so many lines of a difference are kept."""
_CONTEXT = 2
NO_NOTEBOOK = "no notebook was kept"


def difference(place: int, first: bytes | None, other: bytes | None) -> CodeDifference:
    """Return how the code of a run differs from that of the first.

    Parameters
    ----------
    place : int
        The run's place among those compared.
    first, other : bytes or None
        The notebooks, as files.
    """
    before, after = cells(first), cells(other)
    if before is None or after is None:
        which = "the first run" if before is None else "this run"
        return CodeDifference(run=place, lines=[], note=f"{NO_NOTEBOOK} with {which}")
    lines = list(difflib.unified_diff(_lines(before), _lines(after), n=_CONTEXT, lineterm=""))[2:]
    more = len(lines) - _LINES
    note = f"{more:,} more lines" if more > 0 else ""
    return CodeDifference(run=place, lines=lines[:_LINES], note=note)


def cells(notebook: bytes | None) -> list[str] | None:
    """Return the code of a notebook's cells; None where there is none to read."""
    if notebook is None:
        return None
    try:
        found: Any = json.loads(notebook)["cells"]
        return [
            "".join(cell["source"]) for cell in found if cell.get("cell_type", "code") == "code"
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _lines(sources: Sequence[str]) -> list[str]:
    """Return the lines of cells, with an empty one between two of them."""
    found: list[str] = []
    for source in sources:
        found += ["", *source.splitlines()]
    return found[1:]


def packages(requirements: bytes | None) -> dict[str, str] | None:
    """Return the versions in a list of packages; None where there is no list."""
    if requirements is None:
        return None
    found: dict[str, str] = {}
    for line in requirements.decode(errors="replace").splitlines():
        text = line.strip()
        if not text or text.startswith(("#", "-")):
            continue
        name, _, version = (
            re.split(r"(==|\s@\s)", text, maxsplit=1) if _pinned(text) else (text, "", "")
        )
        found[name.strip().lower()] = version.strip()
    return found


def _pinned(text: str) -> bool:
    return "==" in text or " @ " in text
