"""Delivery: the journal's records go to the tracking store, in order, each once.

After every batch the file's state says how far it went. A delivery that is interrupted between the
two is repeated, and every write may be: MLflow keeps one of two equal metric points (the journal
makes no two equal ones), parameters, tags, inputs and artifacts are the same again, and a run is
looked for before it is made.
"""

import logging
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlnb.core.errors import BadInput, TrackingUnavailable, UnknownName
from mlnb.core.project import Project
from mlnb.core.urls import without_secrets
from mlnb.tracking import answers, aside, inputs, journal, minting, store
from mlnb.tracking.journal import Entry, State
from mlnb.tracking.minting import find

PARENT = "mlflow.parentRunId"
DAMAGED = "mlnb.journal.damaged"
"""Tag: how many records could not be read back, or were refused by the store."""
_METRICS, _OTHERS = 800, 100  # at most a thousand together, which is what MLflow takes

_logger = logging.getLogger("mlnb.tracking")
_reported: set[Path] = set()


def deliver(project: Project) -> int | None:
    """Deliver what the journal holds.

    Returns
    -------
    int or None
        How many records were delivered; None if another process is delivering.

    Raises
    ------
    TrackingUnavailable
        If a store does not answer; nothing is lost.
    """
    if not journal.files(project) and not aside.exists(project):
        return 0
    lock = journal.folder(project) / "delivery.lock"
    try:
        lock.touch()
    except OSError as error:
        why = f"the journal cannot be written: {error.strerror}"
        raise TrackingUnavailable(without_secrets(project.tracking_uri), why) from None
    with journal.alone(lock) as alone:
        return _deliver_all(project) if alone else None


def _deliver_all(project: Project) -> int:
    delivered = 0
    failed: dict[str, TrackingUnavailable] = {}
    for path in journal.files(project):
        head = journal.head(path)
        if head is None:
            _set_aside(path)
            continue
        uri = _uri(project, head)
        if uri in failed:
            continue
        try:
            delivered += _File(project, path, head, uri).deliver()
        except TrackingUnavailable as error:
            failed[uri] = error
        except BadInput as error:  # say, the run was deleted
            _report(path, "run %r stays in the journal: %s", head.get("name", ""), error.message)
    if not failed:
        aside.deliver(project)
        journal.end_trouble(project)
        return delivered
    uri, first = next(iter(failed.items()))
    journal.tell_trouble(project, without_secrets(uri), first.message)
    raise first


