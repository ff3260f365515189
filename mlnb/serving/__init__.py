"""Endpoints: releases of a registered model behind a stable name and port."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.serving.autostarting import autostart
    from mlnb.serving.client import Endpoint
    from mlnb.serving.endpoints import endpoint, history, list_endpoints, logs, status, stop
    from mlnb.serving.prediction_reader import predictions
    from mlnb.serving.releasing import deploy, promote, rollback, shift, start

_HOMES = {
    "Endpoint": "client",
    "autostart": "autostarting",
    "deploy": "releasing",
    "endpoint": "endpoints",
    "history": "endpoints",
    "list_endpoints": "endpoints",
    "logs": "endpoints",
    "predictions": "prediction_reader",
    "promote": "releasing",
    "rollback": "releasing",
    "shift": "releasing",
    "start": "releasing",
    "status": "endpoints",
    "stop": "endpoints",
}

__all__ = [
    "Endpoint",
    "autostart",
    "deploy",
    "endpoint",
    "history",
    "list_endpoints",
    "logs",
    "predictions",
    "promote",
    "rollback",
    "shift",
    "start",
    "status",
    "stop",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
