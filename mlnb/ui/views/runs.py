"""How runs are laid out."""

from collections.abc import Sequence
from datetime import timedelta
from math import isfinite
from typing import Any

from mlnb.core.records import RunRecord
from mlnb.tracking.runs import Page, RunComparison, RunRestored
from mlnb.ui import render
from mlnb.ui.grammar import Listing
from mlnb.ui.render import Table, View
from mlnb.ui.run_figures import Axis, Curves, Parallel, Swatch

_SHOWN = 4
_SAME = 20
"""So many parameters that do not differ are listed."""
_CODE = 60
"""So many lines of a difference of code are shown where it cannot be folded."""


class RunListing(Listing[RunRecord]):
    """Runs, shown in a notebook as a table that sorts and filters."""

    notice: str = ""

    @classmethod
    def of(cls, page: Page) -> "RunListing":
        """Return some of the runs that were asked for, and say which."""
        first, last = page.offset + 1, page.offset + len(page.runs)
        title = "Runs"
        if page.runs and (page.more or page.offset):
            total = f" of {page.total:,}" if page.total is not None else ""
            title = f"Runs {first:,} to {last:,}{total}"
        if page.offset:
            empty = f"There are no runs behind the first {page.offset:,}."
        else:
            empty = "No runs yet. Put %%track on the first line of a cell."
        found = cls(page.runs, title=title, empty=empty)
        found.notice = page.notice
        return found


@render.view.register
def _(runs: RunListing) -> View:
    shown = render.view.dispatch(list)(runs)
    return View(
        shown.title, tables=shown.tables, notes=[n for n in (*shown.notes, runs.notice) if n]
    )


