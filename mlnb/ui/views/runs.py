"""How runs are laid out."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from mlnb.core.records import RunRecord
from mlnb.tracking.runs import RunComparison
from mlnb.ui import render
from mlnb.ui.grammar import Listing
from mlnb.ui.render import Table, View

_SHOWN = 4


class RunListing(Listing[RunRecord]):
    """Runs, shown in a notebook as a table that sorts and filters."""


@render.row.register
def _(run: RunRecord) -> dict[str, Any]:
    return {
        "run": run.id[:8],
        "name": run.name,
        "status": run.status,
        "started": run.started,
        "took": duration(run),
        "experiment": run.experiment,
        "metrics": _some(run.metrics),
        "data": run.inputs,
    }


@render.view.register
def _(run: RunRecord) -> View:
    commit = run.git_commit[:12] + (" with uncommitted changes" if run.git_dirty else "")
    fields = [
        ("run", run.id),
        ("experiment", run.experiment),
        ("status", run.status),
        ("error", run.error),
        ("started", run.started),
        ("took", duration(run)),
        ("author", run.author),
        ("notebook", run.notebook or "unknown"),
        ("commit", commit or "not in git"),
        ("data read", run.inputs),
        ("written", run.outputs),
        ("tags", run.tags),
        ("artifacts", run.artifacts),
    ]
    tables = []
    if run.metrics:
        tables.append(Table(["metric", "value"], sorted(run.metrics.items())))
    if run.params:
        tables.append(Table(["parameter", "value"], sorted(run.params.items())))
    return View(f"Run {run.name}", fields=fields, tables=tables, status=_mood(run))


@render.view.register
def _(comparison: RunComparison) -> View:
    heads = [f"{run.name} ({run.id[:8]})" for run in comparison.runs]
    about: list[list[Any]] = [
        ["status", *(run.status for run in comparison.runs)],
        ["started", *(run.started for run in comparison.runs)],
        ["took", *(duration(run) for run in comparison.runs)],
        ["data", *comparison.inputs],
        ["commit", *(run.git_commit[:8] for run in comparison.runs)],
    ]
    tables = [Table(["", *heads], about)]
    for title, values in (("Metrics", comparison.metrics), ("Parameters", comparison.params)):
        if values:
            tables.append(_side_by_side(title, heads, values, comparison.different))
    same = len(comparison.params) + len(comparison.metrics) - len(comparison.different)
    note = [f"The same in all runs, dim: {same}."] if same else []
    return View("Comparison", tables=tables, notes=note)


def _side_by_side(
    title: str, heads: Sequence[str], values: dict[str, Any], different: Sequence[str]
) -> Table:
    rows = [[key, *cells] for key, cells in values.items()]
    styles = ["" if key in different else "dim" for key in values]
    return Table(["", *heads], rows, title=title, styles=styles)


@render.live.register
def _(runs: RunListing) -> dict[str, Any]:
    """Add the widget where there is a kernel to own it; the HTML beside it needs none."""
    if not runs or not render.has_kernel():
        return {}
    from mlnb.ui.widgets.runs_table import RunsTable

    return dict(RunsTable.of(runs).mimebundle())


def duration(run: RunRecord) -> str:
    """Return how long a run took (or ``""`` while it runs)."""
    if run.ended is None:
        return ""
    seconds = (run.ended - run.started).total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


def _mood(run: RunRecord) -> str:
    return {"FINISHED": "good", "FAILED": "bad", "KILLED": "bad"}.get(run.status, "")


def _some(values: dict[str, Any]) -> str:
    shown = [f"{key}={render.text_of(values[key])}" for key in sorted(values)[:_SHOWN]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
