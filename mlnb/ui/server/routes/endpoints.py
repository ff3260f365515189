"""One endpoint: what it serves, how it does, what happened to it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from mlnb.core import redaction
from mlnb.core.errors import BadInput
from mlnb.core.records import Alert, EndpointStatus, MonitorReport, Record, Release
from mlnb.ui.server import gauges
from mlnb.ui.server.gauges import LivePoint
from mlnb.ui.server.routing import Route
from mlnb.ui.server.sources import Source

CHANGES = 200
"""Entries of a history that are sent, the latest first."""
PERIODS = 24
"""Periods of a report that are sent, the latest ones."""
LOG_LINES = 2000
ROWS = 500
LONGEST = 200
"""Characters of one logged value that are sent."""


@dataclass(frozen=True, kw_only=True)
class EndpointDocument(Record):
    """An endpoint."""

    status: EndpointStatus
    history: list[Release]
    """The latest first."""
    entries: int
    """How many the history has."""
    alerts: list[Alert]
    """The latest first."""
    report: MonitorReport | None
    """The one that was made last."""
    psi_limit: float
    """From which on a feature has drifted."""
    curl: str
    """How to ask it in a shell; empty when it does not run."""
    python: str
    """Likewise, in Python without mlnb."""


@dataclass(frozen=True, kw_only=True)
class EndpointLive(Record):
    """An endpoint at this moment."""

    status: EndpointStatus
    points: list[LivePoint]


@dataclass(frozen=True, kw_only=True)
class EndpointLog(Record):
    """What an endpoint's processes wrote last."""

    text: str


@dataclass(frozen=True, kw_only=True)
class RecentPredictions(Record):
    """Rows that an endpoint answered, the latest first."""

    columns: list[str]
    rows: list[list[str | int | float | bool | None]]


def endpoint(source: Source, *, name: str) -> EndpointDocument:
    """Show an endpoint: status, history, alerts, drift, and how to ask it."""
    from mlnb import monitoring, serving
    from mlnb.monitoring import kept
    from mlnb.serving import snippets
    from mlnb.serving.endpoints import example

    status = serving.status(name)
    history = serving.history(name)
    running = status.status in ("running", "starting") and bool(status.url)
    row = example(name) if running else {}
    return EndpointDocument(
        status=status,
        history=history[::-1][:CHANGES],
        entries=len(history),
        alerts=monitoring.alerts(name)[::-1][:CHANGES],
        report=_shortened(kept.newest(name)),
        psi_limit=source.project.settings.drift_psi,
        curl=snippets.curl(name, status.url, row) if running else "",
        python=snippets.python(name, status.url, row) if running else "",
    )


def _shortened(report: MonitorReport | None) -> MonitorReport | None:
    if report is None or len(report.periods) <= PERIODS:
        return report
    return replace(report, periods=report.periods[-PERIODS:])


def live(source: Source, *, name: str, after: float = 0.0) -> EndpointLive:
    """Show what an endpoint does now: requests, latency and errors of each release."""
    from mlnb import serving

    status = serving.status(name)
    return EndpointLive(status=status, points=gauges.look(source.project.root, name, after))


def log(_source: Source, *, name: str, lines: int = 200) -> EndpointLog:
    """Show the last lines that an endpoint's processes wrote."""
    from mlnb import serving

    _check(lines, LOG_LINES, "lines")
    return EndpointLog(text=redaction.text(serving.logs(name, lines)))


def predictions(_source: Source, *, name: str, rows: int = 50) -> RecentPredictions:
    """Show the rows that an endpoint answered last."""
    from mlnb.serving import endpoints, recent

    _check(rows, ROWS, "rows")
    endpoints.status(name)
    found = recent.recent(name, rows)
    columns = _ordered(dict.fromkeys(column for row in found for column in row))
    return RecentPredictions(
        columns=columns, rows=[[_plain(row.get(column)) for column in columns] for row in found]
    )


def _ordered(columns: Iterable[str]) -> list[str]:
    """Put first what is looked at first, and the ids last; the model is the release's."""
    known = list(columns)
    first = [name for name in ("time", "release", "prediction", "score") if name in known]
    last = [name for name in ("latency", "id") if name in known]
    left = {*first, *last, "request_id", "model"}
    return [*first, *(name for name in known if name not in left), *last]


def _check(asked: int, most: int, what: str) -> None:
    if not 1 <= asked <= most:
        raise BadInput(f"{asked} {what} cannot be shown.", f"Ask for 1 to {most}.")


def _plain(value: Any) -> str | int | float | bool | None:
    if value is None or isinstance(value, bool | int | float):
        return value
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


ROUTES = (
    Route("GET", "/endpoints/{name}", endpoint),
    Route("GET", "/endpoints/{name}/live", live),
    Route("GET", "/endpoints/{name}/log", log),
    Route("GET", "/endpoints/{name}/predictions", predictions),
)
