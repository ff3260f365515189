"""Endpoints: releases of a registered model behind a stable name and port."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.serving.autostarting import autostart
    from mlnb.serving.client import Endpoint
    from mlnb.serving.endpoints import (
        deploy,
        endpoint,
        history,
        list_endpoints,
        logs,
        promote,
        rollback,
        shift,
        start,
        status,
        stop,
    )
    from mlnb.serving.prediction_reader import predictions

_HOMES = {
    "Endpoint": "client",
    "autostart": "autostarting",
    "deploy": "endpoints",
    "endpoint": "endpoints",
    "history": "endpoints",
    "list_endpoints": "endpoints",
    "logs": "endpoints",
    "predictions": "prediction_reader",
    "promote": "endpoints",
    "rollback": "endpoints",
    "shift": "endpoints",
    "start": "endpoints",
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
