"""The table of runs: sorts and filters in the browser, without a kernel, without a network."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from mlnb.core.records import RunRecord

_STATIC = Path(__file__).parent / "static"
_VIEW = "application/vnd.jupyter.widget-view+json"
_MOST = 8
"""At most this many metrics, and as many parameters, are columns."""


class RunsTable(anywidget.AnyWidget):
    """A table of runs.

    Everything it shows is in its state, so a saved notebook shows it again, sorted and filtered
    as it was left.
    """

    _esm = _STATIC / "runs_table.js"
    _css = _STATIC / "runs_table.css"

    columns: Any = traitlets.List().tag(sync=True)
    """Per column: ``key``, ``label`` and ``kind`` (text, number, time, status)."""
    rows: Any = traitlets.List().tag(sync=True)
    """Per run: its cells by column key."""
    sort: Any = traitlets.Dict({"key": "started", "down": True}).tag(sync=True)
    query: Any = traitlets.Unicode("").tag(sync=True)

    @classmethod
    def of(cls, runs: Sequence[RunRecord]) -> "RunsTable":
        """Return the table of some runs."""
        metrics = _chosen(runs, "metrics")
        params = _chosen(runs, "params")
        columns = [
            _column("name", "name"),
            _column("status", "status", "status"),
            _column("started", "started", "time"),
            _column("seconds", "took (s)", "number"),
            *(_column(f"metrics.{key}", key, "number") for key in metrics),
            *(_column(f"params.{key}", key) for key in params),
            _column("data", "data"),
            _column("experiment", "experiment"),
            _column("id", "run"),
        ]
        return cls(columns=columns, rows=[_row(run, metrics, params) for run in runs])

    def mimebundle(self) -> dict[str, Any]:
        """Return the widget's view alone, to stand beside other forms of the same result."""
        shown = self._repr_mimebundle_()
        bundle = shown[0] if isinstance(shown, tuple) else shown
        return {_VIEW: bundle[_VIEW]} if bundle and _VIEW in bundle else {}


def _column(key: str, label: str, kind: str = "text") -> dict[str, str]:
    return {"key": key, "label": label, "kind": kind}


def _chosen(runs: Sequence[RunRecord], which: str) -> list[str]:
    """Return the keys most runs have; of parameters, those first that are not always the same."""
    counts = Counter(key for run in runs for key in getattr(run, which))

    def rank(key: str) -> tuple[bool, int, str]:
        values = {getattr(run, which).get(key) for run in runs}
        return which == "params" and len(values) == 1, -counts[key], key

    return sorted(counts, key=rank)[:_MOST]


def _row(run: RunRecord, metrics: Sequence[str], params: Sequence[str]) -> dict[str, Any]:
    took = (run.ended - run.started).total_seconds() if run.ended else None
    cells: dict[str, Any] = {
        "name": run.name,
        "status": run.status,
        "started": run.started.isoformat(),
        "seconds": None if took is None else round(took, 1),
        "data": ", ".join(run.inputs),
        "experiment": run.experiment,
        "id": run.id[:8],
        "error": run.error,
    }
    cells |= {f"metrics.{key}": _finite(run.metrics.get(key)) for key in metrics}
    cells |= {f"params.{key}": run.params.get(key) for key in params}
    return cells


def _finite(value: float | None) -> float | None:
    """Return a number that JSON has, else None."""
    return value if value is not None and abs(value) < float("inf") else None
