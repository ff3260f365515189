"""Source notebooks, read as plain JSON: their cells, their parameters cell, their kernel.

Planning a pipeline reads every notebook; ``import nbformat`` alone would cost more than that.
"""

import json
import os
import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from mlnb.core import project
from mlnb.core.errors import InvalidNotebook, MissingNotebook

Cell = dict[str, Any]
_KERNEL_NAME = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Notebook:
    """A notebook as it is on disk."""

    path: Path
    cells: list[Cell]
    metadata: dict[str, Any]
    minor: int = 0
    """Minor version of the format; from 5 on, cells have ids."""

    @property
    def body(self) -> dict[str, Any]:
        """Return the notebook without its cells, as JSON."""
        transient = ("orig_nbformat", "orig_nbformat_minor", "signature")
        kept = {key: value for key, value in self.metadata.items() if key not in transient}
        return {"metadata": kept}

    def tagged(self, tag: str) -> int | None:
        """Return the zero-based position of the first cell with a tag."""
        for position, cell in enumerate(self.cells):
            if tag in cell.get("metadata", {}).get("tags", []):
                return position
        return None


def read(path: Path) -> Notebook:
    """Read a notebook.

    Raises
    ------
    MissingNotebook, InvalidNotebook
        If there is none, or the file is no notebook of format 4.
    """
    shown = project.current().relative(path)
    if not path.is_file():
        folder = path.parent
        nearby = sorted(folder.glob("*.ipynb")) if folder.is_dir() else []
        raise MissingNotebook(shown, [project.current().relative(item) for item in nearby])
    try:
        body = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidNotebook(shown, str(error)) from None
    if flaw := _flaw(body):
        raise InvalidNotebook(shown, flaw)
    return Notebook(path, body["cells"], body["metadata"], body.get("nbformat_minor") or 0)


def _flaw(body: Any) -> str:
    """Say what keeps JSON from being a notebook, as far as it matters here; or ``""``."""
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        return "it has no metadata"
    if body.get("nbformat") != 4:
        return f"its format is {body.get('nbformat')!r}, not 4"
    if not isinstance(body.get("nbformat_minor") or 0, int):
        return f"its minor format is {body['nbformat_minor']!r}, no number"
    for name in ("kernelspec", "language_info", "papermill"):
        if not isinstance(body["metadata"].get(name, {}), dict):
            return f"{name} in its metadata is no object"
    cells = body.get("cells")
    if not isinstance(cells, list):
        return "it has no list of cells"
    for number, cell in enumerate(cells, start=1):
        if not isinstance(cell, dict) or not isinstance(cell.get("cell_type"), str):
            return f"cell {number} has no type"
        if not _is_text(cell.get("source")):
            return f"cell {number} has no source"
        metadata = cell.get("metadata", {})
        if not isinstance(metadata, dict) or not isinstance(metadata.get("tags", []), list):
            return f"cell {number} has metadata that are none"
    return ""


def _is_text(source: Any) -> bool:
    """Tell whether something is text as notebooks have it: in one piece or a list of lines."""
    return isinstance(source, str) or (
        isinstance(source, list) and all(isinstance(line, str) for line in source)
    )


def write(body: dict[str, Any], output: Path) -> None:
    """Write a notebook as nbformat does, in one step: the file is whole at any moment.

    Parameters
    ----------
    body : dict
        JSON of format 4, with text in one piece; it is left as it is.
    output : Path
        Where to.
    """
    text = json.dumps(
        {**body, "cells": [_split(cell) for cell in body["cells"]]},
        ensure_ascii=False,
        indent=1,
        sort_keys=True,
        separators=(",", ": "),
    )
    draft = output.with_name(f".{output.name}.part")
    draft.write_bytes(text.encode(errors="replace") + b"\n")  # a cell may print a lone surrogate
    draft.replace(output)


_SPLIT = ("application/javascript", "image/svg+xml")