class _File:
    """One file of the journal on its way to the store."""

    def __init__(self, project: Project, path: Path, head: dict[str, Any], uri: str) -> None:
        self._project = project
        self._path = path
        self._head = head
        self._uri = uri
        self._state = journal.state(path)
        self._batch: list[Entry] = []

    def deliver(self) -> int:
        """Deliver what there is now; remove the file when its writer is gone and nothing is left.

        Its writer may be faster than the store: what it goes on writing is left for the next time.
        """
        complete = not journal.is_open(self._path)
        there = journal.size(self._path)
        if not complete and self._state.offset == there:
            return 0
        if self._gone():
            if complete:
                journal.remove(self._path)
            return 0
        store.check(self._uri)
        with store.failures(self._uri):
            self._client = store.connection(self._uri)
            before = self._state.number
            while self._state.offset < there and self._deliver_chunk(complete):
                pass
            if complete:
                self._finish()
        return self._state.number - before

    def _gone(self) -> bool:
        """Tell whether the database that the run was in is gone; opening it would make one."""
        database = store.sqlite_file(self._uri)
        return bool(self._state.run) and database is not None and not database.exists()

    def _deliver_chunk(self, complete: bool) -> bool:
        state = self._state
        chunk = journal.read(self._path, state.offset, state.number, complete=complete)
        for entry in chunk.entries:
            if entry.kind in (journal.METRICS, journal.PARAMS, journal.TAGS):
                self._batch.append(entry)
                if len(self._batch) >= _METRICS:
                    self._send()
            else:
                self._send()
                self._apply(entry)
        self._send()
        if chunk.offset == state.offset:
            return False
        damaged = self._state.damaged + chunk.damaged
        number = chunk.entries[-1].number if chunk.entries else state.number
        self._keep(replace(self._state, offset=chunk.offset, number=number, damaged=damaged))
        return True

    def _keep(self, state: State) -> None:
        self._state = state
        with suppress(OSError):  # a full disk: what is sent again is stored once, and frees room
            journal.keep(self._path, state)

    def _done(self, entry: Entry, **changes: Any) -> None:
        self._keep(replace(self._state, offset=entry.end, number=entry.number, **changes))

    # -- records ---------------------------------------------------------------------------------

    def _apply(self, entry: Entry) -> None:
        body = entry.body
        if entry.kind == journal.OPEN:
            self._done(entry, run=self._create(body))
        elif entry.kind == journal.JOIN:
            known = find(self._project, self._client, body["run"])
            if body.get("resumed"):
                self._client.update_run(known, status="RUNNING")
            self._done(entry, run=known)
        elif entry.kind == journal.FILES:
            self._log_files(entry)
        elif entry.kind == journal.INPUT:
            inputs.record(self._client, self._state.run, [inputs.dataset_input(body)])
            self._done(entry)
        elif entry.kind == journal.CELL:
            self._state = replace(self._state, cell=str(body))
        elif entry.kind == journal.END:
            if not self._goes_on():
                self._client.set_terminated(self._state.run, body["status"], end_time=body["time"])
            self._done(entry, ended=body["status"])

    def _create(self, body: dict[str, Any]) -> str:
        run, tags = str(body["run"]), dict(body["tags"])
        if parent := tags.get(PARENT):
            with suppress(UnknownName):
                tags[PARENT] = find(self._project, self._client, parent)
        experiment = store.experiment_id(body["experiment"], self._uri)
        about = (run, experiment, body["time"], tags, body["name"])
        if minting.by_id(self._client, *about):
            return run
        # A server may make a run for a request that it never answered: that is counted.
        self._keep(replace(self._state, tries=self._state.tries + 1))
        with store.patience(retries=0):
            return minting.by_server(self._client, *about)

    def _log_files(self, entry: Entry) -> None:
        content = journal.content(self._path, entry.body["content"])
        if content.is_dir():
            folder = entry.body["folder"] or None
            refused = 0
            try:
                with store.failures(self._uri, "its artifacts cannot be written: "):
                    self._client.log_artifacts(self._state.run, str(content), folder)
            except TrackingUnavailable as error:
                if not answers.is_of_values(error):
                    raise
                _logger.warning("mlnb: files cannot be stored: %s", error.message)
                refused = 1
            self._done(entry, damaged=self._state.damaged + refused)
        else:
            self._done(entry, damaged=self._state.damaged + 1)
        journal.remove_content(content)

    def _send(self) -> None:
        """Write the metrics, parameters and tags that have gathered."""
        if not self._batch:
            return
        metrics, params, tags = _entities(self._batch)
        refused = 0
        for start in range(0, len(metrics), _METRICS):
            refused += self._write(metrics=metrics[start : start + _METRICS])
        for start in range(0, len(params), _OTHERS):
            refused += self._write(params=params[start : start + _OTHERS])
        for start in range(0, len(tags), _OTHERS):
            refused += self._write(tags=tags[start : start + _OTHERS])
        last, self._batch = self._batch[-1], []
        self._done(last, damaged=self._state.damaged + refused)

    def _write(self, **items: list[Any]) -> int:
        """Write a batch, singly if it is refused; returns how many of it the store refuses."""
        ((kind, values),) = items.items()
        try:
            with store.failures(self._uri):
                self._client.log_batch(self._state.run, synchronous=True, **items)
        except (BadInput, TrackingUnavailable) as error:
            if isinstance(error, TrackingUnavailable) and not answers.is_of_values(error):
                raise
            if self._client.get_run(self._state.run).info.lifecycle_stage == "deleted":
                raise
            if len(values) == 1:
                _logger.warning("mlnb: %s %r is refused: %s", kind, values[0].key, error.message)
                return 1
            return sum(self._write(**{kind: [value]}) for value in values)
        return 0

    # -- the end ---------------------------------------------------------------------------------

    def _finish(self) -> None:
        """End the run of a process that did not, and remove the file."""
        state = self._state
        if not state.run:  # not even the first record is whole
            _set_aside(self._path)
            return
        if _has_say(self._head) and not state.ended and not self._goes_on():
            self._end_for_the_dead()
        if state.tries > 1:
            minting.remove_copies(self._client, str(self._head["run"]), state.run)
        if state.damaged:
            _logger.warning(
                "mlnb: %d records of run %r are damaged or refused, and left out.",
                state.damaged,
                self._head.get("name", ""),
            )
            with suppress(BadInput), store.failures(self._uri):
                self._client.set_tag(state.run, DAMAGED, str(state.damaged))
        journal.remove(self._path)

    def _goes_on(self) -> bool:
        """Tell whether the run is open elsewhere, too: who ends it last says how it ended."""
        ids = {str(self._head["run"]), self._state.run}
        for path in journal.files(self._project):
            if journal.run_of(path) in ids and path != self._path and journal.is_open(path):
                head = journal.head(path)
                if head is not None and _has_say(head) and not journal.state(path).ended:
                    return True
        return False

    def _end_for_the_dead(self) -> None:
        state = self._state
        try:
            with store.failures(self._uri):
                if self._client.get_run(state.run).info.status != "RUNNING":
                    return  # it was ended through MLflow itself
                if status := journal.marked(self._path):
                    self._client.set_terminated(state.run, status)
                    return
                said = (
                    f"{journal.DIED} Its last cell was {state.cell}" if state.cell else journal.DIED
                )
                self._client.set_tag(state.run, "mlnb.error", said)
                last = int(self._path.stat().st_mtime * 1000)
                self._client.set_terminated(state.run, "KILLED", end_time=last)
        except BadInput:  # it was deleted: there is nothing to end
            return


