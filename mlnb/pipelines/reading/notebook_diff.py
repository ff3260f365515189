"""What differs between two executed notebooks: code and outputs, cell by cell, found by nbdime."""

import difflib
import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import Any

from mlnb.core.extras import require
from mlnb.execution import notebooks
from mlnb.pipelines.reading import cells
from mlnb.pipelines.reading.cells import Cell

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_PICTURE = re.compile(r"\[picture [0-9a-f]{8}\]")
OUTPUT_LIMIT = 2_000
"""Characters of an output that are compared."""
_CONTEXT = 2
"""Lines around a change."""


def text(before: Sequence[Cell], now: Sequence[Cell]) -> str:
    """Return what differs, as lines that a ``diff`` block colours; ``""`` when nothing does.

    nbdime tells which cell is which. Cells that were injected, execution counts, times, metadata
    and what ``glue`` wrote do not count; pictures are only said to be others.

    Raises
    ------
    MissingExtra
        If nbdime is not installed.
    """
    require("nbdime", "review")
    from nbdime.diffing.notebooks import diff_notebooks

    old = [cell for cell in before if not cell.injected]
    new = [cell for cell in now if not cell.injected]
    one, other = _notebook(old), _notebook(new)
    if one == other:
        return ""
    entries = [entry for entry in diff_notebooks(one, other) if entry["key"] == "cells"]
    return "\n".join(_lines(entries[0]["diff"] if entries else [], one, other, old, new))


def _lines(
    entries: Sequence[Any], one: Any, other: Any, old: Sequence[Cell], new: Sequence[Cell]
) -> Iterator[str]:
    """Walk through nbdime's entries; `shift` is how far the later cells have moved."""
    shift = 0
    for entry in entries:
        at = entry["key"]
        if entry["op"] == "patch":
            was, became = one["cells"][at], other["cells"][at + shift]
            place = f"cell {new[at + shift].number}"
            yield from _hunk(place, was["source"], became["source"])
            yield from _hunk(f"{place}, output", _shown(was), _shown(became))
        elif entry["op"] == "addrange":
            for position in range(at + shift, at + shift + len(entry["valuelist"])):
                yield f"@@ cell {new[position].number} is new @@"
                yield from _marked("+", other["cells"][position]["source"])
            shift += len(entry["valuelist"])
        elif entry["op"] == "removerange":
            for position in range(at, at + entry["length"]):
                yield f"@@ cell {old[position].number} is gone @@"
                yield from _marked("-", one["cells"][position]["source"])
            shift -= entry["length"]


def _hunk(place: str, before: str, now: str) -> Iterator[str]:
    if before == now:
        return
    yield f"@@ {place} @@"
    lines = difflib.unified_diff(
        before.splitlines(), now.splitlines(), n=_CONTEXT, lineterm="", fromfile="", tofile=""
    )
    for number, line in enumerate(list(lines)[2:]):
        if not line.startswith("@@"):
            yield f"{line[:1]} {_PICTURE.sub('[picture]', line[1:])}"
        elif number:
            yield "  …"


def _marked(sign: str, source: str) -> Iterator[str]:
    yield from (f"{sign} {line}" for line in source.splitlines())


def _notebook(found: Sequence[Cell]) -> Any:
    """Return cells as nbdime reads them, without what is another in every run."""
    made = [
        {"cell_type": cell.kind, "source": cell.source, "metadata": {}}
        | ({"outputs": _outputs(cell), "execution_count": None} if cell.kind == "code" else {})
        for cell in found
    ]
    from_dict = notebooks.import_nbformat().from_dict
    return from_dict({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def _outputs(cell: Cell) -> list[dict[str, Any]]:
    found = []
    for output in cell.outputs:
        if said := _said(output):
            found.append({"output_type": "stream", "name": "stdout", "text": said})
    return found


def _said(output: dict[str, Any]) -> str:
    """Return an output as text that is the same when a reader would say so."""
    if output.get("output_type") == "stream":
        said = cells.joined(output.get("text", ""))
    elif output.get("output_type") == "error":
        said = f"{output.get('ename')}: {output.get('evalue')}\n"
    else:
        data = output.get("data", {})
        kind = next((kind for kind in cells.PICTURES if kind in data), None)
        if kind is not None:
            digest = hashlib.sha256(cells.joined(data[kind]).encode()).hexdigest()
            return f"[picture {digest[:8]}]\n"
        said = cells.joined(data.get("text/plain", ""))
        said = said and f"{said}\n"
    return cells.cut(_ADDRESS.sub("0x…", cells.plain(said)), OUTPUT_LIMIT)


def _shown(cell: Any) -> str:
    return "".join(str(output["text"]) for output in cell.get("outputs", []))
