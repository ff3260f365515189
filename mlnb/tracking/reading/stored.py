"""A run as a tracking store has it, whichever way it was read, and the record made of it."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mlnb.core.records import RunRecord, Status
from mlnb.tracking import inputs
from mlnb.tracking.provenance import UNKNOWN


@dataclass
class StoredRun:
    """What MLflow keeps of a run, and whether some of it waits in the journal."""

    id: str
    name: str
    experiment: str
    """Its name."""
    status: str
    start: int
    """Milliseconds since 1970, like ``end``."""
    end: int | None = None
    artifact_uri: str = ""
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    datasets: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, type of source and source of each dataset that was read."""
    waiting: bool = False

    def record(self, artifacts: Sequence[str] = ()) -> RunRecord:
        """Return the run as it is shown."""
        tags = self.tags
        is_notebook = tags.get("mlflow.source.type") == "NOTEBOOK"
        notebook = tags.get("mlflow.source.name", "") if is_notebook else ""
        written = json_list(tags.get(inputs.OUTPUTS))
        read = [_ref(*dataset) for dataset in self.datasets]
        return RunRecord(
            id=self.id,
            name=self.name or tags.get("mlflow.runName", ""),
            experiment=self.experiment,
            status=status_of(self.status),
            started=_time(self.start),
            ended=_time(self.end) if self.end else None,
            params=dict(self.params),
            metrics={key: float(value) for key, value in self.metrics.items()},
            tags={k: v for k, v in tags.items() if not k.startswith(("mlflow.", "mlnb."))},
            inputs=[ref for ref in read if ref not in written],
            outputs=written,
            error=tags.get("mlnb.error", ""),
            notebook="" if notebook == UNKNOWN else notebook,
            git_commit=tags.get("mlflow.source.git.commit", ""),
            git_dirty=tags.get("mlnb.git.dirty") == "true",
            author=tags.get("mlflow.user", ""),
            artifacts=list(artifacts),
            waiting=self.waiting,
        )


def of_mlflow(run: Any, experiments: Mapping[str, str]) -> StoredRun:
    """Return a run of MLflow's own class."""
    read = run.inputs.dataset_inputs if run.inputs else []
    return StoredRun(
        id=run.info.run_id,
        name=run.info.run_name or "",
        experiment=experiments.get(run.info.experiment_id, run.info.experiment_id),
        status=run.info.status,
        start=run.info.start_time or 0,
        end=run.info.end_time,
        artifact_uri=run.info.artifact_uri or "",
        params=dict(run.data.params),
        metrics=dict(run.data.metrics),
        tags=dict(run.data.tags),
        datasets=[
            (item.dataset.name, item.dataset.source_type, item.dataset.source) for item in read
        ],
    )


def _ref(name: str, kind: str, source: str) -> str:
    with suppress(ValueError, KeyError, TypeError):
        if kind == inputs.SOURCE_TYPE:
            return str(json.loads(source)["ref"])
    return name


def status_of(name: str) -> Status:
    """Return a status of MLflow's as ours."""
    known: dict[str, Status] = {
        "RUNNING": "RUNNING",
        "FINISHED": "FINISHED",
        "FAILED": "FAILED",
        "KILLED": "KILLED",
    }
    return known.get(name, "PENDING")


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def json_list(text: str | None) -> list[str]:
    """Return the texts of a tag that holds a list; none if it holds something else."""
    with suppress(ValueError):
        found: Any = json.loads(text or "[]")
        if isinstance(found, list):
            return [str(item) for item in found]
    return []
