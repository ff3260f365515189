"""The notebook as it ran: the cells a session executed, in the order it executed them."""

import json
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mlnb.core import redaction


@dataclass
class ExecutedCell:
    """One executed code cell."""

    count: int
    source: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    """In nbformat's form; empty when they were not recorded."""
    run: str = ""
    """The run that the cell belongs to."""


def to_bytes(cells: Iterable[ExecutedCell], output_limit: int | None = 1_000_000) -> bytes:
    """Return the cells as a notebook file (nbformat 4.5), without the secrets in them.

    Parameters
    ----------
    cells : iterable of ExecutedCell
        In the order they ran.
    output_limit : int, optional
        Bytes: of a longer text the beginning and the end are kept, a larger picture is left out,
        and the output says so. None leaves out all outputs.
    """
    # A line per cell: a session's earlier cells are written again with each run.
    lines = ",\n".join(
        _encode(_cell(cell, output_limit))
        if cell.outputs or cell.run
        else _earlier(cell.count, cell.source)
        for cell in cells
    )
    return f'{{"cells": [\n{lines}\n],\n{_rest()}'.encode(errors="replace")


_encode = json.JSONEncoder(ensure_ascii=False).encode


@lru_cache(maxsize=4096)
def _earlier(count: int, source: str) -> str:
    return _encode(_cell(ExecutedCell(count, source), None))


@lru_cache(maxsize=1)
def _rest() -> str:
    about = {
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "version": platform.python_version()},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return _encode(about)[1:]


def _cell(cell: ExecutedCell, limit: int | None) -> dict[str, Any]:
    outputs = [] if limit is None else [_output(output, limit) for output in cell.outputs]
    return {
        "cell_type": "code",
        "execution_count": cell.count,
        "id": f"in-{cell.count}",
        "metadata": {"mlnb": {"run": cell.run}} if cell.run else {},
        "outputs": outputs,
        "source": redaction.source(cell.source).splitlines(keepends=True),
    }


def _output(output: dict[str, Any], limit: int) -> dict[str, Any]:
    made = dict(output)
    if "text" in made:
        made["text"] = _shortened(redaction.text(_joined(made["text"])), limit)
    if "data" in made:
        made["data"] = _bundle(made["data"], limit)
    for name in ("ename", "evalue"):
        if name in made:
            made[name] = _shortened(redaction.text(str(made[name])), limit)
    if "traceback" in made:
        lines = redaction.text("\n".join(made["traceback"]))
        made["traceback"] = _shortened(lines, limit).split("\n")
    return made


def _bundle(data: dict[str, Any], limit: int) -> dict[str, Any]:
    """Return what was shown, in every form that is small enough or can be cut."""
    kept: dict[str, Any] = {}
    left_out = []
    for mime, value in data.items():
        if mime.startswith("text/plain") or mime == "text/markdown":
            kept[mime] = _shortened(redaction.text(_joined(value)), limit)
            continue
        clean = value if _is_picture(mime) else redaction.body(value)
        size = len(clean) if isinstance(clean, str) else len(json.dumps(clean, default=str))
        if size <= limit:
            kept[mime] = clean
        else:
            left_out.append(f"{mime} ({size:,} bytes)")
    if left_out:
        said = f"[mlnb: not kept, because output_limit is {limit:,} bytes: {', '.join(left_out)}]"
        plain = kept.get("text/plain", "")
        kept["text/plain"] = f"{plain}\n{said}" if plain else said
    return kept


def _is_picture(mime: str) -> bool:
    """Tell whether a form is base64, in which no text can be looked for."""
    return mime.startswith(("image/", "video/", "audio/", "application/pdf")) and "svg" not in mime


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


def _shortened(text: str, limit: int) -> str:
    """Return a text's beginning and end, with how much is missing between them."""
    if len(text) <= limit:
        return text
    half = limit // 2
    missing = len(text) - 2 * half
    end = text[-half:] if half else ""
    return f"{text[:half]}\n[mlnb: {missing:,} characters not kept: output_limit]\n{end}"
