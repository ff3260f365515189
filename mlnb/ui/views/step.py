"""How it is said what became of a cached cell."""

from mlnb.execution.steps.records import StepReport
from mlnb.ui.render import Table, View, view


@view.register
def _(report: StepReport) -> View:
    changed = Table(
        ["what", "before", "now"],
        [(change.part, _short(change.old), _short(change.new)) for change in report.changes],
        title="Changed since the last time",
    )
    return View(
        f"Step {report.step} {report.status}",
        fields=[
            ("why", report.reason),
            ("variables", report.outputs),
            ("depends on", [part for part in report.parts if part not in ("format", "python")]),
            ("took", f"{report.seconds:.3g} s" + _when(report.status)),
            ("caching took", f"{report.overhead * 1000:.1f} ms"),
            ("key", report.key[:16]),
        ],
        tables=[changed] if report.changes else [],
        notes=report.notes,
        status="" if report.status != "ran, not cached" else "bad",
    )


def _when(status: str) -> str:
    return " when it ran" if status == "reused" else ""


def _short(text: str) -> str:
    return (text[:12] or "(none)") if len(text) == 64 or not text else text
