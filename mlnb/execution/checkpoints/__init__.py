"""Checkpoints: the variables of a notebook kept after a cell, so that a later run goes on there.

What the parent process (or the in-process runner) knows is in `plan`: which cells came before,
what they showed, which stored checkpoint still fits. What happens among the variables is in
`inside`, whose functions take and return JSON, so that they can be called in a kernel as well.

Importing this package costs nothing: every headless run asks it whether there are checkpoints.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.execution.executor import NotebookJob
    from mlnb.execution.outputs import Prepared

TAG = "checkpoint"


def hooks_for(
    job: "NotebookJob", notebook: str, prepared: "Prepared"
) -> list[tuple[str, dict[str, Any]]]:
    """Return the hooks that a run in-process needs: none when it has no checkpoints.

    Parameters
    ----------
    job : NotebookJob
        What is to be executed.
    notebook : str
        Relative to the project.
    prepared : Prepared
        The output notebook.
    """
    if not job.resume and not any(_may_be_one(cell) for cell in prepared.cells):
        return []
    home = "mlnb.execution.checkpoints.hooks:Checkpoints"
    numbers = {str(place): number_of(place, prepared) for place in range(len(prepared.cells))}
    options = {"notebook": notebook, "resume": job.resume, "context": job.context}
    return [(home, {**options, "numbers": numbers})]


def number_of(position: int, prepared: "Prepared") -> int:
    """Return a cell's number in the source notebook; of an injected one, that before it."""
    numbers = prepared.numbers
    return next((numbers[place] for place in range(position, -1, -1) if place in numbers), 1)


def in_words(notes: Iterable[dict[str, Any]]) -> list[str]:
    """Return what hooks have noted about checkpoints, as it is shown to a user."""
    return [text for entry in notes if (text := _in_words(entry["note"]))]


def _may_be_one(cell: dict[str, Any]) -> bool:
    if cell["cell_type"] != "code":
        return False
    tags = cell["metadata"].get("tags", ())
    return TAG in tags or ("mlnb:" in cell["source"] and TAG in cell["source"])


def _in_words(note: dict[str, Any]) -> str:
    why = note.get("why", "")
    if note.get("resumed"):
        return f"resumed after cell {note['resumed']}" + (f" ({why})" if why else "")
    if "resumed" in note:
        return f"started from the first cell: {why}"
    if note.get("checkpoint"):
        text = f"checkpoint after cell {note['checkpoint']}"
        missing = [f"{name} ({reason})" for name, reason in note["missing"].items()]
        return text + (f", without {'; '.join(missing)}" if missing else "")
    return f"no checkpoint was stored: {why}" if "checkpoint" in note else ""
