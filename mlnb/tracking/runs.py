"""Runs read back from MLflow: list, show, compare."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, MissingNotebook, UnknownName
from mlnb.core.records import Record, RunRecord, Status
from mlnb.tracking import inputs, journal, store
from mlnb.tracking.provenance import UNKNOWN

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

NOTEBOOK = "notebook.ipynb"
"""The artifact that holds the notebook as it ran."""
_PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class RunComparison(Record):
    """Several runs side by side; the lists are in the order of ``runs``."""

    runs: list[RunRecord]
    params: dict[str, list[str | None]]
    metrics: dict[str, list[float | None]]
    inputs: list[list[str]]
    different: list[str]
    """Parameters and metrics that are not the same in all runs."""


def list_runs(
    *,
    experiment: str | None = None,
    filter: str = "",
    order_by: Sequence[str] | str | None = None,
    limit: int = 50,
) -> list[RunRecord]:
    """Return runs, newest first.

    Parameters
    ----------
    experiment : str, optional
        Only this experiment's.
    filter : str
        MLflow's search syntax: ``metrics.auc > 0.7 and params.family = 'boosting'``.
    order_by : str or list of str, optional
        Such as ``metrics.auc DESC``.
    limit : int
        At most this many.

    Raises
    ------
    UnknownName
        If there is no such experiment.
    BadInput
        If the filter or the order cannot be read.
    TrackingUnavailable
        If the store does not answer.
    """
    if limit < 1:
        raise BadInput(f"A limit of {limit} runs shows none.", "Give a positive number.")
    if _nothing_recorded():
        if experiment is not None:
            raise UnknownName("experiment", experiment)
        return []
    client = _client()
    names = _experiments(client, experiment)
    order = [order_by] if isinstance(order_by, str) else list(order_by or ())
    found: list[Run] = []
    token = None
    with store.failures():
        while names and len(found) < limit:
            page = client.search_runs(
                list(names),
                filter_string=filter,
                order_by=order or ["attributes.start_time DESC"],
                max_results=min(limit - len(found), _PAGE),
                page_token=token,
            )
            found += page
            token = page.token
            if not token:
                break
    return [_record(run, names) for run in found]


def show(ref: str) -> RunRecord:
    """Return one run with its artifacts.

    Parameters
    ----------
    ref : str
        A run id, the beginning of one (at least 6 characters), or a name (the newest of it).

    Raises
    ------
    UnknownName
        If there is none.
    BadInput
        If several ids begin so.
    """
    if _nothing_recorded():
        raise UnknownName("run", ref)
    client = _client()
    names = _experiments(client, None)
    run = _find(client, list(names), ref)
    with store.failures():
        artifacts = _artifacts(client, run.info.run_id, "")
    return _record(run, names, artifacts)


def compare(ids: Sequence[str]) -> RunComparison:
    """Return runs side by side.

    Raises
    ------
    BadInput
        If fewer than two are given.
    UnknownName
        If one is not there.
    """
    if len(ids) < 2:
        raise BadInput("A comparison needs two runs or more.", "Name them by id or name.")
    if _nothing_recorded():
        raise UnknownName("run", ids[0])
    client = _client()
    names = _experiments(client, None)
    runs = [_record(_find(client, list(names), ref), names) for ref in ids]
    params = {key: [run.params.get(key) for run in runs] for key in _keys(runs, "params")}
    metrics = {key: [run.metrics.get(key) for run in runs] for key in _keys(runs, "metrics")}
    differing = [key for key, values in (params | metrics).items() if len(set(values)) > 1]
    return RunComparison(
        runs=runs,
        params=params,
        metrics=metrics,
        inputs=[run.inputs for run in runs],
        different=differing,
    )


def attach_notebook(run_id: str, path: Path | str) -> None:
    """Keep an executed notebook with a run, in place of the one it has.

    Raises
    ------
    MissingNotebook
        If there is no such file.
    """
    source = Path(path)
    if not source.is_file():
        raise MissingNotebook(str(path))
    from mlnb.tracking import minting

    client = store.client()
    with TemporaryDirectory(prefix="mlnb-") as folder, store.failures():
        copy = Path(folder) / NOTEBOOK
        copy.write_bytes(source.read_bytes())
        client.log_artifact(minting.find(projects.current(), client, run_id), str(copy))


def _nothing_recorded() -> bool:
    """Tell whether there are no runs, not even waiting ones; to look must create no database."""
    project = projects.current()
    return store.absent(project.tracking_uri) and not journal.files(project)


def _client() -> "MlflowClient":
    project = projects.current()
    store.check(project.tracking_uri)
    return store.client()


def _experiments(client: "MlflowClient", wanted: str | None) -> dict[str, str]:
    """Return experiment ids with their names."""
    found: dict[str, str] = {}
    token = None
    with store.failures():
        while True:
            page = client.search_experiments(max_results=_PAGE, page_token=token)
            found |= {item.experiment_id: item.name for item in page}
            token = page.token
            if not token:
                break
    if wanted is None:
        return found
    chosen = {key: name for key, name in found.items() if name == wanted}
    if not chosen:
        raise UnknownName("experiment", wanted, found.values())
    return chosen


def _find(client: "MlflowClient", experiments: list[str], ref: str) -> "Run":
    def search(condition: str) -> "list[Run]":
        with store.failures():
            return list(
                client.search_runs(
                    experiments, condition, order_by=["attributes.start_time DESC"], max_results=20
                )
            )

    if re.fullmatch(r"[0-9a-f]{6,32}", ref):
        found = search(f"attributes.run_id LIKE '{ref}%'") or search(
            f"tags.`{journal.ORIGIN}` LIKE '{ref}%'"
        )
        if len(found) > 1:
            raise BadInput(
                f"Several runs begin with {ref!r}: "
                + ", ".join(run.info.run_id[:12] for run in found)
                + ".",
                "Give more of the id.",
            )
        if found:
            return found[0]
    quote = '"' if "'" in ref else "'"
    named = search(f"attributes.run_name = {quote}{ref}{quote}") if quote not in ref else []
    if named:
        return named[0]
    recent = search("")
    known = [run.info.run_name for run in recent] + [run.info.run_id[:8] for run in recent]
    raise UnknownName("run", ref, known)


def _record(run: "Run", experiments: dict[str, str], artifacts: Sequence[str] = ()) -> RunRecord:
    tags = run.data.tags
    is_notebook = tags.get("mlflow.source.type") == "NOTEBOOK"
    notebook = tags.get("mlflow.source.name", "") if is_notebook else ""
    ended = run.info.end_time
    return RunRecord(
        id=run.info.run_id,
        name=run.info.run_name or "",
        experiment=experiments.get(run.info.experiment_id, run.info.experiment_id),
        status=_status(run.info.status),
        started=_time(run.info.start_time),
        ended=_time(ended) if ended else None,
        params=dict(run.data.params),
        metrics={key: float(value) for key, value in run.data.metrics.items()},
        tags={k: v for k, v in tags.items() if not k.startswith(("mlflow.", "mlnb."))},
        inputs=inputs.input_refs(run),
        outputs=_json_list(tags.get(inputs.OUTPUTS)),
        error=tags.get("mlnb.error", ""),
        notebook="" if notebook == UNKNOWN else notebook,
        git_commit=tags.get("mlflow.source.git.commit", ""),
        git_dirty=tags.get("mlnb.git.dirty") == "true",
        author=tags.get("mlflow.user", ""),
        artifacts=list(artifacts),
    )


def _status(name: str) -> Status:
    known: dict[str, Status] = {
        "RUNNING": "RUNNING",
        "FINISHED": "FINISHED",
        "FAILED": "FAILED",
        "KILLED": "KILLED",
    }
    return known.get(name, "PENDING")


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _json_list(text: str | None) -> list[str]:
    with suppress(ValueError):
        found: Any = json.loads(text or "[]")
        if isinstance(found, list):
            return [str(item) for item in found]
    return []


def _keys(runs: list[RunRecord], which: str) -> list[str]:
    return sorted({key for run in runs for key in getattr(run, which)})


def _artifacts(client: "MlflowClient", run_id: str, folder: str) -> list[str]:
    found: list[str] = []
    for item in client.list_artifacts(run_id, folder or None):
        found += _artifacts(client, run_id, item.path) if item.is_dir else [item.path]
    return sorted(found)
