"""Which runs read a dataset or model version: lineage followed from a thing to its readers."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.records import RunRecord
from mlnb.tracking import inputs, journal, store
from mlnb.tracking.reading import client as through_mlflow
from mlnb.tracking.reading import database, listing
from mlnb.tracking.reading.stored import StoredRun, of_mlflow

MOST = 1000
"""Runs that are looked through for the readers of one version, where no database can be asked."""
_AT_ONCE = 400
_TABLES = {
    "runs": "run_uuid name source_type source_name entry_point_name user_id status start_time "
    "end_time deleted_time source_version lifecycle_stage artifact_uri experiment_id",
    "tags": "key value run_uuid",
    "datasets": "dataset_uuid experiment_id name digest dataset_source_type dataset_source "
    "dataset_schema dataset_profile",
    "inputs": "input_uuid source_type source_id destination_type destination_id step",
    "input_tags": "input_uuid name value",
}
_READERS = """
SELECT ref, run_uuid FROM (
    SELECT CASE WHEN json_valid(d.dataset_source)
                THEN json_extract(d.dataset_source, '$.ref') END AS ref,
           r.run_uuid AS run_uuid, r.start_time AS started
    FROM datasets d
    JOIN inputs i ON i.source_id = d.dataset_uuid AND i.destination_type = 'RUN'
    JOIN runs r ON r.run_uuid = i.destination_id AND r.lifecycle_stage = 'active'
    WHERE d.name IN ({names}) AND d.dataset_source_type = ?
      AND NOT EXISTS (SELECT 1 FROM input_tags t WHERE t.input_uuid = i.input_uuid
                      AND t.name = ? AND t.value = ?)
)
WHERE ref IN ({refs}) ORDER BY started DESC, run_uuid
"""


@dataclass(frozen=True)
class Linked:
    """A run, and the model versions that it read, which its record does not say."""

    record: RunRecord
    models: list[str] = field(default_factory=list)


def linked(ids: Sequence[str]) -> dict[str, Linked]:
    """Return runs by the ids that were asked for; those that are no more are left out.

    A run may have had another id in this machine's journal before the store gave it one; it is
    found by that id, too.
    """
    project = projects.current()
    if not ids or listing.nothing_recorded(project):
        return {}
    uri = project.tracking_uri
    with database.open_store(uri) as opened:
        if opened is not None:
            found = {run.id: run for run in opened.runs(ids)}
            missing = [run for run in ids if run not in found]
            renamed = _renamed(uri, missing)
            late = {run.id: run for run in opened.runs(list(renamed.values()))}
            found |= {old: late[new] for old, new in renamed.items() if new in late}
            return {run: _linked(item) for run, item in found.items()}
    client = store.connection(uri)
    names = through_mlflow.experiments(client, None)
    result = {}
    for run in ids:
        try:
            with store.failures(uri):
                result[run] = _linked(of_mlflow(client.get_run(run), names))
        except (BadInput, UnknownName):
            continue
    return result


def _linked(run: StoredRun) -> Linked:
    return Linked(run.record(), _list(run.tags.get(inputs.MODEL_INPUTS)))


def _renamed(uri: str, ids: Sequence[str]) -> dict[str, str]:
    """Return the store's ids of runs that the journal knew by other ones."""
    found: dict[str, str] = {}
    with database.opened(uri, {"tags": _TABLES["tags"]}) as connection:
        if connection is not None:
            for some in _parts(ids):
                rows = connection.execute(
                    "SELECT value, run_uuid FROM tags WHERE key = ? "  # noqa: S608  (only marks)
                    f"AND value IN ({_marks(some)})",
                    (journal.ORIGIN, *some),
                )
                found |= dict(rows)
    return found


def readers(refs: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of the runs that read each dataset version, the latest first."""
    project = projects.current()
    if not refs or listing.nothing_recorded(project):
        return {}
    found: dict[str, list[str]] = {}
    with database.opened(project.tracking_uri, _TABLES) as connection:
        if connection is not None:
            for some in _parts(refs):
                names = sorted({ref.partition("@")[0] for ref in some})
                text = _READERS.format(names=_marks(names), refs=_marks(some))
                values = (*names, inputs.SOURCE_TYPE, inputs.CONTEXT, inputs.OUTPUT, *some)
                for ref, run in connection.execute(text, values):
                    _note(found, ref, run)
            return found
    for name in sorted({ref.partition("@")[0] for ref in refs}):
        for record in listing.list_runs(filter=f"dataset.name = '{name}'", limit=MOST):
            for ref in set(refs).intersection(record.inputs):
                _note(found, ref, record.id)
    return found


def users(refs: Sequence[str]) -> dict[str, list[str]]:
    """Return the ids of the runs that read each model version, the latest first."""
    project = projects.current()
    if not refs or listing.nothing_recorded(project):
        return {}
    wanted = set(refs)
    found: dict[str, list[str]] = {}
    uri = project.tracking_uri
    with database.opened(uri, {key: _TABLES[key] for key in ("runs", "tags")}) as connection:
        if connection is not None:
            rows = connection.execute(
                "SELECT t.value, r.run_uuid FROM tags t JOIN runs r USING (run_uuid) WHERE "
                "t.key = ? AND r.lifecycle_stage = 'active' ORDER BY r.start_time DESC, r.run_uuid",
                (inputs.MODEL_INPUTS,),
            )
            for text, run in rows:
                for ref in wanted.intersection(_list(text)):
                    _note(found, ref, run)
            return found
    for ref in refs:
        condition = f"tags.`{inputs.MODEL_INPUTS}` LIKE '%\"{ref}\"%'"
        for record in listing.list_runs(filter=condition, limit=MOST):
            _note(found, ref, record.id)
    return found


def _note(found: dict[str, list[str]], ref: str, run: str) -> None:
    known = found.setdefault(ref, [])
    if run not in known[-1:]:
        known.append(run)


def _parts(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _AT_ONCE):
        yield values[start : start + _AT_ONCE]


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)


def _list(text: str | None) -> list[str]:
    try:
        found = json.loads(text or "[]")
    except ValueError:
        return []
    return [str(item) for item in found] if isinstance(found, list) else []
