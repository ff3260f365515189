"""The figures say what the report says."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest

from mlnb import monitoring
from mlnb.core.errors import BadInput
from mlnb.core.records import Alert, DriftReport, FeatureDrift, MonitorReport, now
from mlnb.monitoring import page

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture(autouse=True)
def no_window() -> Iterator[None]:
    """Draw into files, and leave no figure open."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt

    yield
    plt.close("all")


def feature(name: str, psi: float) -> FeatureDrift:
    return FeatureDrift(
        feature=name,
        kind="numeric",
        psi=psi,
        test="ks",
        statistic=0.1,
        p_value=0.0,
        p_adjusted=0.0,
        drifted=psi >= 0.2,
    )


def period(number: int, *, labelled: bool = True) -> DriftReport:
    auc = 0.7 - 0.05 * number
    return DriftReport(
        endpoint="arrivals",
        model="late@1",
        period=f"2013-{number + 4:02d}",
        rows=1000,
        reference="train@1",
        features=[feature("wind", 0.01), feature("<temp>", 0.3 * number)],
        drifted=number > 0,
        predictions=feature("score", 0.05),
        labelled=900 if labelled else 0,
        performance={"roc_auc": auc, "brier": 0.2} if labelled else {},
        intervals={"roc_auc": (auc - 0.01, auc + 0.02)} if labelled else {},
        baseline={"roc_auc": 0.7, "brier": 0.2} if labelled else {},
    )


ALERT = Alert(
    endpoint="arrivals", kind="performance", period="2013-06", message="fell", created=now()
)
REPORT = MonitorReport(
    endpoint="arrivals",
    model="late@1",
    reference="train@1",
    created=now(),
    periods=[period(number) for number in range(3)],
    alerts=[ALERT],
)


def test_the_heat_map_has_a_row_per_feature_the_furthest_first(tmp_path: Path) -> None:
    figure = monitoring.plot_drift(REPORT)
    axes = figure.axes[0]
    rows = [text.get_text() for text in axes.get_yticklabels()]
    assert rows == ["predictions", "<temp>", "wind"]
    columns = [text.get_text() for text in axes.get_xticklabels()]
    assert columns == ["2013-04", "2013-05 ▲", "2013-06 ▲"]
    assert [text.get_text() for text in axes.texts][3:6] == ["0.00", "0.30", "0.60"]
    assert len(axes.patches) == 2  # a frame per drifted cell
    assert axes.images[0].get_array().tolist()[1] == [0.0, 0.3, 0.6]
    figure.savefig(tmp_path / "drift.png")
    assert (tmp_path / "drift.png").stat().st_size > 10_000


def test_performance_is_drawn_with_interval_and_baseline() -> None:
    axes = monitoring.plot_performance(REPORT).axes[0]
    assert axes.get_ylabel() == "roc_auc"
    good, bad = axes.containers
    assert list(good.lines[0].get_ydata()) == pytest.approx([0.7, 0.65])
    assert list(bad.lines[0].get_ydata()) == pytest.approx([0.6])
    segments = good.lines[2][0].get_segments()
    assert [float(y) for y in segments[0][:, 1]] == pytest.approx([0.69, 0.72])
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "at validation",
        "realised, with interval",
        "fell behind",
    ]


def test_another_metric_can_be_drawn() -> None:
    assert monitoring.plot_performance(REPORT, "brier").axes[0].get_ylabel() == "brier"


def test_without_labels_the_figure_says_so() -> None:
    bare = replace(REPORT, periods=[period(0, labelled=False)], alerts=[])
    axes = monitoring.plot_performance(bare).axes[0]
    assert [text.get_text() for text in axes.texts] == ["no labels yet"]


def test_many_periods_fit() -> None:
    days = [replace(period(0), period=f"day {number}") for number in range(200)]
    figure = monitoring.plot_drift(replace(REPORT, periods=days))
    assert figure.get_size_inches()[0] == 16
    assert len(figure.axes[0].get_xticklabels()) <= 24
    assert len(figure.axes[0].texts) == 0


def test_a_report_without_periods_cannot_be_drawn() -> None:
    for draw in (monitoring.plot_drift, monitoring.plot_performance):
        with pytest.raises(BadInput, match="no period to draw"):
            draw(replace(REPORT, periods=[]))


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    page.write(REPORT, tmp_path / "new" / "report.html")
    text = (tmp_path / "new" / "report.html").read_text()
    assert text.count("<svg") == 2
    assert "Drifted: <strong>2013-05, 2013-06</strong>" in text
    assert "&lt;temp&gt;" in text
    assert "<temp>" not in text
    for foreign in ("<script", "src=", '<link rel="stylesheet"'):
        assert foreign not in text
    assert [item.name for item in (tmp_path / "new").iterdir()] == ["report.html"]


def test_the_page_opens_no_figure_of_the_notebook(tmp_path: Path) -> None:
    from matplotlib import pyplot as plt

    page.write(REPORT, tmp_path / "report.html")
    assert plt.get_fignums() == []


def test_an_empty_report_has_a_page_too() -> None:
    assert "served nothing" in page.html(replace(REPORT, periods=[], alerts=[]))


def test_a_feature_may_be_called_anything() -> None:
    odd = "US$_{x$ & <b>"
    made = replace(REPORT, periods=[replace(period(0), features=[feature(odd, 0.1)])])
    labels = monitoring.plot_drift(made).axes[0].get_yticklabels()
    assert odd in [label.get_text() for label in labels]
    assert "<b>" not in page.html(made)
