"""Figures of a report: the heat map of drift, and realised performance period by period."""

from typing import TYPE_CHECKING

import numpy as np

from mlnb.core import project
from mlnb.core.errors import BadInput
from mlnb.core.extras import require
from mlnb.core.records import DriftReport, FeatureDrift, MonitorReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#1f2d3d"
SOFT = "#8593a3"
BLUE = "#1f5fa8"
RED = "#b3261e"


def plot_drift(report: MonitorReport) -> "Figure":
    """Draw how far each feature moved in each period.

    One row per feature, the furthest first and the model's own predictions on top; the colour
    and the number are the population stability index. A frame marks a feature that drifted, ▲ a
    period that drifted.

    Raises
    ------
    BadInput
        If the report has no period.
    """
    _check(report)
    plt = require("matplotlib.pyplot", "monitoring")
    figure: Figure = plt.figure(figsize=drift_size(report), layout="constrained")
    draw_drift(report, figure)
    return figure


def plot_performance(report: MonitorReport, metric: str | None = None) -> "Figure":
    """Draw a realised metric per period, its confidence interval, and the validated value.

    Parameters
    ----------
    report : MonitorReport
        With labelled rows.
    metric : str, optional
        The validation suite's first by default.

    Raises
    ------
    BadInput
        If the report has no period.
    """
    _check(report)
    plt = require("matplotlib.pyplot", "monitoring")
    figure: Figure = plt.figure(figsize=performance_size(report), layout="constrained")
    draw_performance(report, figure, metric)
    return figure


def _check(report: MonitorReport) -> None:
    if not report.periods:
        raise BadInput(
            f"The report on {report.endpoint!r} has no period to draw.",
            "Report on a time in which the endpoint served something.",
        )


def drift_size(report: MonitorReport) -> tuple[float, float]:
    """Return a fitting size, in inches."""
    rows = len(_rows(report))
    return min(16.0, 2.9 + 0.62 * max(5, len(report.periods))), 1.3 + 0.3 * rows


def performance_size(report: MonitorReport) -> tuple[float, float]:
    """Return a fitting size, in inches."""
    return min(16.0, 2.9 + 0.62 * max(5, len(report.periods))), 3.0


# -- drift ---------------------------------------------------------------------------------------


def _rows(report: MonitorReport) -> dict[str, list[FeatureDrift | None]]:
    """Return, per row of the heat map, its cell in each period."""
    names = {item.feature for period in report.periods for item in period.features}
    cells: dict[str, list[FeatureDrift | None]] = {
        name: [
            next((item for item in period.features if item.feature == name), None)
            for period in report.periods
        ]
        for name in names
    }
    ordered = sorted(
        cells, key=lambda name: (-max(item.psi if item else 0.0 for item in cells[name]), name)
    )
    rows = {name: cells[name] for name in ordered}
    if any(period.predictions for period in report.periods):
        return {"predictions": [period.predictions for period in report.periods], **rows}
    return rows


def draw_drift(report: MonitorReport, figure: "Figure") -> None:
    """Draw the heat map of drift into an empty figure."""
    colormap = require("matplotlib.colors", "monitoring").LinearSegmentedColormap.from_list(
        "drift", ["#f6f8fb", "#cfdff0", "#7ba7d4", "#1f5fa8", "#12365f"]
    )
    rows = _rows(report)
    values = np.array([[np.nan if c is None else c.psi for c in cells] for cells in rows.values()])
    threshold = project.current().settings.drift_psi
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap=colormap, vmin=0, vmax=2.5 * threshold, aspect="auto")
    _cells(axes, list(rows.values()), threshold, numbers=len(report.periods) <= 16)
    axes.set_yticks(range(len(rows)), list(rows), parse_math=False)  # a name may hold $
    axes.set_xticks(np.arange(-0.5, len(report.periods)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(rows)), minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0, colors=INK, labelsize=9)
    _periods(axes, report.periods)
    axes.spines[:].set_visible(False)
    if "predictions" in rows and len(rows) > 1:
        axes.axhline(0.5, color=INK, linewidth=1)
    bar = figure.colorbar(image, ax=axes, extend="max", pad=0.02, aspect=30)
    bar.ax.axhline(threshold, color=RED, linewidth=1.5)
    bar.set_label("population stability index", color=INK, fontsize=9)
    bar.ax.tick_params(length=0, colors=INK, labelsize=8)
    bar.outline.set_visible(False)
    _title(axes, f"{report.endpoint}: drift against {_reference(report)}", above=True)


