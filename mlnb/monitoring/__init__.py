"""Prediction logs → drift and realised performance → alerts."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.monitoring.alarms import alerts
    from mlnb.monitoring.labels import label
    from mlnb.monitoring.plots import plot_drift, plot_performance
    from mlnb.monitoring.watch import report

__all__ = ["alerts", "label", "plot_drift", "plot_performance", "report"]

_HOMES = {
    "alerts": "mlnb.monitoring.alarms",
    "label": "mlnb.monitoring.labels",
    "plot_drift": "mlnb.monitoring.plots",
    "plot_performance": "mlnb.monitoring.plots",
    "report": "mlnb.monitoring.watch",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
