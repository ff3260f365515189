"""The notebook as it ran: the cells a session executed, in the order it executed them."""

import json
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class ExecutedCell:
    """One executed code cell."""

    count: int
    source: str
    outputs: list[dict[str, Any]] = field(default_factory=list)
    """In nbformat's form; empty when they were not recorded."""
    run: str = ""
    """The run that the cell belongs to."""


def to_bytes(cells: Iterable[ExecutedCell]) -> bytes:
    """Return the cells as a notebook file (nbformat 4.5)."""
    body = {
        "cells": [_cell(cell) for cell in cells],
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python", "version": platform.python_version()},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(body, ensure_ascii=False, indent=1).encode()


def _cell(cell: ExecutedCell) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": cell.count,
        "id": f"in-{cell.count}",
        "metadata": {"mlnb": {"run": cell.run}} if cell.run else {},
        "outputs": cell.outputs,
        "source": cell.source.splitlines(keepends=True),
    }
