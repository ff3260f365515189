"""Model test suites: held-out metrics, champion comparison, fairness → a gate."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.validation.judge import gate, history, latest, run
    from mlnb.validation.suite import Suite

__all__ = ["Suite", "gate", "history", "latest", "run"]

_HOMES = {
    "Suite": "mlnb.validation.suite",
    "gate": "mlnb.validation.judge",
    "history": "mlnb.validation.judge",
    "latest": "mlnb.validation.judge",
    "run": "mlnb.validation.judge",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
