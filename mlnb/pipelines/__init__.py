"""Pipelines of notebooks: the file, the plan, the run, its progress and its report."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.pipelines import progress as progress
    from mlnb.pipelines.caching.foreseeing import foresee as foresee
    from mlnb.pipelines.cancelling import cancel as cancel
    from mlnb.pipelines.closing import close as close
    from mlnb.pipelines.history import failure as failure
    from mlnb.pipelines.history import runs as runs
    from mlnb.pipelines.history import show as show
    from mlnb.pipelines.importing import import_file as import_file
    from mlnb.pipelines.joining import perform_step as perform_step
    from mlnb.pipelines.planning import plan as plan
    from mlnb.pipelines.resuming import resume as resume
    from mlnb.pipelines.running import run as run
    from mlnb.pipelines.spec.building import Builder as Builder

_HOMES = {
    "Builder": "mlnb.pipelines.spec.building",
    "cancel": "mlnb.pipelines.cancelling",
    "close": "mlnb.pipelines.closing",
    "foresee": "mlnb.pipelines.caching.foreseeing",
    "failure": "mlnb.pipelines.history",
    "import_file": "mlnb.pipelines.importing",
    "perform_step": "mlnb.pipelines.joining",
    "plan": "mlnb.pipelines.planning",
    "progress": "",
    "resume": "mlnb.pipelines.resuming",
    "run": "mlnb.pipelines.running",
    "runs": "mlnb.pipelines.history",
    "show": "mlnb.pipelines.history",
}

__all__ = [
    "Builder",
    "cancel",
    "close",
    "failure",
    "foresee",
    "import_file",
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
