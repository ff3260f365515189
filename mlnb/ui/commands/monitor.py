"""``mlnb monitor`` / ``%monitor``: watch drift and realised accuracy."""

from pathlib import Path
from typing import Any

import click

from mlnb.core.records import Alert, MonitorReport
from mlnb.ui.grammar import Listing, Noun, Variable
from mlnb.ui.render import View


@click.group("monitor", cls=Noun)
def monitor() -> None:
    """Watch drift and realised accuracy."""


@monitor.command("report")
@click.argument("endpoint")
@click.option(
    "--by",
    type=click.Choice(["month", "day", "all"]),
    default="month",
    show_default=True,
    help="Length of a period, on the time of the event.",
)
@click.option("--since", help="From this time on (ISO 8601; UTC unless it says otherwise).")
@click.option("--until", help="Before this time.")
@click.option(
    "--reference",
    type=Variable(),
    help="Compare with this dataset, file or frame instead of the training data.",
)
@click.option(
    "--important", multiple=True, help="A feature that alone makes a period drifted (repeatable)."
)
@click.option(
    "--share",
    type=float,
    default=0.2,
    show_default=True,
    help="Share of the features that makes a period drifted.",
)
@click.option("--metric", help="Metric that may raise an alert; the suite's first by default.")
@click.option(
    "--tolerance",
    type=float,
    default=0.05,
    show_default=True,
    help="How far, as a share of the validated value, the metric may fall behind.",
)
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report here too."
)
def report(
    endpoint: str,
    by: str,
    since: str | None,
    until: str | None,
    reference: Any,
    important: tuple[str, ...],
    share: float,
    metric: str | None,
    tolerance: float,
    html: Path | None,
) -> MonitorReport:
    """Compare what ENDPOINT served with its training data, and results with validation."""
    from mlnb import monitoring

    made = monitoring.report(
        endpoint,
        by=None if by == "all" else by,
        since=since,
        until=until,
        reference=reference,
        important=important,
        share=share,
        metric=metric,
        tolerance=tolerance,
    )
    if html is not None:
        from mlnb.monitoring import page

        page.write(made, html)
    return made


@monitor.command("label")
@click.argument("endpoint")
@click.argument("data", type=Variable())
@click.option(
    "--id", "identifier", default="id", show_default=True, help="Column with the ids sent."
)
@click.option("--label", required=True, help="Column with the true outcomes.")
def label(endpoint: str, data: Any, identifier: str, label: str) -> View:
    """Tell ENDPOINT what became of served rows: DATA has ids and outcomes."""
    from mlnb.monitoring import label as add

    rows = add(endpoint, data, id=identifier, label=label)
    return View(f"{rows:,} served rows of {endpoint} have a label from this data")


@monitor.command("alerts")
@click.argument("endpoint")
def alerts(endpoint: str) -> Listing[Alert]:
    """List what reports on ENDPOINT found that somebody should act on."""
    from mlnb.monitoring import alerts as stored

    return Listing(
        stored(endpoint), title=f"Alerts of {endpoint}", empty="No report has found anything."
    )
