"""What stands for our run on MLflow's stack of active runs."""

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow import ActiveRun
from mlflow.entities import Run as MlflowRun
from mlflow.entities import RunData, RunInfo, RunInputs, RunOutputs
from mlflow.tracking import fluent

from mlnb.core.errors import MlnbError
from mlnb.tracking import store
from mlnb.tracking.delivery import PARENT

if TYPE_CHECKING:
    from mlnb.tracking.recording import Run

_logger = logging.getLogger("mlnb.tracking")


class Follower(ActiveRun):
    """Our run, as MLflow sees it: it is asked for in the store when somebody wants to know."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._place = ("", "")
        self._known: MlflowRun | None = None
        self._stack: list[Any] = fluent._active_run_stack.get()  # type: ignore[no-untyped-call]  # MLflow's own
        self._withdrawn = False
        uri = run.project.tracking_uri
        with suppress(MlnbError, OSError):  # said when MLflow asks for the run
            store.prepare(uri)
        mlflow.set_tracking_uri(uri)
        mlflow.set_registry_uri(uri)
        self._stack.append(self)

    @property
    def info(self) -> RunInfo:
        """Return the run's metadata in the store that MLflow now writes to."""
        return self._found().info

    @property
    def data(self) -> RunData:
        """Return the run's data as it was when MLflow first asked."""
        return self._found().data

    @property
    def inputs(self) -> RunInputs | None:
        """Return the run's inputs as they were when MLflow first asked."""
        return self._found().inputs

    @property
    def outputs(self) -> RunOutputs | None:
        """Return the run's outputs as they were when MLflow first asked."""
        return self._found().outputs

    def leave(self, status: str) -> str:
        """Leave MLflow's stack; return the status that the user gave through MLflow, if any."""
        ours = self._withdrawn or any(item is self for item in self._stack)
        if self._known is not None:
            self._end_inside(status)
        self.withdraw()
        if self._known is None:
            return ""
        self._run.end_aside(status)
        if ours or self._place[0] != self._run.project.tracking_uri:
            return ""
        with suppress(MlnbError), store.failures():
            client = store.connection(self._place[0])
            given = str(client.get_run(self._place[1]).info.status)
            return "" if given == "RUNNING" else given
        return ""

    def withdraw(self) -> None:
        """Leave MLflow's stack, with what was opened inside; no store is asked.

        MLflow's own ``end_run`` would try for minutes to reach a server that is down.
        """
        self._withdrawn = True
        inside = self._place[1]
        self._stack[:] = [
            item
            for item in self._stack
            if item is not self
            and (isinstance(item, Follower) or not inside or _parent(item) != inside)
        ]

    def _end_inside(self, status: str) -> None:
        while self._stack and self._stack[-1] is not self:
            item = self._stack[-1]
            if isinstance(item, Follower) or _parent(item) != self._place[1]:
                return
            with suppress(Exception):  # it leaves the stack even if the store then refuses
                mlflow.end_run(status)

    def _found(self) -> MlflowRun:
        place = self._run.mlflow_place()
        if self._known is None or place != self._place:
            uri, run = self._place = place
            store.use(uri)
            with store.failures(uri):
                self._known = store.connection(uri).get_run(run)
            mlflow.set_experiment(experiment_id=self._known.info.experiment_id)
        return self._known


def _parent(item: Any) -> str:
    return str(item.data.tags.get(PARENT, ""))
