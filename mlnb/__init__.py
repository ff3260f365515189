"""mlnb: the whole ML lifecycle from the notebook.

The public API is the exact list `__all__`; each name is imported on first use, so that
``import mlnb`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # to import typing would take longer than all else
if TYPE_CHECKING:
    from typing import Any

_HOMES = {
    "datasets": "mlnb.datasets",
    "tracking": "mlnb.tracking",
    "models": "mlnb.tracking.models",
    "pipelines": "mlnb.pipelines",
    "validation": "mlnb.validation",
    "serving": "mlnb.serving",
    "monitoring": "mlnb.monitoring",
    "sharing": "mlnb.sharing",
    "track": "mlnb.tracking:track",
    "log": "mlnb.tracking:log",
    "glue": "mlnb.execution.scraps:glue",
    "inputs": "mlnb.pipelines.passing:inputs",
    "Secret": "mlnb.execution.parameters.secret:Secret",
    "MlnbError": "mlnb.core.errors:MlnbError",
}

__all__ = [
    "MlnbError",
    "Secret",
    "__version__",
    "datasets",
    "glue",
    "inputs",
    "log",
    "models",
    "monitoring",
    "pipelines",
    "serving",
    "sharing",
    "track",
    "tracking",
    "validation",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = import_module("importlib.metadata").version("mlnb")
    elif name in _HOMES:
        home, _, attribute = _HOMES[name].partition(":")
        value = import_module(home)
        if attribute:
            value = getattr(value, attribute)
    else:
        raise AttributeError(f"module 'mlnb' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def load_ipython_extension(shell: Any) -> None:
    """Register every magic (``%load_ext mlnb``)."""
    import_module("mlnb.ui.magics").register(shell)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "mlnb.ui.server"}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "ui/labextension", "dest": "mlnb"}]
