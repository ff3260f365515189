"""How the findings on datasets are laid out."""

from mlnb.datasets.records import CheckReport, Expectations, VerifyReport
from mlnb.ui.render import Table, View, view
from mlnb.ui.views.dataset import size


@view.register
def _(report: VerifyReport) -> View:
    rows: list[tuple[str, str, int, list[str]]] = [
        (f"{item.digest[:16]}…", item.problem, len(item.versions), item.versions)
        for item in report.damaged
    ]
    rows += [
        ("entry", item.problem, 1, [f"{item.name}@{item.number}"]) for item in report.unreadable
    ]
    columns = ["object", "problem", "versions", "which"]
    return View(
        "All is whole" if report.is_whole else "Damaged",
        fields=[
            ("versions", report.versions),
            ("objects", f"{report.objects:,}, {size(report.bytes)}"),
        ],
        tables=[Table(columns, rows, styles=["bad"] * len(rows))] if rows else [],
        notes=[] if report.is_whole else ["Fetch good copies: dataset verify --repair --from URL"],
        status="good" if report.is_whole else "bad",
    )


@view.register
def _(report: CheckReport) -> View:
    rows = [
        (item.column, item.check, item.count or None, item.examples, item.rows)
        for item in report.failures
    ]
    columns = ["column", "fails", "rows", "such as", "in row"]
    return View(
        f"{report.subject} {'is as expected' if report.passed else 'is not as expected'}",
        fields=[
            ("expectations", report.file),
            ("checks", f"{report.checks - len(report.failures):,} of {report.checks:,} pass"),
            ("rows", report.rows),
        ],
        tables=[Table(columns, rows, styles=["bad"] * len(rows))] if rows else [],
        status="good" if report.passed else "bad",
    )


@view.register
def _(expected: Expectations) -> View:
    return View(
        f"Expectations on {expected.name}",
        fields=[("file", expected.file)],
        notes=expected.text.splitlines(),
    )
