"""Runs side by side: parallel coordinates, metric curves, a table, packages and code."""

import math
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from mlnb.core.records import RunRecord
from mlnb.tracking.runs import RunComparison
from mlnb.ui.figures import visible
from mlnb.ui.render import text_of
from mlnb.ui.views.runs import axes, duration

_STATIC = Path(__file__).parent / "static"


class RunsComparison(anywidget.AnyWidget):
    """Runs side by side, as a widget for layouts of your own.

    ``%runs compare`` shows the same module inside HTML, which outlives the kernel. Everything it
    shows is in its state.
    """

    _esm = _STATIC / "runs_comparison.js"
    _css = _STATIC / "runs_comparison.css"

    runs: Any = traitlets.List().tag(sync=True)
    """Per run: ``name``, ``id``, ``status``, ``error``."""
    rows: Any = traitlets.List().tag(sync=True)
    """Per fact, metric and parameter: ``kind``, ``key``, ``cells``, ``sort`` and ``differs``."""
    axes: Any = traitlets.List().tag(sync=True)
    """Per axis: ``label``, ``number`` and the ``values`` of the runs."""
    curves: Any = traitlets.List().tag(sync=True)
    """Per metric: ``metric`` and ``lines``, each ``run``, ``steps`` and ``values``."""
    packages: Any = traitlets.List().tag(sync=True)
    code: Any = traitlets.List().tag(sync=True)
    notes: Any = traitlets.List().tag(sync=True)
    shown: Any = traitlets.List().tag(sync=True)
    """Which axes are drawn, by place; at first the first ten."""
    hidden: Any = traitlets.List().tag(sync=True)
    """Which runs are not drawn, by place."""
    query: Any = traitlets.Unicode("").tag(sync=True)
    all: Any = traitlets.Bool(False).tag(sync=True)
    """Whether what is the same in all runs is listed too."""
    sort: Any = traitlets.Dict({"at": -1, "down": False}).tag(sync=True)
    """By which run's values the table is sorted."""

    @classmethod
    def of(cls, comparison: RunComparison) -> "RunsComparison":
        """Return the widget of a comparison."""
        return cls(**state(comparison))


def state(comparison: RunComparison) -> dict[str, Any]:
    """Return what the widget's model holds, as JSON types."""
    drawn = axes(comparison)
    return {
        "runs": [
            {"name": visible(r.name), "id": r.id[:8], "status": r.status, "error": r.error}
            for r in comparison.runs
        ],
        "rows": _rows(comparison),
        "axes": [
            {"label": visible(axis.label), "number": axis.is_number, "values": list(axis.values)}
            for axis in drawn
        ],
        "curves": [
            {
                "metric": visible(metric),
                "lines": [
                    {"run": one.run, "steps": one.steps, "values": one.values}
                    for one in comparison.curves
                    if one.metric == metric
                ],
            }
            for metric in dict.fromkeys(one.metric for one in comparison.curves)
        ],
        "packages": [
            [visible(name), *("" if one is None else visible(one) for one in found)]
            for name, found in comparison.packages.items()
        ],
        "code": [
            {"run": one.run, "lines": [visible(line, 400) for line in one.lines], "note": one.note}
            for one in comparison.code
        ],
        "notes": [],
        "shown": list(range(min(10, len(drawn)))),
        "hidden": [],
        "query": "",
        "all": False,
        "sort": {"at": -1, "down": False},
    }


def _rows(comparison: RunComparison) -> list[dict[str, Any]]:
    runs = comparison.runs
    found = [
        _row("run", "status", [run.status for run in runs]),
        _row("run", "started", [text_of(run.started) for run in runs], [_start(r) for r in runs]),
        _row("run", "took", [duration(run) for run in runs], [_seconds(run) for run in runs]),
        _row("run", "data", [", ".join(refs) for refs in comparison.inputs]),
    ]
    found += [
        _row("metric", key, ["" if v is None else f"{v:.6g}" for v in values], values)
        for key, values in comparison.metrics.items()
    ]
    found += [
        _row("parameter", key, ["" if v is None else v for v in values])
        for key, values in comparison.params.items()
    ]
    found += [_row("ran on", key, values) for key, values in comparison.facts.items()]
    return [row for row in found if any(row["cells"])]


def _row(kind: str, key: str, cells: list[Any], numbers: list[Any] | None = None) -> dict[str, Any]:
    return {
        "kind": kind,
        "key": visible(key),
        "cells": [visible(str(cell), 300) for cell in cells],
        "sort": [_finite(n) for n in numbers] if numbers else [_number(cell) for cell in cells],
        "differs": len(set(map(str, numbers or cells))) > 1,
    }


def _number(text: str) -> float | str | None:
    try:
        return _finite(float(text))
    except ValueError:
        return text or None


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _start(run: RunRecord) -> float:
    return run.started.timestamp()


def _seconds(run: RunRecord) -> float | None:
    return (run.ended - run.started).total_seconds() if run.ended else None
