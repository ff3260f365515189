"""What kind of failure a step's is: retries may be for some kinds only."""

from typing import Literal

from mlnb.core.errors import CellFailed, KernelDied, MlnbError, TimedOut

Cause = Literal["", "failed", "timeout", "memory"]


def of(error: MlnbError | None) -> Cause:
    """Return the kind of an error that a notebook, script or function has ended with."""
    if error is None:
        return ""
    if isinstance(error, TimedOut):
        return "timeout"
    if isinstance(error, CellFailed):
        return "memory" if error.error.rpartition(".")[2] in _OUT_OF_MEMORY else "failed"
    if isinstance(error, KernelDied) and "memory" in error.message:
        return "memory"
    return "failed"


_OUT_OF_MEMORY = {"MemoryError", "_ArrayMemoryError", "ArrowMemoryError", "OutOfMemoryError"}
"""Python's, NumPy's, Arrow's, PyTorch's and DuckDB's."""


def explained(error: MlnbError | None, memory: int) -> str:
    """Return an error's text; one for want of memory says how much the step was given."""
    if error is None:
        return ""
    if memory and of(error) == "memory":
        return f"{error.message} It may use {memory / 2**20:g} MiB (its resources.memory)."
    return str(error)
