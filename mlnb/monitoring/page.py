"""The report as one HTML file that needs nothing else."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from mlnb.core import project
from mlnb.core.extras import require
from mlnb.core.records import MonitorReport
from mlnb.monitoring import plots

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TESTS = {"ks": "Kolmogorov–Smirnov", "chi2": "chi-squared"}


def write(report: MonitorReport, file: Path) -> None:
    """Write a report as HTML; the file is there whole or not at all."""
    text = html(report)
    part = file.with_name(f".{file.name}.part")
    file.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def html(report: MonitorReport) -> str:
    """Return a report as HTML, its figures as SVG within."""
    from mlnb.core.pages import templates  # Jinja

    drawn = {"drift": "", "performance": ""}
    if report.periods:
        drawn = {
            "drift": _svg(plots.drift_size(report), lambda f: plots.draw_drift(report, f)),
            "performance": _svg(
                plots.performance_size(report), lambda f: plots.draw_performance(report, f)
            ),
        }
    return (
        templates("mlnb.monitoring")
        .get_template("report.html")
        .render(report=report, settings=project.current().settings, tests=TESTS, **drawn)
    )


def _svg(size: tuple[float, float], draw: Callable[["Figure"], None]) -> str:
    """Draw without pyplot, so that no figure of the notebook is touched."""
    figure: Figure = require("matplotlib.figure", "monitoring").Figure(
        figsize=size, layout="constrained"
    )
    draw(figure)
    stream = StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    return text[text.index("<svg") :]
