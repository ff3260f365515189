"""Runs, provenance and the model registry; MLflow is the store.

``start``/``end`` (or ``track``) open and close a run, ``log`` writes to the active one. The
modules: `store` (the connection), `run` (the active run), `runs` (runs read back), `models`
(the registry), `journal` (what waits for an unreachable store).
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Run": "mlnb.tracking.recording",
    "active": "mlnb.tracking.run",
    "end": "mlnb.tracking.run",
    "log": "mlnb.tracking.run",
    "start": "mlnb.tracking.run",
    "track": "mlnb.tracking.run",
}
_MODULES = ("journal", "models", "runs", "store")

__all__ = [
    "Run",
    "active",
    "end",
    "journal",
    "log",
    "models",
    "runs",
    "start",
    "store",
    "track",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value: Any = getattr(import_module(_HOMES[name]), name)
    elif name in _MODULES:
        return import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value
