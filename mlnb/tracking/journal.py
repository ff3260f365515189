"""Where runs go while the tracking store does not answer, and how they get home.

The journal is an MLflow store of its own, on SQLite below ``.mlnb/local/journal``. So MLflow's
functions and autologging work in a cell as always, whatever the state of the real store. A run in
it is a whole run, or the rest of one that began in the real store (tag ``mlnb.journal.run``). Runs
that have ended are copied to the real store when it answers again. A delivery that is
interrupted is repeated: every write in it may happen twice without harm.
"""

import fcntl
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlnb.core.errors import BadInput
from mlnb.core.project import STATE, Project
from mlnb.tracking import inputs, store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

TARGET = "mlnb.journal.run"
"""On a journal run: the run in the real store that it continues."""
ORIGIN = "mlnb.journal"
"""On a delivered run: its id in the journal."""
_PARENT = "mlflow.parentRunId"

_logger = logging.getLogger("mlnb.tracking")


def uri(project: Project) -> str:
    """Return the journal's tracking URI."""
    return f"sqlite:///{_folder(project) / 'mlflow.db'}"


def _folder(project: Project) -> Path:
    return project.state / "local" / "journal"


def _exists(project: Project) -> bool:
    return (project.root / STATE / "local" / "journal" / "mlflow.db").exists()  # makes no folder


def waiting(project: Project) -> int:
    """Return how many ended runs wait for delivery."""
    if not _exists(project):
        return 0
    client = store.client(uri(project))
    with store.failures(uri(project)):
        return len(_ended(client))


def deliver(project: Project) -> int:
    """Copy the ended runs to the tracking store; returns how many.

    Another process that is delivering already is left alone.

    Raises
    ------
    TrackingUnavailable
        If the tracking store does not answer; nothing is lost.
    """
    if not _exists(project):
        return 0
    target_uri = project.tracking_uri
    store.check(target_uri)
    with _alone(_folder(project)) as alone:
        if not alone:
            return 0
        source, target = store.client(uri(project)), store.client(target_uri)
        delivered = 0
        with store.failures(target_uri):
            waiting_ids = {run.info.run_id for run in _all(source)}
            for run in _ended(source):
                parent = run.data.tags.get(_PARENT, "")
                if parent in waiting_ids and _delivered(source, target, parent) is None:
                    continue  # after its parent, so that it can name it
                try:
                    with store.failures(target_uri):
                        _deliver(project, source, target, run)
                except BadInput as error:  # say, the run that it continues was deleted
                    name = run.info.run_name
                    _logger.warning("mlnb: run %r stays in the journal: %s", name, error.message)
                    continue
                delivered += 1
    if delivered:
        runs = "run" if delivered == 1 else "runs"
        _logger.warning("mlnb: delivered %d %s from the journal.", delivered, runs)
    return delivered


def _all(client: "MlflowClient") -> "list[Run]":
    experiments = [item.experiment_id for item in client.search_experiments()]
    return list(
        client.search_runs(experiments, max_results=1000, order_by=["attributes.start_time ASC"])
    )


def _ended(client: "MlflowClient") -> "list[Run]":
    return [run for run in _all(client) if run.info.status != "RUNNING"]


def _delivered(source: "MlflowClient", target: "MlflowClient", run_id: str) -> str | None:
    """Return the id under which a journal run is in the real store."""
    with suppress(Exception):
        if home := source.get_run(run_id).data.tags.get(TARGET):
            return str(home)
    experiments = [item.experiment_id for item in target.search_experiments()]
    found = target.search_runs(experiments, filter_string=f"tags.`{ORIGIN}` = '{run_id}'")
    return str(found[0].info.run_id) if found else None


def _deliver(project: Project, source: "MlflowClient", target: "MlflowClient", run: "Run") -> None:
    tags = {key: value for key, value in run.data.tags.items() if key != TARGET}
    parent = tags.get(_PARENT)
    if parent and (home := _delivered(source, target, parent)):
        tags[_PARENT] = home
    run_id = _delivered(source, target, run.info.run_id)
    if run_id is None:
        experiment = source.get_experiment(run.info.experiment_id).name
        made = target.create_run(
            store.experiment_id(experiment, project.tracking_uri),
            start_time=run.info.start_time,
            run_name=run.info.run_name,
            tags={**tags, ORIGIN: run.info.run_id},
        )
        run_id = made.info.run_id
    _copy(source, target, run, run_id, tags)
    target.set_terminated(run_id, run.info.status, end_time=run.info.end_time)
    source.delete_run(run.info.run_id)
    folder = store.artifact_root(_folder(project) / "mlflow.db")
    shutil.rmtree(_local(run, folder), ignore_errors=True)


def _copy(
    source: "MlflowClient", target: "MlflowClient", run: "Run", run_id: str, tags: dict[str, str]
) -> None:
    from mlflow.entities import Param, RunTag

    metrics: list[Any] = []
    for key in run.data.metrics:
        metrics += source.get_metric_history(run.info.run_id, key)
    params = [Param(key, value) for key, value in run.data.params.items()]
    log_batch(target, run_id, metrics, params, [RunTag(*item) for item in tags.items()])
    if run.inputs and run.inputs.dataset_inputs:
        inputs.record(target, run_id, run.inputs.dataset_inputs)
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    if artifacts.is_dir():
        target.log_artifacts(run_id, str(artifacts))


def log_batch(
    client: "MlflowClient", run_id: str, metrics: list[Any], params: list[Any], tags: list[Any]
) -> None:
    """Write any number of metrics, parameters and tags, in batches that MLflow takes."""
    for start in range(0, len(metrics), 900):
        client.log_batch(run_id, metrics=metrics[start : start + 900])
    for start in range(0, len(params), 100):
        client.log_batch(run_id, params=params[start : start + 100])
    for start in range(0, len(tags), 100):
        client.log_batch(run_id, tags=tags[start : start + 100])


def _local(run: "Run", root: Path) -> Path:
    """Return the run's own folder below the journal's artifacts (its artifact folder's parent)."""
    folder = Path(run.info.artifact_uri.removeprefix("file://")).parent
    return folder if folder.is_relative_to(root) and folder != root else root / "none"


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    with (folder / "delivery.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
