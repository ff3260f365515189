"""Runs, and parts of runs, that wait in the journal because no store has them yet."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlnb.core.project import Project
from mlnb.tracking import inputs, journal, store
from mlnb.tracking.journal import Entry
from mlnb.tracking.reading.queries import NEWEST, Query, parser_of_mlflow
from mlnb.tracking.reading.stored import StoredRun

if TYPE_CHECKING:
    from mlflow.entities import Run


def runs(project: Project) -> list[StoredRun]:
    """Return what the journal knows of runs that are not wholly delivered, newest first.

    Of a run that the store knows in part, ``id`` is its id there, and nothing is said here but
    what the journal still has of it.
    """
    found: dict[str, StoredRun] = {}
    for path in journal.files(project):
        if journal.state(path).offset < journal.size(path):
            _read(path, found)
    return sorted(found.values(), key=lambda run: (-run.start, run.id))


def joined(stored: StoredRun, waiting: StoredRun) -> StoredRun:
    """Return a run with what the store has of it and what waits."""
    ended = waiting.end is not None
    return StoredRun(
        id=stored.id,
        name=stored.name or waiting.name,
        experiment=stored.experiment,
        status=waiting.status if ended else stored.status,
        start=stored.start or waiting.start,
        end=waiting.end if ended else stored.end,
        artifact_uri=stored.artifact_uri,
        params=waiting.params | stored.params,  # the first value stays
        metrics=stored.metrics | waiting.metrics,
        tags=stored.tags | waiting.tags,
        datasets=list(dict.fromkeys([*stored.datasets, *waiting.datasets])),
        waiting=True,
    )


def chosen(found: Sequence[StoredRun], query: Query) -> list[StoredRun]:
    """Return the runs that a query asks for, in its order, without its limit."""
    known = [run for run in found if query.experiment in (None, run.experiment)]
    if not query.filter and not query.order:
        return sorted(known, key=lambda run: (-run.start, run.id))
    by_id = {run.id: run for run in known}
    with store.failures():
        search = parser_of_mlflow()
        kept = search.filter([_as_mlflow(run) for run in known], query.filter)
        ordered = search.sort(kept, list(query.order) or [NEWEST])
    return [by_id[run.info.run_id] for run in ordered]


def _read(path: Path, found: dict[str, StoredRun]) -> None:
    head = journal.head(path)
    if head is None:
        return
    run = str(head["run"])
    known = journal.state(path).run or run
    item = found.get(run)
    if item is None:
        item = found[run] = StoredRun(
            id=known,
            name=str(head.get("name", "")),
            experiment=str(head.get("experiment", "")),
            status="RUNNING",
            start=int(head.get("time", 0)),
            tags=dict(head.get("tags", {})),
            waiting=True,
        )
    complete = not journal.is_open(path)
    offset = number = 0
    while (chunk := journal.read(path, offset, number, complete=complete)).offset > offset:
        for entry in chunk.entries:
            _apply(entry, item)
        offset = chunk.offset
        number = chunk.entries[-1].number if chunk.entries else number
    if complete and head["kind"] == journal.OPEN and item.end is None:
        item.status = journal.marked(path) or "KILLED"
        item.end = int(path.stat().st_mtime * 1000)
        item.tags.setdefault("mlnb.error", journal.DIED)


def _apply(entry: Entry, run: StoredRun) -> None:
    body: Any = entry.body
    if entry.kind == journal.METRICS:
        run.metrics |= {key: float(value) for key, value, *_ in body}
    elif entry.kind == journal.PARAMS:
        run.params = body | run.params
    elif entry.kind == journal.TAGS:
        run.tags |= body
    elif entry.kind == journal.INPUT:
        source = json.dumps({"ref": body["ref"], "digest": body["digest"]})
        name = str(body["ref"]).partition("@")[0]
        run.datasets.append((name, inputs.SOURCE_TYPE, source))
    elif entry.kind == journal.END:
        run.status, run.end = str(body["status"]), int(body["time"])


def _as_mlflow(run: StoredRun) -> "Run":
    from mlflow.entities import (
        Dataset,
        DatasetInput,
        InputTag,
        Metric,
        Param,
        Run,
        RunData,
        RunInfo,
        RunInputs,
        RunTag,
    )

    read = [
        DatasetInput(
            Dataset(name, json.loads(source).get("digest", "")[:36], kind, source),
            [InputTag("mlflow.data.context", "input")],
        )
        for name, kind, source in run.datasets
        if kind == inputs.SOURCE_TYPE
    ]
    info = RunInfo(
        run_id=run.id,
        experiment_id="0",
        user_id=run.tags.get("mlflow.user", ""),
        status=run.status,
        start_time=run.start,
        end_time=run.end,
        lifecycle_stage="active",
        artifact_uri=run.artifact_uri,
        run_name=run.name,
    )
    data = RunData(
        metrics=[Metric(key, value, run.start, 0) for key, value in run.metrics.items()],
        params=[Param(key, value) for key, value in run.params.items()],
        tags=[RunTag(key, value) for key, value in run.tags.items()],
    )
    return Run(info, data, RunInputs(read))
