"""The connection to MLflow: opened once per process and URI, with failures in our own words."""

import os
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.client import HTTPException
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, MlnbError, TrackingUnavailable
from mlnb.core.urls import without_secrets
from mlnb.tracking import answers

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
_DATABASES = {"postgresql", "mysql", "mssql"}
_STORES = (
    "mlflow.store.tracking.sqlalchemy_store",
    "mlflow.store.model_registry.sqlalchemy_store",
)
"""Where MLflow keeps an engine per database for as long as the process lives."""


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

    from mlnb.tracking import template

    with failures(uri), template.silent():
        _check_database(uri)
        prepare(uri)
        opened = MlflowClient(tracking_uri=uri, registry_uri=uri)
        if not opened.search_experiments(max_results=1):
            _check_that_it_is_one(opened, uri)
        return opened


def close() -> None:
    """Close the connections that this process keeps open to stores; they are made anew when needed.

    A process that works in many projects, one after another, would run out of descriptors.
    """
    with _opening:
        _open.cache_clear()
        for name in _STORES:
            loaded = sys.modules.get(name)
            engines = getattr(getattr(loaded, "SqlAlchemyStore", None), "_engine_map", {})
            for engine in list(engines.values()):
                engine.dispose()


def _check_database(uri: str) -> None:
    """Connect to a database server once: MLflow tries for minutes, whatever the reason."""
    if urlsplit(uri).scheme.partition("+")[0] in _DATABASES:
        from sqlalchemy import create_engine
        from sqlalchemy.pool import NullPool

        engine = create_engine(
            uri, poolclass=NullPool, connect_args={"connect_timeout": int(PROBE_SECONDS)}
        )
        engine.connect().close()


def _check_that_it_is_one(opened: "MlflowClient", uri: str) -> None:
    """Tell a store without experiments from a server that has some answer to everything."""
    try:
        found = opened.get_experiment("0")
    except Exception as error:
        if getattr(error, "error_code", "") in _BAD_INPUT:
            return
        raise
    if found.experiment_id != "0":
        raise TrackingUnavailable(without_secrets(uri), answers.NO_MLFLOW, lasting=True)


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
    address = f"{without_secrets(uri).rstrip('/')}/health"
    request = urllib.request.Request(address)  # noqa: S310  (http, https only)
    try:
        urllib.request.urlopen(request, timeout=PROBE_SECONDS).close()  # noqa: S310  (see above)
    except urllib.error.HTTPError:
        return  # it answers; whether it lets us in, MLflow will tell
    except (OSError, ValueError, HTTPException) as error:
        why = getattr(error, "reason", error)
        if isinstance(why, ssl.SSLError):
            return  # MLflow has settings of its own for whom it trusts
        known = answers.reason(why if isinstance(why, Exception) else error)
        raise TrackingUnavailable(without_secrets(uri), known) from None


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
            location = _location(name, uri)
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
def failures(uri: str | None = None, what: str = "") -> Iterator[None]:
    """Raise what MLflow, a database or a network raises as `BadInput` or `TrackingUnavailable`.

    Parameters
    ----------
    uri : str, optional
        The store; the project's by default.
    what : str
        What fails, said before the reason.
    """
    try:
        with patience():
            yield
    except MlnbError:
        raise
    except Exception as error:
        place = uri or projects.current().tracking_uri
        reason = answers.reason(error, place)
        if getattr(error, "error_code", "") in _BAD_INPUT and "Response body: '" not in str(error):
            raise BadInput(f"{reason}.") from error
        place = without_secrets(place)
        if "out-of-date database schema" in reason:
            raise TrackingUnavailable(
                place, f"its schema is of another MLflow; run: mlflow db upgrade {place}"
            ) from error
        raise TrackingUnavailable(place, what + reason, lasting=answers.lasts(error)) from error


@contextmanager
def patience(retries: int = 1) -> Iterator[None]:
    """Let MLflow's own calls try a server so often and no more; its users' wish goes first.

    MLflow tries for minutes, in which nobody is told anything; what is delivered is tried again
    by the shipper, and who reads would rather know.
    """
    given = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(retries), "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
    new = {name for name in given if name not in os.environ}
    _bounded.update(new)
    before = {name: os.environ.get(name) for name in given if name in _bounded}
    os.environ |= {name: given[name] for name in before}
    try:
        yield
    finally:
        _bounded.difference_update(new)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


_bounded: set[str] = set()
"""Which of MLflow's variables are set by us just now, and not by the user."""


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


def _location(experiment: str, uri: str) -> str | None:
    """Return where a new experiment keeps its artifacts; None where a server knows."""
    project = projects.current()
    root, database = project.settings.artifacts, sqlite_file(uri)
    if root:
        place = root.rstrip("/") if "://" in root else str(project.root / root)
    elif database is not None:
        place = str(artifact_root(database))
    elif urlsplit(uri).scheme.partition("+")[0] in _DATABASES:
        place = str(artifact_root(project.state / "mlflow.db"))
    else:
        return None
    # Local artifacts go below the project, not below whatever folder is current.
    return f"{place}/{_folder(experiment)}"


def _folder(experiment: str) -> str:
    from mlnb.core.hashing import digest_bytes

    safe = "".join(c if c.isalnum() or c in "._-" else "-" for c in experiment)[:60].strip(".")
    plain = safe == experiment
    return safe if plain else f"{safe}-{digest_bytes(experiment.encode())[:8]}"
