"""The output notebook: made from the source before the run, marked after a failure."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlnb.execution import engine
from mlnb.execution.notebooks import import_nbformat

import_nbformat()

from nbformat import NotebookNode, v4  # noqa: E402  (after the quick import)
from papermill.execute import (  # noqa: E402
    ERROR_ANCHOR_MSG,
    ERROR_MARKER_TAG,
    ERROR_STYLE,
    prepare_notebook_metadata,
    remove_error_markers,
)
from papermill.iorw import load_notebook_node  # noqa: E402
from papermill.parameterize import parameterize_notebook  # noqa: E402


def prepare(
    source: Path, given: Mapping[str, Any], *, kernel: str, language: str, shown: tuple[str, str]
) -> tuple[NotebookNode, dict[int, int]]:
    """Read a notebook and inject parameters into the copy in memory.

    Parameters
    ----------
    source : Path
        Absolute.
    given : mapping
        Parameter values.
    kernel, language : str
        Kernelspec, and the language to write the values in.
    shown : tuple of str
        Input and output path as they are written into the notebook's metadata.

    Returns
    -------
    notebook : NotebookNode
        To be executed.
    numbers : dict
        One-based number in the source notebook of each cell, by ``id(cell)``.
    """
    notebook = load_notebook_node(str(source))
    notebook.metadata.papermill["parameters"] = {}  # a source may be the output of another run
    numbers = {id(cell): number for number, cell in enumerate(notebook.cells, start=1)}
    if given:
        notebook = parameterize_notebook(
            notebook,
            dict(given),
            kernel_name=kernel,
            language=language,
            engine_name=engine.NAME,
        )
        for cell in notebook.cells:
            if "injected-parameters" in cell.metadata.get("tags", []):
                cell.metadata["papermill"] = {}
    notebook = prepare_notebook_metadata(notebook, *shown)
    return remove_error_markers(notebook), numbers


def mark_failure(notebook: NotebookNode, cell: NotebookNode | None, reason: str) -> None:
    """Say at the top of an output notebook that it failed, and point at the cell.

    The markers are papermill's own, which it removes when the notebook is executed again.
    """
    for item in list(notebook.cells):
        if item is cell:
            anchor = _markdown(ERROR_ANCHOR_MSG)
            notebook.cells.insert(notebook.cells.index(item), anchor)
    text = reason.replace("<", "&lt;")
    top = _markdown(
        f"<span {ERROR_STYLE}>This notebook did not finish: "
        f'<a href="#papermill-error-cell">{text}</a></span>'
    )
    notebook.cells.insert(0, top)


def mark_early_end(notebook: NotebookNode, cell: NotebookNode) -> None:
    """Say in papermill's words that a notebook which a cell ended by ``sys.exit()`` is complete."""
    cell.metadata.papermill.update(status="completed", exception=False)
    notebook.metadata.papermill["exception"] = None
    cell.outputs = [output for output in cell.outputs if output.get("ename") != "SystemExit"]


def _markdown(text: str) -> NotebookNode:
    cell: NotebookNode = v4.new_markdown_cell(text)  # type: ignore[no-untyped-call]
    cell.metadata["tags"] = [ERROR_MARKER_TAG]
    return cell