@render.row.register
def _(run: RunRecord) -> dict[str, Any]:
    return {
        "run": run.id[:8],
        "name": run.name,
        "status": f"{run.status}, waiting" if run.waiting else run.status,
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
        ("waiting", "Some of it is not in the tracking store yet." if run.waiting else ""),
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
    return _compared(comparison, pictures=False)


def _compared(comparison: RunComparison, *, pictures: bool) -> View:
    heads = [f"{run.name} ({run.id[:8]})" for run in comparison.runs]
    about: list[list[Any]] = [
        ["status", *(run.status for run in comparison.runs)],
        ["started", *(run.started for run in comparison.runs)],
        ["took", *(duration(run) for run in comparison.runs)],
        ["data", *comparison.inputs],
        *([key, *values] for key, values in comparison.facts.items()),
    ]
    tables = [Table(["", *heads], [row for row in about if any(map(render.text_of, row[1:]))])]
    if pictures:
        tables += _pictures(comparison, heads)
    for title, values in (("Metrics", comparison.metrics), ("Parameters", comparison.params)):
        if values:
            tables.append(_side_by_side(title, heads, values, comparison.different))
    if comparison.curves and not pictures:
        tables.append(_sparks(comparison, heads))
    if comparison.packages:
        rows = [[key, *values] for key, values in comparison.packages.items()]
        tables.append(Table(["", *heads], rows, title="Packages that differ", scrolls=True))
    return View("Comparison", tables=[*tables, *_code(comparison, heads)], notes=_same(comparison))


def _same(comparison: RunComparison) -> list[str]:
    """Say what does not differ."""
    notes = []
    same = len(comparison.params) + len(comparison.metrics) - len(comparison.different)
    if same:
        notes.append(f"The same in all runs, dim: {same}.")
    if comparison.packages_same is not None:
        notes.append(f"Packages that are the same: {comparison.packages_same}.")
    for one in comparison.code:
        name = comparison.runs[one.run].name
        if one.note and not one.lines:
            notes.append(f"Code of {name}: {one.note}.")
        elif not one.lines:
            notes.append(f"The code of {name} is the same as that of {comparison.runs[0].name}.")
    return notes


def _code(comparison: RunComparison, heads: Sequence[str]) -> list[Table]:
    tables = []
    for one in comparison.code:
        if not one.lines:
            continue
        styles = [{"+": "good", "-": "bad", "@": "dim"}.get(line[:1], "") for line in one.lines]
        rows: list[list[Any]] = [[line] for line in one.lines[:_CODE]]
        if len(one.lines) > _CODE:
            rows.append([f"… {len(one.lines) - _CODE:,} more lines"])
        title = f"Code: {heads[one.run]} against {heads[0]}"
        tables.append(Table([""], rows, title=title, styles=styles[:_CODE]))
    return tables


def _pictures(comparison: RunComparison, heads: Sequence[str]) -> list[Table]:
    drawn = axes(comparison)
    names = [[Swatch(place, head) for place, head in enumerate(heads)]]
    tables = [Table([""] * len(heads), names)]
    if len(drawn) > 1:
        tables.append(Table([""], [[Parallel(drawn, len(heads))]]))
    for metric in dict.fromkeys(one.metric for one in comparison.curves):
        lines = [one for one in comparison.curves if one.metric == metric]
        tables.append(Table([f"{metric} by step"], [[Curves(lines)]]))
    return tables


def _sparks(comparison: RunComparison, heads: Sequence[str]) -> Table:
    rows = []
    for metric in dict.fromkeys(one.metric for one in comparison.curves):
        cells: list[Any] = [""] * len(heads)
        for one in comparison.curves:
            if one.metric == metric:
                cells[one.run] = str(Curves([one]))
        rows.append([metric, *cells])
    return Table(["", *heads], rows, title="By step")


def axes(comparison: RunComparison) -> list[Axis]:
    """Return the axes of parallel coordinates: parameters that differ, then metrics that do.

    A metric of which no run has a number to draw is left to the table.
    """
    found = []
    for key, values in comparison.params.items():
        if key in comparison.different:
            numbers = [_number(value) for value in values]
            texts = any(isinstance(number, str) for number in numbers)
            found.append(Axis(key, values if texts else numbers))
    for key, results in comparison.metrics.items():
        drawn = [None if value is None else float(value) for value in results]
        if key in comparison.different and any(v is not None and isfinite(v) for v in drawn):
            found.append(Axis(key, drawn))
    return found


def _number(text: str | None) -> float | str | None:
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError:
        return text
    return number if abs(number) < float("inf") else text


def _side_by_side(
    title: str, heads: Sequence[str], values: dict[str, Any], different: Sequence[str]
) -> Table:
    same = [key for key in values if key not in different]
    listed = [key for key in values if key in different] + same[:_SAME]
    rows = [[key, *values[key]] for key in listed]
    styles = ["" if key in different else "dim" for key in listed]
    if len(same) > _SAME:
        rows.append([f"and {len(same) - _SAME:,} more that are the same"])
        rows[-1] += [""] * len(heads)
        styles.append("dim")
    return Table(["", *heads], rows, title=title, styles=styles)


@render.view.register
def _(restored: RunRestored) -> View:
    return View(
        f"Restored run {restored.name} ({restored.run[:8]})",
        fields=[
            ("folder", restored.folder),
            ("files", restored.files),
            ("data pinned", restored.datasets),
        ],
        tables=[Table(["to go on from there"], [[step] for step in restored.steps])]
        if restored.steps
        else [],
        notes=[f"Note: {note}." for note in restored.notes],
        status="good",
    )


@render.live.register
def _(runs: RunListing) -> dict[str, Any]:
    """Put the table that sorts and filters into the HTML, in a notebook."""
    if not runs or not render.has_kernel():
        return {}
    from mlnb.ui.widgets import runs_table
    from mlnb.ui.widgets.embedding import embedded

    html = embedded(
        "runs_table", runs_table.state(runs, runs.title, runs.notice), render.to_html(runs)
    )
    return {"text/html": html}


@render.live.register
def _(comparison: RunComparison) -> dict[str, Any]:
    """Put the pictures into the HTML; in a notebook also those that answer."""
    plain = render.to_html(_compared(comparison, pictures=True))
    if not render.has_kernel():
        return {"text/html": plain}
    from mlnb.ui.widgets import runs_comparison
    from mlnb.ui.widgets.embedding import embedded

    return {"text/html": embedded("runs_comparison", runs_comparison.state(comparison), plain)}


def duration(run: RunRecord) -> str:
    """Return how long a run took (or ``""`` while it runs)."""
    if run.ended is None:
        return ""
    seconds = (run.ended - run.started).total_seconds()
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))


def _mood(run: RunRecord) -> str:
    return {"FINISHED": "good", "FAILED": "bad", "KILLED": "bad"}.get(run.status, "")


def _some(values: dict[str, Any]) -> str:
    shown = [f"{key}={render.text_of(values[key])}" for key in sorted(values)[:_SHOWN]]
    more = len(values) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
