"""What the program does in every run, done once before a warm process is forked.

Nothing here reads a file of the user's, starts a thread or leaves a trace outside this module.
"""

from importlib import import_module
from typing import Any

_kept: Any = None


def rehearse() -> None:
    """Look for what packages offer as kernels' provisioners, and draw a result."""
    _find_provisioners()
    _tell()
    _draw()


def perform() -> None:
    """Let this process, which is about to run the program, have what was found."""
    if _kept is not None:
        type(_kept)._instance = _kept


def _find_provisioners() -> None:
    """Ask all installed packages, which takes 20 ms; each kernelspec that is read wants it.

    The result is hidden until `perform`: in a kernel the singleton is the user's to make.
    """
    from jupyter_client.provisioning.factory import KernelProvisionerFactory

    global _kept
    if not KernelProvisionerFactory.initialized():
        _kept = KernelProvisionerFactory.instance()
        KernelProvisionerFactory.clear_instance()


def _tell() -> None:
    """Have the validator of events, which takes some milliseconds to make."""
    from mlnb.core.events import Event
    from mlnb.core.records import now

    Event.from_dict(Event(kind="cell.started", subject="a", time=now(), data={}).to_dict())


def _draw() -> None:
    """Import whatever a result is drawn with."""
    from mlnb.execution.executor import NotebookRun

    shown = NotebookRun(
        notebook="a.ipynb",
        output="b.ipynb",
        status="FINISHED",
        cells=1,
        cells_done=1,
        failed_cell=None,
        error="",
        seconds=0.1,
        runner="inprocess",
        why="",
        values={},
        notes=[],
    )
    # The program stands above this package; only its name is known here.
    import_module("mlnb.ui.render").to_text(shown)
