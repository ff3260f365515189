"""Rates and quantiles, from counts that a real worker's memory holds."""

import pytest

from mlnb.core.project import Project
from mlnb.serving import folders, gauging, metrics
from mlnb.serving.gauging import Gauge, quantile
from mlnb.serving.metrics import BUCKETS, Metrics


def test_an_endpoint_that_has_counted_nothing_has_no_rates(project: Project) -> None:
    assert Gauge("a").look() == {}


def test_what_was_counted_since_the_last_look(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [100.0]
    monkeypatch.setattr(gauging.time, "monotonic", lambda: moment[0])
    monkeypatch.setenv(metrics.SHARED, str(folders.endpoint_folder("a") / "metrics"))
    worker = Metrics("3", "m@1")
    monkeypatch.delenv(metrics.SHARED)  # of workers only
    gauge = Gauge("a")
    for _ in range(50):
        worker.begin()
        worker.end(200, 0.004, 1)
    assert gauge.look()[3].requests == 50
    for status in (200,) * 15 + (500,) * 5:
        worker.begin()
        worker.end(status, 0.004, 1)
    moment[0] += 10
    (rate,) = gauge.look().values()
    assert rate.per_second == 2
    assert (rate.requests, rate.errors, rate.failing) == (70, 5, 0.25)
    assert 2.5 < (rate.p50 or 0) <= (rate.p99 or 0) <= 5
    moment[0] += 2 * gauging.WINDOW
    gauge.look()
    moment[0] += gauging.WINDOW
    assert gauge.look()[3].per_second == 0, "what was long ago is no rate"


@pytest.mark.parametrize(("share", "least", "most"), [(0.5, 0, 0.5), (0.99, 1, 2.5)])
def test_a_quantile_lies_in_its_bucket(share: float, least: float, most: float) -> None:
    times = [0] * (len(BUCKETS) + 1)
    times[0], times[2] = 90, 10
    found = quantile(times, share)
    assert found is not None
    assert least < found <= most
    assert quantile([0] * len(times), share) is None
