"""Small notebooks for tests, written from their cells' sources."""

import json
from pathlib import Path


def write_notebook(path: Path, *cells: str, parameters: str | None = None) -> Path:
    """Write a Python notebook.

    Parameters
    ----------
    path : Path
        Its folder is made.
    *cells : str
        Sources; one that starts with ``"# "`` on its only line becomes a Markdown cell.
    parameters : str, optional
        Source of a first cell tagged ``parameters``.
    """
    made = [] if parameters is None else [_code(parameters, ["parameters"])]
    made += [_markdown(cell) if _is_title(cell) else _code(cell, []) for cell in cells]
    body = {
        "cells": made,
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(body, indent=1) + "\n", encoding="utf-8")
    return path


def _is_title(source: str) -> bool:
    return source.startswith("# ") and "\n" not in source


def _markdown(source: str) -> dict[str, object]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str, tags: list[str]) -> dict[str, object]:
    return {
        "cell_type": "code",
        "metadata": {"tags": tags} if tags else {},
        "source": source.splitlines(keepends=True),
        "outputs": [],
        "execution_count": None,
    }