def _cells(
    axes: "Axes", rows: list[list[FeatureDrift | None]], threshold: float, *, numbers: bool
) -> None:
    rectangle = require("matplotlib.patches", "monitoring").Rectangle
    for y, cells in enumerate(rows):
        for x, cell in enumerate(cells):
            if cell is None:
                continue
            if numbers:
                axes.text(
                    x,
                    y,
                    f"{cell.psi:.2f}",
                    ha="center",
                    va="center",
                    fontsize=8,
                    color="white" if cell.psi > 1.3 * threshold else INK,
                    fontweight="bold" if cell.drifted else "normal",
                )
            if cell.drifted:
                axes.add_patch(
                    rectangle(
                        (x - 0.46, y - 0.44), 0.92, 0.88, fill=False, edgecolor=RED, linewidth=1.6
                    )
                )


def _reference(report: MonitorReport) -> str:
    names = list(dict.fromkeys(period.reference or "given data" for period in report.periods))
    return ", ".join(names)


# -- performance ---------------------------------------------------------------------------------


def draw_performance(report: MonitorReport, figure: "Figure", metric: str | None = None) -> None:
    """Draw realised performance into an empty figure; say so when nothing is labelled yet."""
    axes = figure.add_subplot()
    named = [name for period in report.periods for name in (period.baseline or period.performance)]
    name = metric or (named[0] if named else "")
    judged = [index for index, p in enumerate(report.periods) if name in p.performance]
    axes.set_xlim(-0.6, len(report.periods) - 0.4)
    axes.tick_params(length=0, colors=INK, labelsize=9)
    _periods(axes, report.periods)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(SOFT)
    if not judged:
        axes.set_yticks([])
        axes.text(
            0.5,
            0.5,
            "no labels yet",
            transform=axes.transAxes,
            ha="center",
            va="center",
            color=SOFT,
        )
    else:
        _values(axes, report, name, judged)
        _baseline(axes, report.periods, name)
        axes.grid(axis="y", color="#e3e8ee", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.set_ylabel(name, color=INK, fontsize=9)
        axes.legend(
            frameon=False,
            fontsize=8,
            labelcolor=INK,
            ncols=3,
            columnspacing=1.2,
            loc="lower right",
            bbox_to_anchor=(1.0, 1.0),
        )
    _title(axes, f"{report.endpoint}: realised {name or 'performance'}")


def _values(axes: "Axes", report: MonitorReport, name: str, judged: list[int]) -> None:
    fallen = {alert.period for alert in report.alerts if alert.kind == "performance"}
    values = np.array([report.periods[index].performance[name] for index in judged])
    bounds = [
        report.periods[index].intervals.get(name, (value, value))
        for index, value in zip(judged, values, strict=True)
    ]
    below = [value - low for value, (low, _) in zip(values, bounds, strict=True)]
    above = [high - value for value, (_, high) in zip(values, bounds, strict=True)]
    bad = np.array([report.periods[index].period in fallen for index in judged])
    axes.plot(judged, values, color=SOFT, linewidth=1, zorder=1)
    for chosen, colour, label in (
        (~bad, BLUE, "realised, with interval"),
        (bad, RED, "fell behind"),
    ):
        if chosen.any():
            axes.errorbar(
                np.array(judged)[chosen],
                values[chosen],
                yerr=[np.array(below)[chosen], np.array(above)[chosen]],
                fmt="o",
                color=colour,
                markersize=6,
                capsize=4,
                linewidth=1.6,
                label=label,
            )


def _baseline(axes: "Axes", periods: list[DriftReport], name: str) -> None:
    """Draw the validated value as steps: it changes where another model served."""
    label = "at validation"
    for index, period in enumerate(periods):
        if name not in period.baseline:
            continue
        axes.hlines(
            period.baseline[name],
            index - 0.5,
            index + 0.5,
            color=INK,
            linestyle=(0, (4, 2)),
            linewidth=1.2,
            label=label,
        )
        label = "_repeated"  # matplotlib leaves labels with an underscore out of the legend


# -- both ----------------------------------------------------------------------------------------


def _periods(axes: "Axes", periods: list[DriftReport], most: int = 24) -> None:
    """Label the periods; a ▲ marks those that drifted."""
    step = -(-len(periods) // most)
    at = range(0, len(periods), step)
    labels = [f"{periods[index].period}{' ▲' if periods[index].drifted else ''}" for index in at]
    slanted = len(at) > 8
    axes.set_xticks(
        list(at), labels, rotation=40 if slanted else 0, ha="right" if slanted else "center"
    )
    for index, text in zip(at, axes.get_xticklabels(), strict=True):
        if periods[index].drifted:
            text.set_color(RED)
            text.set_fontweight("bold")


def _title(axes: "Axes", text: str, *, above: bool = False) -> None:
    axes.set_title(text, loc="left", fontsize=10.5, color=INK, pad=10 if above else 8)
