"""Cells run in this very process: an IPython shell, its outputs captured, a journal of what happens.

No kernel, no sockets: a process (forked from a warm parent, or a fresh one) is handed a request,
runs the cells in ipykernel's own shell and writes one JSON line per happening into a journal that
its parent reads (`mlnb.execution.inprocess.journal` says which lines there are). What a cell
shows goes through ipykernel's display hook and publisher, so outputs are those of a kernel.

`prepare` builds the shell without running a line of anybody's code and without starting a
thread: a warm parent calls it once, before it forks. `main` is what a child runs.

Whoever adds something around the cells (checkpoints, tags that skip) writes a `CellHooks`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.execution.inprocess.hooks import CellHooks as CellHooks
    from mlnb.execution.inprocess.hooks import Skipped as Skipped

_HOMES = {
    "CellHooks": "mlnb.execution.inprocess.hooks",
    "Skipped": "mlnb.execution.inprocess.hooks",
}

__all__ = ["CellHooks", "Skipped", "main", "prepare"]


def prepare() -> None:
    """Build the shell ahead of time, so that a forked child finds it ready."""
    from mlnb.execution.inprocess import shell

    shell.prepare()


def main(request: dict[str, Any]) -> int:
    """Run the cells of a request; returns the exit status of the process.

    Parameters
    ----------
    request : dict
        ``journal`` (descriptor, or path of a FIFO, that lines are written to), ``cells`` (each
        with ``index``, ``id``, ``source``, ``tags``), ``output_limit`` (bytes kept of a cell),
        ``hooks`` (pairs of ``module:class`` and what it is called with).
    """
    from mlnb.execution.inprocess import runner

    return runner.run(request)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