def _has_say(head: dict[str, Any]) -> bool:
    """Tell whether a file opened or resumed its run; others only add to it."""
    return bool(head["kind"] == journal.OPEN or head.get("resumed"))


def _entities(batch: list[Entry]) -> tuple[list[Any], list[Any], list[Any]]:
    from mlflow.entities import Metric, Param, RunTag

    metrics = [Metric(*p) for entry in batch if entry.kind == journal.METRICS for p in entry.body]
    params: dict[str, str] = {}
    tags: dict[str, str] = {}
    for entry in batch:
        if entry.kind == journal.PARAMS:
            params = {**entry.body, **params}  # the first value stays, as in MLflow
        elif entry.kind == journal.TAGS:
            tags.update(entry.body)
    return metrics, [Param(*p) for p in params.items()], [RunTag(*t) for t in tags.items()]


def _uri(project: Project, head: dict[str, Any]) -> str:
    """Return where a file goes: the journal holds neither passwords nor absolute paths."""
    uri, settings = str(head["uri"]), project.settings
    if without_secrets(settings.tracking_uri) != uri:  # it has been changed since
        settings = settings.model_copy(update={"tracking_uri": uri})
    return Project(project.root, settings).tracking_uri


def _set_aside(path: Path) -> None:
    """Keep a file that says nothing, for whoever wants to look; once its writer is gone."""
    if not journal.is_open(path):
        _report(path, "%s is damaged; it stays there as .damaged", path.name)
        path.rename(path.with_suffix(".damaged"))


def _report(path: Path, text: str, *values: object) -> None:
    if path not in _reported:
        _reported.add(path)
        _logger.warning(f"mlnb: {text}", *values)
