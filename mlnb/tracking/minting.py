"""Runs in the store for runs of the journal: each once, under its own id where that can be.

The id is known in the kernel before the store is asked. A database can be given it; a tracking
server makes up another, and the tag `journal.ORIGIN` of the run there names ours.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project
from mlnb.tracking import journal, registry, store

if TYPE_CHECKING:
    from mlflow import MlflowClient

_COLUMNS = {
    *("run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id", "status"),
    *("start_time", "end_time", "deleted_time", "source_version", "lifecycle_stage"),
    *("artifact_uri", "experiment_id"),
}
"""What a run is in MLflow's database; with any other columns MLflow chooses the id."""


def find(project: Project, client: "MlflowClient", run: str) -> str:
    """Return the id under which a run of the journal is in the store.

    Raises
    ------
    UnknownName
        If it is not there.
    """
    for path in journal.files(project):
        if journal.run_of(path) == run and (known := journal.state(path).run):
            return known
    with suppress(BadInput), store.failures():
        return str(client.get_run(run).info.run_id)
    experiments = [item.experiment_id for item in registry.pages(client.search_experiments)]
    if found := _copies(client, run, experiments):
        return found[0]
    raise UnknownName("run", run)


def by_id(
    client: "MlflowClient",
    run: str,
    experiment: str,
    time: int,
    tags: Mapping[str, str],
    name: str,
) -> bool:
    """Make a run under its own id, unless it is there; False where the store chooses the ids.

    MLflow has no call for this. It is a row in its table of runs, written with MLflow's own
    classes, if these are as they are known here.
    """
    from mlflow.store.tracking.dbmodels.models import SqlRun, SqlTag
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from mlflow.utils.uri import append_to_uri_path

    backend: Any = client._tracking_client.store
    if type(backend) is not SqlAlchemyStore or set(SqlRun.__table__.columns.keys()) != _COLUMNS:
        return False
    from sqlalchemy.orm import Session

    place = append_to_uri_path(  # type: ignore[no-untyped-call]  # MLflow leaves it untyped
        client.get_experiment(experiment).artifact_location,
        run,
        SqlAlchemyStore.ARTIFACTS_FOLDER_NAME,
    )
    all_tags = {"mlflow.runName": name, **tags}
    with Session(backend.engine) as session, session.begin():
        if session.get(SqlRun, run) is not None:
            return True  # an earlier delivery was interrupted just then
        made = SqlRun(
            run_uuid=run,
            name=name,
            artifact_uri=place,
            experiment_id=int(experiment),
            source_type="UNKNOWN",
            source_name="",
            entry_point_name="",
            source_version="",
            user_id=tags.get("mlflow.user", "unknown"),
            status="RUNNING",
            start_time=time,
            lifecycle_stage="active",
        )
        made.tags = [SqlTag(key=key, value=value) for key, value in all_tags.items()]
        session.add(made)
    return True


def by_server(
    client: "MlflowClient",
    run: str,
    experiment: str,
    time: int,
    tags: Mapping[str, str],
    name: str,
) -> str:
    """Make a run under an id that the server chooses, unless it is there; return the id."""
    if found := _copies(client, run, [experiment]):
        return found[0]
    created = client.create_run(experiment, time, {**tags, journal.ORIGIN: run}, name)
    return str(created.info.run_id)


def remove_copies(client: "MlflowClient", run: str, stored: str) -> int:
    """Delete what a server made for a request that had seemed lost; returns how many runs."""
    experiment = client.get_run(stored).info.experiment_id
    others = [copy for copy in _copies(client, run, [experiment]) if copy != stored]
    for other in others:
        client.delete_run(other)
    return len(others)


def _copies(client: "MlflowClient", run: str, experiments: list[str]) -> list[str]:
    found = client.search_runs(
        experiments, filter_string=f"tags.`{journal.ORIGIN}` = '{run}'", max_results=50
    )
    return sorted(str(item.info.run_id) for item in found)
