"""The connection to MLflow: opened once per process and URI, with failures in our own words."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, MlnbError, TrackingUnavailable
from mlnb.core.urls import without_secrets

if TYPE_CHECKING:
    from mlflow import MlflowClient

PROBE_SECONDS = 3.0
"""How long a tracking server may take to answer before the journal is used instead."""

_QUIET = {
    # MLflow reports its use to its makers unless told otherwise; mlnb sends nothing anywhere.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # A progress bar per file and a line per run would stand in the user's output.
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
_BAD_INPUT = {
    "INVALID_PARAMETER_VALUE",
    "BAD_REQUEST",
    "RESOURCE_ALREADY_EXISTS",
    "RESOURCE_DOES_NOT_EXIST",
    "INVALID_STATE",
}


def client() -> "MlflowClient":
    """Return the client of the project's tracking store, in which is what was logged so far.

    Raises
    ------
    TrackingUnavailable
        If the store cannot be opened.
    """
    from mlnb.tracking import flushing

    project = projects.current()
    opened = connection(project.tracking_uri)
    flushing.settle(project)
    return opened


def connection(uri: str) -> "MlflowClient":
    """Return the client of a store, whatever waits to be delivered to it.

    Raises
    ------
    TrackingUnavailable
        If the store cannot be opened.
    """
    with _opening:
        return _open(uri, os.getpid())


_opening = Lock()
"""Alembic, which migrates a new database, cannot do so in two threads at once."""


@cache
def _open(uri: str, _process: int) -> "MlflowClient":
    check(uri)
    quiet()
    from mlflow import MlflowClient

    with failures(uri):
        prepare(uri)
        opened = MlflowClient(tracking_uri=uri, registry_uri=uri)
        opened.search_experiments(max_results=1)
        return opened


def check(uri: str) -> None:
    """Return at once if a store is likely to answer.

    MLflow retries a server that is down for minutes; this asks it once.

    Raises
    ------
    TrackingUnavailable
        If a server does not answer.
    """
    if urlsplit(uri).scheme not in ("http", "https"):
        return
    request = urllib.request.Request(f"{uri.rstrip('/')}/health")  # noqa: S310  (http, https only)
    try:
        urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()  # noqa: S310  (see above)
    except urllib.error.HTTPError:
        return  # it answers; whether it lets us in, MLflow will tell
    except (OSError, ValueError) as error:
        raise TrackingUnavailable(without_secrets(uri), _first_line(error)) from None


def prepare(uri: str) -> None:
    """Make what MLflow would make itself, in seconds: a SQLite database and its tables."""
    database = sqlite_file(uri)
    if database is not None and not database.exists():
        from mlnb.tracking import template

        template.create(database, artifact_root(database))


def quiet() -> None:
    """Say to MLflow, before it is imported, what it shall not do."""
    for variable, value in _QUIET.items():
        os.environ.setdefault(variable, value)


def use(uri: str) -> None:
    """Point MLflow's own functions (``mlflow.log_metric``, autologging) at a store."""
    connection(uri)
    import mlflow

    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)


def experiment_id(name: str, uri: str | None = None) -> str:
    """Return an experiment's id, creating the experiment when it is new.

    Raises
    ------
    BadInput
        If it was deleted, or the name cannot be one.
    TrackingUnavailable
        If the store fails.
    """
    uri = uri or projects.current().tracking_uri
    mlflow_client = connection(uri)
    with failures(uri):
        found = mlflow_client.get_experiment_by_name(name)
        if found is None:
            database = sqlite_file(uri)
            # Local artifacts go beside the database, not below whatever folder is current.
            location = str(artifact_root(database) / _folder(name)) if database else None
            try:
                return str(mlflow_client.create_experiment(name, artifact_location=location))
            except Exception:
                found = mlflow_client.get_experiment_by_name(name)  # another process was first
                if found is None:
                    raise
        if found.lifecycle_stage != "active":
            raise BadInput(
                f"The experiment {name!r} was deleted.",
                "Choose another name, or restore it: mlflow experiments restore "
                f"--experiment-id {found.experiment_id}",
            )
        return str(found.experiment_id)


@contextmanager
def failures(uri: str | None = None) -> Iterator[None]:
    """Raise what MLflow, a database or a network raises as `BadInput` or `TrackingUnavailable`."""
    try:
        yield
    except MlnbError:
        raise
    except Exception as error:
        place = without_secrets(uri or projects.current().tracking_uri)
        if getattr(error, "error_code", "") in _BAD_INPUT:
            raise BadInput(_first_line(error)) from error
        reason = _first_line(error)
        if "out-of-date database schema" in reason:
            raise TrackingUnavailable(
                place, f"its schema is of another MLflow; run: mlflow db upgrade {place}"
            ) from error
        raise TrackingUnavailable(place, reason) from error


def sqlite_file(uri: str) -> Path | None:
    """Return the database file of a SQLite URI, else None."""
    scheme, _, path = uri.partition(":///")
    if not scheme.startswith("sqlite") or not path or path == ":memory:":
        return None
    return Path(path.partition("?")[0])


def absent(uri: str) -> bool:
    """Tell whether a store is a database that nothing was ever written to; readers make none."""
    database = sqlite_file(uri)
    return database is not None and not database.exists()


def artifact_root(database: Path) -> Path:
    """Return where the artifacts of a SQLite store are kept: beside it."""
    return database.parent / "mlartifacts"


def _folder(experiment: str) -> str:
    from mlnb.core.hashing import digest_bytes

    safe = "".join(c if c.isalnum() or c in "._-" else "-" for c in experiment)[:60].strip(".")
    plain = safe == experiment
    return safe if plain else f"{safe}-{digest_bytes(experiment.encode())[:8]}"


def _first_line(error: Any) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
