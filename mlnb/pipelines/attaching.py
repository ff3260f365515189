"""Gives the tracked runs that a step opened the notebook as it was executed."""

import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

from mlnb.core import project as projects


class Attacher:
    """Attaches notebooks in the background: importing MLflow must not hold up the next step."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="mlnb-attach")
        self._waiting: list[Future[None]] = []

    def attach(self, runs: list[str], notebook: Path, *, finished: bool) -> None:
        """Attach a notebook to runs; close the runs whose kernel died (``finished`` is False)."""
        if runs:
            job = self._thread.submit(copy_context().run, _attach, runs, notebook, finished)
            self._waiting.append(job)

    def close(self) -> None:
        """Wait for the rest; what could not be done is told once, as a warning."""
        self._thread.shutdown(wait=True)
        problems = [error for job in self._waiting if (error := job.exception())]
        if problems:
            count = len(problems)
            warnings.warn(
                f"{count} executed {'notebook' if count == 1 else 'notebooks'} could not be "
                f"attached to a run: {problems[0]}",
                stacklevel=2,
            )


def _attach(runs: list[str], notebook: Path, finished: bool) -> None:
    from mlnb.tracking import flushing
    from mlnb.tracking import runs as tracked

    for run in runs:
        tracked.attach_notebook(run, notebook)
    if not finished:
        flushing.settle(projects.current())
