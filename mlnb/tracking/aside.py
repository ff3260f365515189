"""Where MLflow's own functions write while the tracking store does not answer.

What mlnb logs goes to the journal at any time. ``mlflow.log_metric`` and autologging need a store
there and then: an MLflow store of its own, on SQLite below ``.mlnb/local/journal``. A run in it is
what MLflow wrote of one run of the journal (tag ``mlnb.journal.run``), or a run that MLflow opened
inside that. They are copied to the real store when it answers again. A delivery that is
interrupted is repeated: every write in it may happen twice without harm.
"""

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlnb.core.errors import BadInput, MlnbError
from mlnb.core.project import Project
from mlnb.tracking import inputs, journal, store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

TARGET = "mlnb.journal.run"
"""On a run here: the run of the journal that it is part of."""
_PARENT = "mlflow.parentRunId"


def uri(project: Project) -> str:
    """Return the tracking URI."""
    return f"sqlite:///{_database(project)}"


def exists(project: Project) -> bool:
    """Tell whether MLflow has ever written here."""
    return _database(project).exists()


def create(project: Project, experiment: str, name: str, run: str) -> str:
    """Create the part of a run that MLflow writes, and return its id here.

    Raises
    ------
    TrackingUnavailable
        If this cannot be written either.
    """
    place = uri(project)
    made = store.experiment_id(experiment, place)
    with store.failures(place):
        client = store.connection(place)
        return str(client.create_run(made, run_name=name, tags={TARGET: run}).info.run_id)


def deliver(project: Project) -> None:
    """Copy what has ended to the tracking store.

    Raises
    ------
    TrackingUnavailable
        If the tracking store does not answer; nothing is lost.
    """
    if not exists(project):
        return
    place = uri(project)
    with store.failures(place):
        source = store.connection(place)
        found = _all(source)
    if not found:
        return
    store.check(project.tracking_uri)
    target = store.connection(project.tracking_uri)
    open_runs = {journal.run_of(path) for path in journal.files(project) if journal.is_open(path)}
    waiting = {run.info.run_id for run in found}
    for run in found:
        owner = run.data.tags.get(TARGET, "")
        if owner in open_runs or (not owner and run.info.status == "RUNNING"):
            continue
        parent = run.data.tags.get(_PARENT, "")
        if parent in waiting and _delivered(project, source, target, parent) is None:
            continue  # after its parent, so that it can name it
        with suppress(BadInput), store.failures(project.tracking_uri):  # it was deleted there
            _deliver(project, source, target, run)


def _all(client: "MlflowClient") -> "list[Run]":
    experiments = [item.experiment_id for item in client.search_experiments()]
    return list(
        client.search_runs(experiments, max_results=1000, order_by=["attributes.start_time ASC"])
    )


def _delivered(
    project: Project, source: "MlflowClient", target: "MlflowClient", run_id: str
) -> str | None:
    """Return the id under which a run here is in the real store."""
    from mlnb.tracking.minting import find

    owner = run_id
    with suppress(Exception):
        owner = source.get_run(run_id).data.tags.get(TARGET, run_id)
    with suppress(BadInput):
        return find(project, target, owner)
    return None


def _deliver(project: Project, source: "MlflowClient", target: "MlflowClient", run: "Run") -> None:
    tags = {key: value for key, value in run.data.tags.items() if key != TARGET}
    parent = tags.get(_PARENT)
    if parent and (home := _delivered(project, source, target, parent)):
        tags[_PARENT] = home
    run_id = _delivered(project, source, target, run.info.run_id)
    if TARGET in run.data.tags:
        if run_id is None:
            return  # the run it is part of is not there (yet)
        own = {key: value for key, value in tags.items() if not key.startswith("mlflow.")}
        _copy(source, target, run, run_id, own)
    else:
        if run_id is None:
            experiment = source.get_experiment(run.info.experiment_id).name
            made = target.create_run(
                store.experiment_id(experiment, project.tracking_uri),
                start_time=run.info.start_time,
                run_name=run.info.run_name,
                tags={**tags, journal.ORIGIN: run.info.run_id},
            )
            run_id = made.info.run_id
        _copy(source, target, run, run_id, tags)
        target.set_terminated(run_id, run.info.status, end_time=run.info.end_time)
    source.delete_run(run.info.run_id)
    shutil.rmtree(_local(run, store.artifact_root(_database(project))), ignore_errors=True)


def _copy(
    source: "MlflowClient", target: "MlflowClient", run: "Run", run_id: str, tags: dict[str, str]
) -> None:
    from mlflow.entities import Param, RunTag

    metrics: list[Any] = []
    for key in run.data.metrics:
        metrics += source.get_metric_history(run.info.run_id, key)
    params = [Param(key, value) for key, value in run.data.params.items()]
    _log_batch(target, run_id, metrics, params, [RunTag(*item) for item in tags.items()])
    if run.inputs and run.inputs.dataset_inputs:
        inputs.record(target, run_id, run.inputs.dataset_inputs)
    artifacts = Path(run.info.artifact_uri.removeprefix("file://"))
    if artifacts.is_dir():
        target.log_artifacts(run_id, str(artifacts))


def _log_batch(
    client: "MlflowClient", run_id: str, metrics: list[Any], params: list[Any], tags: list[Any]
) -> None:
    for start in range(0, len(metrics), 900):
        client.log_batch(run_id, metrics=metrics[start : start + 900], synchronous=True)
    for start in range(0, len(params), 100):
        client.log_batch(run_id, params=params[start : start + 100], synchronous=True)
    for start in range(0, len(tags), 100):
        client.log_batch(run_id, tags=tags[start : start + 100], synchronous=True)


def end(project: Project, run_id: str, status: str) -> None:
    """Say how the part of a run that MLflow wrote has ended."""
    with suppress(MlnbError), store.failures(uri(project)):
        store.connection(uri(project)).set_terminated(run_id, status)


def _database(project: Project) -> Path:
    return journal.folder(project) / "mlflow.db"


def _local(run: "Run", root: Path) -> Path:
    """Return the run's own folder below the artifacts here (its artifact folder's parent)."""
    folder = Path(run.info.artifact_uri.removeprefix("file://")).parent
    return folder if folder.is_relative_to(root) and folder != root else root / "none"
