"""Cells run in this very process: IPython's shell, captured outputs, a journal of what happens.

No kernel, no sockets: a process (forked from a warm parent, or a fresh one) is handed a request,
runs the cells in ipykernel's own shell and writes one JSON line per happening into a journal that
its parent reads (`mlnb.execution.inprocess.journal` says which lines there are). What a cell
shows goes through ipykernel's display hook and publisher, so outputs are those of a kernel.

`prepare` builds the shell without running a line of anybody's code and without starting a
thread: a warm parent calls it once, before it forks. `main` is what a child runs.

Whoever adds something around the cells (checkpoints, tags that skip) writes a `CellHooks`.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # to import typing would take longer than all else
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from mlnb.execution.inprocess.hooks import CellHooks as CellHooks
    from mlnb.execution.inprocess.hooks import Skipped as Skipped

_HOMES = {
    "CellHooks": "mlnb.execution.inprocess.hooks",
    "Skipped": "mlnb.execution.inprocess.hooks",
}

_AHEAD = (
    "encodings.utf_8_sig",
    "ipykernel.kernelspec",
    "mlnb.execution.executor",
    "mlnb.execution.headless",
    "mlnb.execution.inprocess.driving",
    "mlnb.execution.parameters.codify",
    "mlnb.execution.warm.client",
    "mlnb.ui.cli",
    "mlnb.ui.commands.notebook",
    "mlnb.ui.views",
    "rich.console",
    "rich.table",
)
"""What a warm process has imported for `main`; the program is known by its name only."""

__all__ = ["CellHooks", "Skipped", "main", "prepare"]


def prepare() -> None:
    """Build the shell ahead of time, so that a forked child finds it ready."""
    from mlnb.execution import outputs
    from mlnb.execution.inprocess import runner, shell  # noqa: F401  (to have it imported)

    shell.prepare()
    outputs.warm()
    for name in _AHEAD:
        import_module(name)
    from mlnb.execution.inprocess import rehearsing

    rehearsing.rehearse()


def main(request: dict[str, Any]) -> NoReturn:
    """Run the cells of a request and end the process.

    The process ends as an interpreter does, threads and ``atexit`` included, but without taking
    every module apart first, which takes a large parent's fork a third of a second.

    Parameters
    ----------
    request : dict
        ``fds`` (the first is the descriptor that the journal is written to, or the program's exit
        code), ``cells`` (each with
        ``index``, ``id``, ``source``, ``tags``), ``output_limit`` (bytes kept of a cell),
        ``hooks`` (pairs of ``module:class`` and what it is called with). Or ``program``: the
        arguments of the ``mlnb`` program, which is run instead, in this warm process.
    """
    from mlnb.execution.inprocess import leaving, rehearsing

    last = request["fds"][0]
    if "program" in request:
        # The program stands above this package; only its name is known here.
        program = import_module("mlnb.ui.cli").main
        rehearsing.perform()
        leaving.leave(
            lambda: program(request["program"]), lambda status, _why: b"%d\n" % status, last
        )
    from mlnb.execution.inprocess import journal, runner

    leaving.leave(lambda: runner.run(request), journal.bye, last)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
