"""How notebooks and their parameters are laid out."""

from typing import Any

from mlnb.execution.executor import NotebookRun
from mlnb.execution.notebook_tests import NotebookTest
from mlnb.execution.parameters import NotebookParameters
from mlnb.ui.render import Table, View, row, view


@view.register
def _(described: NotebookParameters) -> View:
    if not described.parameters:
        note = "It declares no parameters: no cell is tagged 'parameters'."
        return View(described.notebook, notes=[described.problem or note])
    rows = [
        (item.name, item.annotation, "(secret)" if item.secret else item.default, item.help)
        for item in described.parameters
    ]
    table = Table(["parameter", "type", "default", "help"], rows)
    notes = [described.problem] if described.problem else []
    return View(described.notebook, tables=[table], notes=notes)


@view.register
def _(ended: NotebookRun) -> View:
    cells = f"{ended.cells_done} of {ended.cells}" if ended.error else f"{ended.cells}"
    fields: list[tuple[str, Any]] = [
        ("status", ended.status),
        ("cells", cells),
        ("seconds", round(ended.seconds, 3)),
        ("output", ended.output),
    ]
    if ended.why:
        fields.append(("in a kernel", ended.why))
    fields += [(f"value {name}", value) for name, value in ended.values.items()]
    return View(
        ended.notebook,
        fields=fields,
        notes=ended.notes,
        status="good" if ended.status == "FINISHED" else "bad",
    )


@row.register
def _(tested: NotebookTest) -> dict[str, Any]:
    failed = [
        f"cell {cell.cell}: {cell.reason}" for cell in tested.cells if cell.verdict == "failed"
    ]
    if len(failed) > 5:
        failed[5:] = [f"… and {len(failed) - 5} more"]
    passed = sum(cell.verdict == "passed" for cell in tested.cells)
    verdict = "updated" if tested.updated else tested.verdict
    return {
        "notebook": tested.notebook,
        "verdict": verdict,
        "cells": f"{passed} of {len(tested.cells)}",
        "seconds": round(tested.seconds, 2),
        "why": tested.error or "\n".join(failed),
    }
