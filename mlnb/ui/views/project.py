"""How a project's status and the doctor's findings are laid out."""

from typing import Any

from mlnb.core.records import Record
from mlnb.ui import render
from mlnb.ui.doctor import Diagnosis
from mlnb.ui.overview import ProjectStatus
from mlnb.ui.render import Table, View

_MARKS = {"ok": ("ok", "good"), "optional": ("–", "dim"), "problem": ("fix", "bad")}


@render.view.register
def _status(status: ProjectStatus) -> View:
    lists: list[tuple[str, list[Any]]] = [
        ("Champions", status.models),
        ("Newest runs", status.runs),
        ("Newest pipeline runs", status.pipelines),
        ("Endpoints", status.endpoints),
    ]
    notes = [] if any(records for _, records in lists) else ["Nothing has run here yet."]
    if status.waiting:
        notes.append(f"{status.waiting:,} records of runs wait for the tracking store.")
    if status.trouble:
        notes.append(status.trouble)
    return View(
        f"Project {status.name}",
        fields=[
            ("folder", status.root),
            ("object store", status.store),
            ("tracking", status.tracking_uri),
            ("datasets", f"{status.datasets:,} ({status.versions:,} versions)"),
        ],
        tables=[_table(title, records) for title, records in lists if records],
        notes=notes,
    )


def _table(title: str, records: list[Record]) -> Table:
    shown = render.view(records).tables[0]
    return Table(shown.columns, shown.rows, title=title, styles=shown.styles)


@render.view.register
def _diagnosis(diagnosis: Diagnosis) -> View:
    rows = [
        (_MARKS[finding.status][0], finding.check, finding.detail, finding.fix)
        for finding in diagnosis.findings
    ]
    return View(
        "All is well" if not diagnosis.problems else "Something must be fixed",
        tables=[
            Table(
                ["", "what", "found", "how to fix it"],
                rows,
                styles=[_MARKS[finding.status][1] for finding in diagnosis.findings],
            )
        ],
        status="bad" if diagnosis.problems else "good",
    )
