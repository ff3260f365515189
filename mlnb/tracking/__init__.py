"""Runs, provenance and the model registry; MLflow is the store.

``start``/``end`` (or ``track``) open and close a run, ``log`` writes to the active one, ``flush``
waits until the store has it. The modules, in the order in which a record passes them: `run` (the
active run), `recording` (what is written to it), `writing` and `journal` (where it is written),
`shipper` and `delivery` (how it gets to the store), `store` (the connection), `runs` (runs read
back). With `fluent`, `following` and `aside` MLflow's own functions write into the active run.
`models` is the registry.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "Run": "mlnb.tracking.recording",
    "active": "mlnb.tracking.run",
    "end": "mlnb.tracking.run",
    "flush": "mlnb.tracking.flushing",
    "log": "mlnb.tracking.run",
    "start": "mlnb.tracking.run",
    "track": "mlnb.tracking.run",
}
_MODULES = ("journal", "models", "runs", "store")

__all__ = [
    "Run",
    "active",
    "end",
    "flush",
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
