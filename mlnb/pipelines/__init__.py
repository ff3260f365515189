"""Pipelines of notebooks: the file, the plan, the run, its progress and its report."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.pipelines import progress as progress
    from mlnb.pipelines.caching.foreseeing import foresee as foresee
    from mlnb.pipelines.cancelling import cancel as cancel
    from mlnb.pipelines.history import failure as failure
    from mlnb.pipelines.history import runs as runs
    from mlnb.pipelines.history import show as show
    from mlnb.pipelines.joining import perform_step as perform_step
    from mlnb.pipelines.planning import plan as plan
    from mlnb.pipelines.resuming import resume as resume
    from mlnb.pipelines.running import run as run

_HOMES = {
    "cancel": "mlnb.pipelines.cancelling",
    "foresee": "mlnb.pipelines.caching.foreseeing",
    "failure": "mlnb.pipelines.history",
    "perform_step": "mlnb.pipelines.joining",
    "plan": "mlnb.pipelines.planning",
    "progress": "",
    "resume": "mlnb.pipelines.resuming",
    "run": "mlnb.pipelines.running",
    "runs": "mlnb.pipelines.history",
    "show": "mlnb.pipelines.history",
}

__all__ = [
    "cancel",
    "failure",
    "foresee",
    "perform_step",
    "plan",
    "progress",
    "resume",
    "run",
    "runs",
    "show",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = _HOMES[name]
    return getattr(import_module(home), name) if home else import_module(f"{__name__}.{name}")
