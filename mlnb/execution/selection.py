"""Which cells of a notebook a headless run passes over, by their tags."""

from collections.abc import Iterable
from typing import Any

ALWAYS_SKIPPED = "skip-ci"
"""Cells for interactive work only. Those tagged ``only-ci`` run headlessly like any other."""
_NEEDED = frozenset({"parameters", "injected-parameters"})


def mark(
    cells: Iterable[dict[str, Any]], *, skip: Iterable[str] = (), only: Iterable[str] = ()
) -> list[int]:
    """Mark the cells that are not to be executed, in their metadata.

    Parameters
    ----------
    cells : iterable of dict
        All cells of the output notebook; marks of an earlier run are taken off.
    skip : iterable of str
        Cells with one of these tags are passed over, as those tagged ``skip-ci`` always are.
    only : iterable of str
        When given, code cells without one of these tags are passed over, except those of the
        parameters.

    Returns
    -------
    list of int
        The positions of the cells that are passed over.
    """
    unwanted = {ALWAYS_SKIPPED, *skip}
    wanted = set(only)
    passed: list[int] = []
    for position, cell in enumerate(cells):
        metadata = cell["metadata"]
        metadata.pop("mlnb", None)
        tags = set(metadata.get("tags", ()))
        reason = ""
        if found := sorted(tags & unwanted):
            reason = f"it is tagged {found[0]}"
        elif wanted and not tags & (wanted | _NEEDED):
            reason = f"it is not tagged {' or '.join(sorted(wanted))}"
        if reason and cell["cell_type"] == "code":
            metadata["mlnb"] = {"skipped": reason}
            passed.append(position)
    return passed


def is_passed_over(cell: dict[str, Any]) -> bool:
    """Tell whether a cell is marked as not to be executed."""
    return "skipped" in (cell["metadata"].get("mlnb") or {})
