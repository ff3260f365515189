"""Prometheus metrics of an endpoint: one registry in a test, all worker processes together live."""

import os
from typing import Any

from mlnb.core.extras import require

SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Folder in which the processes of one endpoint share their counts (prometheus_client's name)."""
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """What an endpoint's app counts.

    Parameters
    ----------
    release : str
        Release number, the label of every series.
    model : str
        ``name@number``.
    """

    def __init__(self, release: str, model: str) -> None:
        client = require("prometheus_client", "serving")
        self._registry = client.CollectorRegistry()
        shared: dict[str, Any] = {"registry": self._registry}
        self._release = release
        self._requests = client.Counter(
            "mlnb_requests", "Requests by HTTP status.", ["release", "status"], **shared
        )
        self._predictions = client.Counter(
            "mlnb_predictions", "Rows predicted.", ["release", "model"], **shared
        ).labels(release, model)
        self._seconds = client.Histogram(
            "mlnb_request_seconds", "Duration of requests.", ["release"], buckets=BUCKETS, **shared
        ).labels(release)
        self._in_flight = client.Gauge(
            "mlnb_requests_in_flight",
            "Requests being answered.",
            multiprocess_mode="livesum",
            **shared,
        )
        client.Gauge(
            "mlnb_release_info",
            "The release and model that serve.",
            ["release", "model"],
            multiprocess_mode="livemax",
            **shared,
        ).labels(release, model).set(1)

    def begin(self) -> None:
        """Count a request in."""
        self._in_flight.inc()

    def end(self, status: int, seconds: float, rows: int = 0) -> None:
        """Count a request out."""
        self._in_flight.dec()
        self._requests.labels(self._release, str(status)).inc()
        self._seconds.observe(seconds)
        if rows:
            self._predictions.inc(rows)

    def exposition(self) -> tuple[bytes, str]:
        """Return the text that Prometheus scrapes, and its content type."""
        client = require("prometheus_client", "serving")
        registry = self._registry
        if SHARED in os.environ:
            registry = client.CollectorRegistry()
            require("prometheus_client.multiprocess", "serving").MultiProcessCollector(registry)
        return client.generate_latest(registry), client.CONTENT_TYPE_LATEST


def totals(folder: str) -> tuple[int, int]:
    """Return how many requests the processes sharing a folder answered, and how many in error."""
    client = require("prometheus_client", "serving")
    multiprocess = require("prometheus_client.multiprocess", "serving")
    registry = client.CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=folder)
    requests = errors = 0
    for family in registry.collect():
        for sample in family.samples:
            if sample.name == "mlnb_requests_total":
                requests += int(sample.value)
                errors += int(sample.value) if sample.labels["status"][0] in "45" else 0
    return requests, errors
