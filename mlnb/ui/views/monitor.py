"""How monitor reports and alerts are laid out."""

from dataclasses import replace
from typing import Any

from mlnb.core.records import Alert, DriftReport, MonitorReport, Record
from mlnb.ui import stored
from mlnb.ui.figures import visible
from mlnb.ui.render import Table, View, row, view


@view.register
def _(report: MonitorReport) -> View:
    if not report.periods:
        return View(
            f"{report.endpoint}: nothing to report",
            fields=[("model", report.model)],
            notes=["The endpoint served nothing in this time."],
        )
    metric = _metric(report)
    return View(
        f"{report.endpoint}: drifted in {', '.join(report.flagged)}"
        if report.flagged
        else f"{report.endpoint}: no drift",
        fields=[
            ("model", list(dict.fromkeys(period.model for period in report.periods))),
            ("compared with", list(dict.fromkeys(p.reference for p in report.periods))),
            ("at validation", _promised(report, metric)),
        ],
        tables=[_periods(report, metric)],
        notes=[f"{a.kind} alert, {a.period}: {a.message}." for a in report.alerts],
        status="bad" if report.alerts else "good",
    )


@view.register
def _(period: DriftReport) -> View:
    features = sorted(period.features, key=lambda item: (not item.drifted, -item.psi))
    if period.predictions:
        features.append(replace(period.predictions, feature="(the predictions)"))
    moved = Table(
        ["feature", "PSI", "test", "statistic", "adjusted p", "verdict"],
        [
            (
                visible(item.feature),
                item.psi,
                item.test,
                item.statistic,
                item.p_adjusted,
                "drifted" if item.drifted else "",
            )
            for item in features
        ],
        styles=["bad" if item.drifted else "" for item in features],
    )
    realised = Table(
        ["metric", "realised", "interval", "at validation"],
        [
            (name, value, _interval(period, name), period.baseline.get(name))
            for name, value in period.performance.items()
        ],
    )
    return View(
        f"{period.endpoint}, {period.period}: {'drifted' if period.drifted else 'no drift'}",
        fields=[
            ("model", period.model),
            ("compared with", period.reference),
            ("rows", period.rows),
            ("labelled", period.labelled),
        ],
        tables=[moved, realised] if period.performance else [moved],
        notes=period.notes,
        status="bad" if period.drifted else "good",
    )


@stored.kept.register(MonitorReport)
@stored.kept.register(DriftReport)
def _kept(report: Record) -> dict[str, Any]:
    """Put the features that moved farthest first: they are the last to be left out."""
    body = report.to_dict()
    for period in body.get("periods", [body]):
        period["features"].sort(key=lambda item: (not item["drifted"], -item["psi"]))
    return body


def _periods(report: MonitorReport, metric: str) -> Table:
    alarmed = {alert.period for alert in report.alerts}
    return Table(
        [
            "period",
            "rows",
            "drifted",
            "labelled",
            metric or "realised",
            "interval",
            "verdict",
        ],
        [
            (
                period.period,
                period.rows,
                _moved(period),
                period.labelled,
                period.performance.get(metric),
                _interval(period, metric),
                _verdict(period, report),
            )
            for period in report.periods
        ],
        styles=["bad" if period.period in alarmed else "" for period in report.periods],
    )


def _metric(report: MonitorReport) -> str:
    named = [name for p in report.periods for name in (p.baseline or p.performance)]
    return named[0] if named else ""


def _moved(period: DriftReport) -> str:
    moved = sorted((item for item in period.features if item.drifted), key=lambda i: -i.psi)
    names = [item.feature for item in moved]
    if period.predictions and period.predictions.drifted:
        names.append("the predictions")
    return f"{len(moved)} of {len(period.features)}{': ' if names else ''}{', '.join(names)}"


def _interval(period: DriftReport, metric: str) -> str:
    if metric not in period.intervals:
        return ""
    low, high = period.intervals[metric]
    return f"{low:.3f}…{high:.3f}"


def _promised(report: MonitorReport, metric: str) -> list[str]:
    values = {p.model: p.baseline[metric] for p in report.periods if metric in p.baseline}
    return [f"{metric} {value:.4g} ({model})" for model, value in values.items()]


def _verdict(period: DriftReport, report: MonitorReport) -> str:
    found = [alert.kind for alert in report.alerts if alert.period == period.period]
    words = {"drift": "drifted", "performance": "fell behind"}
    return ", ".join(words.get(kind, kind) for kind in found)


@row.register
def _(alert: Alert) -> dict[str, Any]:
    return {
        "period": alert.period,
        "kind": alert.kind,
        "what": alert.message,
        "value": alert.value,
        "limit": alert.limit,
        "found": alert.created,
    }