def _split(cell: Cell) -> Cell:
    """Return a cell whose text is lists of lines, which version control shows better."""
    made = dict(cell)
    if isinstance(cell.get("source"), str):
        made["source"] = cell["source"].splitlines(True)
    if cell.get("attachments"):
        made["attachments"] = {
            name: _split_bundle(bundle) for name, bundle in cell["attachments"].items()
        }
    if cell["cell_type"] == "code":
        made["outputs"] = [_split_output(output) for output in cell.get("outputs", [])]
    return made


def _split_output(output: dict[str, Any]) -> dict[str, Any]:
    if output["output_type"] in ("execute_result", "display_data"):
        return {**output, "data": _split_bundle(output.get("data", {}))}
    if output["output_type"] == "stream" and isinstance(output["text"], str):
        return {**output, "text": output["text"].splitlines(True)}
    return output


def _split_bundle(bundle: dict[str, Any]) -> dict[str, Any]:
    return {
        kind: value.splitlines(True)
        if isinstance(value, str) and (kind.startswith("text/") or kind in _SPLIT)
        else value
        for kind, value in bundle.items()
    }


def source_of(cell: Cell) -> str:
    """Return a cell's source, which files keep as text or as a list of lines."""
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def kernel_for(notebook: Notebook, wanted: str | None = None) -> tuple[str, str]:
    """Choose the kernel that runs a notebook.

    The caller's choice, else the notebook's own kernel when it is installed here, else, for a
    Python notebook, the setting ``kernel``.

    Returns
    -------
    tuple of str
        Kernelspec name and language.

    Raises
    ------
    InvalidNotebook
        If the kernel is not installed.
    """
    own = notebook.metadata.get("kernelspec", {})
    language = str(
        notebook.metadata.get("language_info", {}).get("name") or own.get("language") or "python"
    )
    names = [wanted] if wanted else [own.get("name")]
    if not wanted and language.lower().startswith(("python", "ipython")):
        names.append(project.current().settings.kernel)
    for name in names:
        if name and (found := _language_of_kernel(str(name))):
            return str(name), found
    shown = project.current().relative(notebook.path)
    raise InvalidNotebook(
        shown, f"its kernel {names[0]!r} is not installed (installed: {', '.join(_kernels())})"
    )


@cache
def _language_of_kernel(name: str) -> str | None:
    if language := _language_here(name):
        return language
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    import_module("IPython")  # see `kernelspecs.is_own`
    try:
        return KernelSpecManager().get_kernel_spec(name).language.lower() or "python"
    except NoSuchKernel:
        return None


def _language_here(name: str) -> str | None:
    """Return the language of a kernel that is installed beside this Python.

    Most are; to ask Jupyter takes longer than to read all notebooks of a pipeline.
    """
    if not _KERNEL_NAME.fullmatch(name) or os.environ.get("JUPYTER_PATH"):
        return None
    file = Path(sys.prefix, "share", "jupyter", "kernels", name, "kernel.json")
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
        return str(said["language"]).lower() or None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _kernels() -> list[str]:
    from jupyter_client.kernelspec import KernelSpecManager

    return sorted(KernelSpecManager().find_kernel_specs())


def import_nbformat() -> ModuleType:
    """Import nbformat, in a fifth of the time where that changes nothing else.

    Most of the import is a parser of internationalised URLs, which jsonschema takes along when it
    is installed and which no notebook schema uses. It is left out in mlnb's own processes only:
    in a user's kernel jsonschema must keep all its formats.
    """
    trap = "rfc3987_syntax"
    loaded = {"nbformat", "jsonschema", trap} & set(sys.modules)
    leave_out = not loaded and not _in_a_shell()
    if leave_out:
        sys.modules[trap] = None  # type: ignore[assignment]  # None makes its import fail
    try:
        return import_module("nbformat")
    finally:
        if leave_out:
            del sys.modules[trap]


def _in_a_shell() -> bool:
    """Tell whether IPython runs a user's code in this process."""
    module = sys.modules.get("IPython.core.interactiveshell")
    return module is not None and bool(module.InteractiveShell.initialized())
