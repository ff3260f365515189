"""Alerts of an endpoint: append-only, one per period and kind.

They are in the log ``endpoints/<name>/alerts``. A report that finds the same again, adds nothing.
"""

from collections.abc import Iterable
from typing import Any

from mlnb.core import project
from mlnb.core.errors import UnknownName
from mlnb.core.names import check_name
from mlnb.core.records import Alert, DriftReport, now
from mlnb.monitoring.drift import Rules, in_words
from mlnb.monitoring.performance import drop

EVENTS = {"drift": "drift.found", "performance": "performance.dropped"}


def alerts(endpoint: str) -> list[Alert]:
    """Return an endpoint's alerts, oldest first.

    Raises
    ------
    UnknownName
        If there is no such endpoint.
    """
    known = project.current().store.logs("endpoints")
    if check_name("endpoint", endpoint) not in known:
        raise UnknownName("endpoint", endpoint, known)
    return _stored(endpoint)


def find(period: DriftReport, rules: Rules, *, metric: str | None, tolerance: float) -> list[Alert]:
    """Return what somebody should know about one period."""
    found = []
    if period.drifted:
        every = [*period.features, *([period.predictions] if period.predictions else [])]
        found.append(
            Alert(
                endpoint=period.endpoint,
                kind="drift",
                period=period.period,
                message=in_words(period.features, period.predictions),
                created=now(),
                value=max(item.psi for item in every if item.drifted),
                limit=rules.psi,
            )
        )
    fell = drop(period, metric=metric, tolerance=tolerance)
    if fell is not None:
        name, value, limit = fell
        low, high = period.intervals[name]
        found.append(
            Alert(
                endpoint=period.endpoint,
                kind="performance",
                period=period.period,
                message=f"{name} is {value:.4g} ({low:.4g} … {high:.4g}) on "
                f"{period.labelled:,} labelled rows; at validation it was "
                f"{period.baseline[name]:.4g}",
                created=now(),
                value=value,
                limit=limit,
            )
        )
    return found


def record(endpoint: str, found: Iterable[Alert]) -> list[Alert]:
    """Store the alerts that are new, tell the event stream, and return all as stored."""
    here = project.current()
    result = []
    for alert in found:
        stored = _append(endpoint, alert)
        if stored is alert:
            here.events.emit(
                EVENTS[alert.kind], endpoint, period=alert.period, message=alert.message
            )
        result.append(stored)
    return result


class _AlreadyThere(Exception):
    def __init__(self, alert: Alert) -> None:
        super().__init__()
        self.alert = alert


def _append(endpoint: str, alert: Alert) -> Alert:
    """Store an alert, unless there is one of its period and kind; return the one that is stored."""

    def make(_number: int) -> dict[str, Any]:
        # Looked up for each number that is tried: two reports may find the same at once.
        for earlier in _stored(endpoint):
            if (earlier.period, earlier.kind) == (alert.period, alert.kind):
                raise _AlreadyThere(earlier)
        return alert.to_dict()

    try:
        project.current().store.append(_log(endpoint), make)
    except _AlreadyThere as there:
        return there.alert
    return alert


def _log(endpoint: str) -> str:
    return f"endpoints/{endpoint}/alerts"


def _stored(endpoint: str) -> list[Alert]:
    entries = project.current().store.entries(_log(endpoint))
    return [Alert.from_dict(entry.data) for entry in entries]
