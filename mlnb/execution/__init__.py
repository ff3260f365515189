"""Headless notebooks: papermill engine, parameters, glued values."""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # to import typing would take longer than all else
if TYPE_CHECKING:
    from typing import Any

    from mlnb.execution.executor import Execution as Execution
    from mlnb.execution.executor import attempt as attempt
    from mlnb.execution.executor import execute as execute
    from mlnb.execution.scraps import glue as glue

_HOMES = {
    "Execution": "mlnb.execution.executor",
    "attempt": "mlnb.execution.executor",
    "execute": "mlnb.execution.executor",
    "glue": "mlnb.execution.scraps",
}

__all__ = ["Execution", "attempt", "execute", "glue"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
