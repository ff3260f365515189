"""The columns of a dataset version, or of the difference of two: filter, sort, look closer."""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from mlnb.datasets.difference.records import ColumnDifference, DatasetDiff
from mlnb.datasets.records import ColumnProfile, DatasetProfile, Histogram
from mlnb.ui.figures import value_text, visible
from mlnb.ui.render import laid_out, text_of
from mlnb.ui.views.dataset import distinct, share, values

_STATIC = Path(__file__).parent / "static"
_VIEW = "application/vnd.jupyter.widget-view+json"
_LINES = 20
"""So many changes of columns are listed."""


class DatasetColumns(anywidget.AnyWidget):
    """A table with a row per column.

    Everything it shows is in its state, as text that is ready to be shown, so a saved notebook
    shows it again, sorted and filtered as it was left.
    """

    _esm = _STATIC / "dataset_columns.js"
    _css = _STATIC / "dataset_columns.css"

    title: Any = traitlets.Unicode("").tag(sync=True)
    facts: Any = traitlets.List().tag(sync=True)
    """Pairs of what and how many, shown under the title."""
    notes: Any = traitlets.List().tag(sync=True)
    heads: Any = traitlets.List().tag(sync=True)
    """Per column of the table: ``label`` and ``kind`` (name, number, text, change, shape)."""
    rows: Any = traitlets.List().tag(sync=True)
    """Per row: ``cells``, ``sort`` (what each cell is sorted by) and ``details``."""
    sort: Any = traitlets.Dict({"at": -1, "down": False}).tag(sync=True)
    query: Any = traitlets.Unicode("").tag(sync=True)
    selected: Any = traitlets.Int(-1).tag(sync=True)

    def mimebundle(self) -> dict[str, Any]:
        """Return the widget's view alone, to stand beside other forms of the same result."""
        shown = self._repr_mimebundle_()
        bundle = shown[0] if isinstance(shown, tuple) else shown
        return {_VIEW: bundle[_VIEW]} if bundle and _VIEW in bundle else {}


def of_profile(profile: DatasetProfile) -> DatasetColumns:
    """Return the columns of a version."""
    shown = laid_out(profile)
    rows = profile.version.rows
    return DatasetColumns(
        title=shown.title,
        facts=[
            [name, text_of(value)]
            for name, value in shown.fields
            if name in ("rows", "columns", "size", "message", "created") and text_of(value)
        ],
        notes=list(shown.notes),
        heads=[
            _head("column", "name"),
            _head("type"),
            _head("nulls", "number"),
            _head("distinct", "number"),
            _head("values"),
            _head("shape", "shape"),
        ],
        rows=[_profile_row(column, rows) for column in profile.columns],
    )


def of_diff(diff: DatasetDiff) -> DatasetColumns:
    """Return the columns that differ between two versions."""
    from mlnb.ui.views.dataset_diff import drift, notes

    changed = "?" if diff.rows_changed is None else f"~{diff.rows_changed:,}"
    facts = [
        ["added", f"+{diff.rows_added:,}"],
        ["removed", f"−{diff.rows_removed:,}"],
        ["changed", changed],
        ["kept", f"{diff.rows_kept:,}"],
    ]
    matched = diff.rows_kept + (diff.rows_changed or 0)
    return DatasetColumns(
        title=f"Dataset {diff.before.ref} → {diff.after.ref}",
        facts=facts,
        notes=[*_schema(diff), *notes(diff)],
        heads=[
            _head("column", "name"),
            _head("cells changed", "number"),
            _head("of rows", "number"),
            _head("before → after", "change"),
            _head("moved", "number"),
            _head("distribution", "shape"),
        ],
        rows=[_diff_row(item, matched, drift(item.psi)) for item in diff.columns],
    )


def _schema(diff: DatasetDiff) -> list[str]:
    """Return what changed of the columns themselves, a line each."""
    found = [
        *(f"+ {visible(item.name)} ({visible(item.type)})" for item in diff.columns_added),
        *(f"− {visible(item.name)} ({visible(item.type)})" for item in diff.columns_removed),
        *(f"~ {visible(one.name)}: {one.before} → {one.after}" for one in diff.columns_changed),
        *(f"{visible(one.before)} is now {visible(one.after)}" for one in diff.columns_renamed),
    ]
    more = len(found) - _LINES
    return found if more <= 0 else [*found[:_LINES], f"… and {more:,} more changes of columns."]


def _head(label: str, kind: str = "text") -> dict[str, str]:
    return {"label": label, "kind": kind}


def _profile_row(column: ColumnProfile, rows: int) -> dict[str, Any]:
    name, kind = visible(column.name, 200), visible(column.type)
    shown = values(column)
    return {
        "cells": [
            name,
            kind,
            share(column.nulls, rows),
            text_of(distinct(column)),
            shown,
            [None, _bins(column.histogram)],
        ],
        "sort": [name, kind, column.nulls, column.distinct, shown, None],
        "details": {"tables": [_about(column)], "top": _top(column)},
    }


def _diff_row(item: ColumnDifference, matched: int, drift: str) -> dict[str, Any]:
    name = visible(item.name, 200)
    samples = [_sample(one.place, one.before, one.after) for one in item.samples]
    old, new = item.before, item.after
    return {
        "cells": [
            name,
            text_of(item.cells),
            share(item.cells or 0, matched),
            samples[0] if samples else None,
            drift,
            [_bins(old.histogram if old else None), _bins(new.histogram if new else None)],
        ],
        "sort": [name, item.cells, item.cells, None, item.psi, None],
        "details": {
            "samples": samples,
            "tables": [_beside(old, new)] if old and new else [],
            "top": [],
        },
    }


def _sample(place: str, before: str | None, after: str | None) -> list[str]:
    return [visible(place), value_text(before), value_text(after)]


def _bins(histogram: Histogram | None) -> list[list[float]] | None:
    return None if histogram is None else [histogram.edges, [float(n) for n in histogram.counts]]


def _top(column: ColumnProfile) -> list[list[Any]]:
    return [[visible(item.value), item.count] for item in column.top]


def _figures(column: ColumnProfile) -> list[tuple[str, str]]:
    """Return every figure of a column."""
    quantiles = [(f"{float(q):.0%} quantile", text_of(v)) for q, v in column.quantiles.items()]
    found = [
        ("type", visible(column.type)),
        ("nulls", f"{column.nulls:,}"),
        ("distinct", text_of(distinct(column))),
        ("minimum", text_of(column.minimum)),
        *quantiles,
        ("maximum", text_of(column.maximum)),
        ("mean", text_of(column.mean)),
        ("deviation", text_of(column.deviation)),
    ]
    if not quantiles:
        found.append(("common", values(column)))
    return [(name, value) for name, value in found if value]


def _about(column: ColumnProfile) -> list[list[str]]:
    return [[name, value] for name, value in _figures(column) if name != "common"]


def _beside(old: ColumnProfile, new: ColumnProfile) -> list[list[str]]:
    before, after = dict(_figures(old)), dict(_figures(new))
    names = list(dict.fromkeys([*before, *after]))
    return [["", "before", "after"], *([n, before.get(n, ""), after.get(n, "")] for n in names)]
