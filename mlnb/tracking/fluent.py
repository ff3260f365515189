"""MLflow's own functions follow our run: ``mlflow.log_metric`` and autologging write into it."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mlnb.tracking import store

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PARENT = "mlflow.parentRunId"
_logger = logging.getLogger("mlnb.tracking")


def enter(uri: str, experiment: str, run_id: str) -> None:
    """Make a run MLflow's active one."""
    import mlflow

    store.use(uri)
    mlflow.set_experiment(experiment_id=experiment)
    mlflow.start_run(run_id=run_id, nested=True)


def leave(client: "MlflowClient", run_id: str, status: str) -> None:
    """End a run, and what was left open inside it, in MLflow's stack and in the store."""
    import mlflow

    while (open_run := mlflow.active_run()) is not None:
        found = open_run.info.run_id
        inside = open_run.data.tags.get(_PARENT) == run_id
        if found != run_id and not inside:
            break
        with suppress(Exception):  # it leaves the stack even if the store then refuses
            mlflow.end_run(status)
        if found == run_id:
            break
    if client.get_run(run_id).info.status == "RUNNING":
        client.set_terminated(run_id, status)


def forget(run_ids: Sequence[str]) -> None:
    """Take runs, and what was opened inside them, off MLflow's stack without asking any store.

    MLflow's own ``end_run`` would try for minutes to reach a server that is down.
    """
    from mlflow.tracking import fluent

    stack = fluent._active_run_stack.get()  # type: ignore[no-untyped-call]  # MLflow's own
    stack[:] = [
        item
        for item in stack
        if item.info.run_id not in run_ids and item.data.tags.get(_PARENT) not in run_ids
    ]
