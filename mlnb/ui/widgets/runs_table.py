"""The table of runs: sorts and filters in the browser, without a kernel, without a network."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from mlnb.core.records import RunRecord
from mlnb.ui.figures import visible

_STATIC = Path(__file__).parent / "static"
_FIRST = 8
"""So many metrics, and as many parameters, are shown at first."""
_CELLS = 400_000
"""So many cells are kept: beyond that, only the columns that are shown at first are there."""


class RunsTable(anywidget.AnyWidget):
    """A table of runs, as a widget for layouts of your own.

    ``%runs`` shows the same module inside HTML, which outlives the kernel. Everything it shows is
    in its state.
    """

    _esm = _STATIC / "runs_table.js"
    _css = _STATIC / "runs_table.css"

    title: Any = traitlets.Unicode("").tag(sync=True)
    notice: Any = traitlets.Unicode("").tag(sync=True)
    columns: Any = traitlets.List().tag(sync=True)
    """Per column: ``key``, ``label``, ``kind`` (text, number, time, status) and ``shown``."""
    rows: Any = traitlets.List().tag(sync=True)
    """Per run: its cells, in the order of the columns, and what went wrong."""
    sort: Any = traitlets.Dict({"key": "", "down": False}).tag(sync=True)
    query: Any = traitlets.Unicode("").tag(sync=True)

    @classmethod
    def of(cls, runs: Sequence[RunRecord]) -> "RunsTable":
        """Return the table of some runs."""
        return cls(**state(runs))


def state(runs: Sequence[RunRecord], title: str = "", notice: str = "") -> dict[str, Any]:
    """Return what the widget's model holds, as JSON types."""
    metrics, params = _ranked(runs, "metrics"), _ranked(runs, "params")
    if (len(metrics) + len(params)) * len(runs) > _CELLS:
        metrics, params = metrics[:_FIRST], params[:_FIRST]
    columns = [
        _column("name", "name"),
        _column("status", "status", "status"),
        _column("started", "started", "time"),
        _column("seconds", "took (s)", "number"),
        *(_column(f"metrics.{k}", k, "number", place < _FIRST) for place, k in enumerate(metrics)),
        *(_column(f"params.{k}", k, "text", place < _FIRST) for place, k in enumerate(params)),
        _column("data", "data"),
        _column("experiment", "experiment"),
        _column("id", "run"),
    ]
    return {
        "title": title,
        "notice": notice,
        "columns": columns,
        "rows": [_row(run, metrics, params) for run in runs],
        "sort": {"key": "", "down": False},
        "query": "",
    }


def _column(key: str, label: str, kind: str = "text", shown: bool = True) -> dict[str, Any]:
    return {"key": key, "label": visible(label), "kind": kind, "shown": shown}


def _ranked(runs: Sequence[RunRecord], which: str) -> list[str]:
    """Return the keys most runs have; of parameters, those first that are not always the same."""
    counts = Counter(key for run in runs for key in getattr(run, which))
    values: dict[str, set[Any]] = {key: set() for key in counts}
    for run in runs:
        for key in counts:
            if len(values[key]) < 2:
                values[key].add(getattr(run, which).get(key))

    def rank(key: str) -> tuple[bool, int, str]:
        return which == "params" and len(values[key]) == 1, -counts[key], key

    return sorted(counts, key=rank)


def _row(run: RunRecord, metrics: Sequence[str], params: Sequence[str]) -> dict[str, Any]:
    took = (run.ended - run.started).total_seconds() if run.ended else None
    cells: list[Any] = [
        visible(run.name),
        run.status,
        run.started.isoformat(),
        None if took is None else round(took, 3),
        *(_finite(run.metrics.get(key)) for key in metrics),
        *(None if key not in run.params else visible(run.params[key], 200) for key in params),
        visible(", ".join(run.inputs), 200),
        visible(run.experiment),
        run.id[:8],
    ]
    return {"cells": cells, "error": run.error, "waiting": run.waiting}


def _finite(value: float | None) -> float | None:
    """Return a number that JSON has, else None."""
    return value if value is not None and abs(value) < float("inf") else None
