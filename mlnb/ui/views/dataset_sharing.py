"""How a push, pull or repair is laid out."""

from typing import Any

from mlnb.datasets.remotes.records import RepairReport, TransferReport
from mlnb.ui.render import Table, View, view
from mlnb.ui.views.dataset import size

_LISTED = 12


@view.register
def _(report: TransferReport) -> View:
    word = "Pushed to" if report.action == "push" else "Pulled from"
    fields: list[tuple[str, Any]] = [
        ("versions", _listed(report.versions)),
        ("the same already", report.same),
        ("tags", report.tags),
        ("removed", report.removed),
        ("copied", _copied(report.objects, report.bytes, report.seconds)),
        ("there already", f"{report.skipped:,} objects" if report.skipped else None),
    ]
    notes = list(report.notes)
    if not (report.versions or report.tags or report.removed):
        same = "Both sides have the same."
        notes.append(same if report.same else "There is nothing to copy.")
    return View(f"{word} {report.url}", fields=fields, notes=notes, status="good")


@view.register
def _(report: RepairReport) -> View:
    fields: list[tuple[str, Any]] = [
        ("repaired", f"{len(report.repaired):,} objects, {size(report.bytes)}"),
        ("entries repaired", _listed(report.entries)),
    ]
    rows = [
        (_short(item.digest), str(item.problem), _listed(item.versions)) for item in report.lost
    ]
    rows += [("entry", item.problem, f"{item.name}@{item.number}") for item in report.unreadable]
    tables = [Table(["object", "problem", "versions"], rows, styles=["bad"] * len(rows))]
    notes = []
    if rows:
        notes = ["The remote lacks what is still damaged, or has it damaged, too."]
    elif not (report.repaired or report.entries):
        notes = ["All was whole."]
    return View(
        f"Repaired from {report.url}",
        fields=fields,
        tables=tables if rows else [],
        notes=notes,
        status="bad" if rows else "good",
    )


def _short(digest: str) -> str:
    return f"{digest[:16]}…"


def _listed(refs: list[str]) -> str:
    more = f" and {len(refs) - _LISTED} more" if len(refs) > _LISTED else ""
    return ", ".join(refs[:_LISTED]) + more


def _copied(objects: int, count: int, seconds: float) -> str | None:
    if not objects:
        return None
    noun = "object" if objects == 1 else "objects"
    rate = f", {size(round(count / seconds))}/s" if seconds >= 0.1 else ""
    return f"{objects:,} {noun}, {size(count)} in {seconds:.1f} s{rate}"
