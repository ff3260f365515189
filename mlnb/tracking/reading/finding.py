"""One run by its id, the beginning of one, or its name."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlnb.core.errors import BadInput, TrackingUnavailable, UnknownName
from mlnb.core.project import Project
from mlnb.tracking import journal, store
from mlnb.tracking.reading import client as through_mlflow
from mlnb.tracking.reading import database, waiting
from mlnb.tracking.reading.stored import StoredRun, of_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient

Finder = Callable[[str], StoredRun]
_NEWEST = ["attributes.start_time DESC"]


@contextmanager
def finder(project: Project) -> Iterator[Finder]:
    """Give a function that finds runs, in the store as it is at one moment.

    A run that no store has yet is found too, with what the journal knows of it.

    Raises
    ------
    UnknownName
        (The function) if there is none.
    BadInput
        (The function) if several ids begin so.
    """
    held = waiting.runs(project)
    with database.open_store(project.tracking_uri) as opened:
        yield lambda ref: _find(project, opened, held, ref)


def _find(
    project: Project, opened: database.Database | None, held: list[StoredRun], ref: str
) -> StoredRun:
    try:
        found = _in_database(opened, ref) if opened else _through_mlflow(project, ref)
    except (UnknownName, TrackingUnavailable):
        for run in held:
            if ref == run.name or (_is_id(ref) and run.id.startswith(ref)):
                return run
        raise
    part = next((run for run in held if run.id == found.id), None)
    return waiting.joined(found, part) if part else found


def _is_id(ref: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{6,32}", ref) is not None


def _in_database(opened: database.Database, ref: str) -> StoredRun:
    found = opened.runs(opened.beginning(ref)) if _is_id(ref) else []
    if not found:
        found = opened.runs(opened.named(ref)[:1])
    if not found:
        raise _unknown(ref, opened.runs(opened.named(None)))
    return _only(ref, found)


def _through_mlflow(project: Project, ref: str) -> StoredRun:
    store.check(project.tracking_uri)
    client = store.connection(project.tracking_uri)
    names = through_mlflow.experiments(client, None)

    def search(condition: str) -> list[StoredRun]:
        return _search(client, names, condition)

    found = []
    if _is_id(ref):
        found = search(f"attributes.run_id LIKE '{ref}%'") or search(
            f"tags.`{journal.ORIGIN}` LIKE '{ref}%'"
        )
    if not found:
        quote = '"' if "'" in ref else "'"
        found = search(f"attributes.run_name = {quote}{ref}{quote}")[:1] if quote not in ref else []
    if not found:
        raise _unknown(ref, search(""))
    return _only(ref, found)


def _search(client: "MlflowClient", names: dict[str, str], condition: str) -> list[StoredRun]:
    with store.failures():
        found = client.search_runs(list(names), condition, order_by=_NEWEST, max_results=20)
        return [of_mlflow(run, names) for run in found]


def _only(ref: str, found: list[StoredRun]) -> StoredRun:
    if len(found) > 1:
        raise BadInput(
            f"Several runs begin with {ref!r}: " + ", ".join(run.id[:12] for run in found) + ".",
            "Give more of the id.",
        )
    return found[0]


def _unknown(ref: str, recent: list[StoredRun]) -> UnknownName:
    return UnknownName("run", ref, [run.name for run in recent] + [run.id[:8] for run in recent])
