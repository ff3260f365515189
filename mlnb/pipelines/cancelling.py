"""Stop a run that goes on in another process, here or wherever the store is shared."""

import time

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, now
from mlnb.pipelines import history, results, stopping

PATIENCE = 15.0
"""Seconds to wait for the run's end before that is left to it."""


def cancel(run: str = "latest", *, reason: str = "", patience: float = PATIENCE) -> PipelineRun:
    """Stop a run: its kernels are interrupted, and it ends as KILLED. It can be resumed.

    Parameters
    ----------
    run : str
        Its id, the beginning of it, or a pipeline's name (its newest run).
    reason : str
        Why; kept with the request.
    patience : float
        Seconds to wait for it to end.

    Returns
    -------
    PipelineRun
        As it has ended; RUNNING if it has not yet, as when its machine cannot be reached.

    Raises
    ------
    UnknownName
        If there is no such run.
    BadInput
        If it has ended.
    """
    project = projects.current()
    found = _find(project, run)
    if found.status != "RUNNING":
        raise BadInput(f"Pipeline run {found.id} has ended already: {found.status}.")
    stopping.request(project, found.id, reason)
    until = time.monotonic() + patience
    while True:
        seen = _find(project, found.id)
        if seen.status != "RUNNING" or time.monotonic() > until:
            return seen
        time.sleep(0.1)


def _find(project: Project, run: str) -> PipelineRun:
    """Return a run as the event stream, the store's record or its state there tell of it."""
    try:
        return history.show(run)
    except UnknownName:
        state = results.find(project, run)
        if state is None:
            raise
        # Somebody else's, of another machine: only its record in the store tells that it ended.
        for entry in project.store.entries(f"{history.LOG}/{state.pipeline}"):
            if entry.data.get("id") == run:
                return PipelineRun.from_dict(entry.data)
        return PipelineRun(
            id=run,
            pipeline=state.pipeline,
            status="RUNNING",
            parameters=state.parameters,
            started=state.started or now(),
        )
