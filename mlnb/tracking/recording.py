"""One open run: what is written to it, and where that goes.

Every write goes to the tracking store, or, from the moment that fails, to the journal; if that
fails too, it is dropped with one warning. Nothing here raises for a reason that lies outside the
user's own call.
"""

import json
import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlnb.core.errors import MlnbError, TrackingUnavailable
from mlnb.core.lineage import Edge
from mlnb.core.project import Project
from mlnb.tracking import content, figures, fluent, inputs, journal, liveness, provenance, store

if TYPE_CHECKING:
    from mlflow import MlflowClient

_logger = logging.getLogger("mlnb.tracking")


class Run:
    """An open run.

    Attributes
    ----------
    id : str
        Its MLflow run id (its id in the journal when the store did not answer at the start).
    name : str
        Its name, MLflow's random one when none was given.
    experiment : str
        The experiment it belongs to.
    kept : {"store", "journal", "nowhere"}
        Where its data goes now.
    """

    def __init__(
        self, project: Project, name: str | None, experiment: str, tags: dict[str, str]
    ) -> None:
        self.id = ""
        self.name = name or ""
        self.experiment = experiment
        self.datasets: list[str] = []
        """Dataset versions read so far, ``name@number``."""
        self.kept = "store"
        self.project = project
        self._outputs: list[str] = []
        self._model_inputs: list[str] = []
        self._places: dict[str, str] = {}  # every MLflow run this one has had, with its store
        self.tags = tags
        self._started = time.perf_counter()
        self._provenance = provenance.Collector(project)
        self._figures = figures.open_figures()
        self._uri = project.tracking_uri
        self.place = ""
        """The id under which data is written now."""

    # -- what the user logs ----------------------------------------------------------------------

    def log(
        self,
        params: Mapping[str, Any] | None = None,
        metrics: Mapping[str, Any] | None = None,
        figures: Mapping[str, Any] | None = None,
        tables: Mapping[str, Any] | None = None,
        text: Mapping[str, str] | None = None,
        artifacts: str | Path | Iterable[str | Path] | Mapping[str, str | Path] | None = None,
        step: int | None = None,
    ) -> None:
        """Record parameters, metrics and files; see `mlnb.log`."""
        from mlflow.entities import Metric, Param

        moment = int(time.time() * 1000)
        values = content.metrics(metrics or {})
        written = [Metric(key, value, moment, step or 0) for key, value in values.items()]
        settings = [Param(key, value) for key, value in content.params(params or {}).items()]
        blobs = {
            f"figures/{content.file_name(key, '.png')}": content.png(figure)
            for key, figure in (figures or {}).items()
        }
        for key, body in (text or {}).items():
            blobs[content.file_name(key, ".txt")] = str(body).encode()
        frames = {
            f"tables/{content.file_name(key, '.json')}": content.table(frame)
            for key, frame in (tables or {}).items()
        }
        paths = content.files(artifacts) if artifacts is not None else {}
        if written or settings:
            self._write(lambda c, run: journal.log_batch(c, run, written, settings, []))
        self.log_files(blobs)
        for key, frame in frames.items():
            self._write(partial(_log_table, path=key, frame=frame))
        for path, folder in paths.items():
            self._write(partial(_log_path, path=path, folder=folder))

    def log_files(self, files: Mapping[str, bytes]) -> None:
        """Record files by their artifact path and content."""
        for path, body in files.items():
            self._write(partial(_log_bytes, path=path, body=body))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        from mlflow.entities import RunTag

        items = [RunTag(key, value) for key, value in tags.items()]
        self._write(lambda c, run: journal.log_batch(c, run, [], [], items))

    # -- opening and closing ---------------------------------------------------------------------

    def open(self) -> None:
        """Create the run, in the journal when the store does not answer; see `run.start`."""
        try:
            store.check(self._uri)
            store.client(self._uri)
            with suppress(TrackingUnavailable):
                liveness.sweep(self.project)
                journal.deliver(self.project)
            self._create(self._uri)
        except TrackingUnavailable as error:
            self._divert()
            self._warn(error)
        self.id = self.id or uuid4().hex  # of a run that is kept nowhere
        self._started = time.perf_counter()

    def _create(self, uri: str, extra: Mapping[str, str] | None = None) -> None:
        experiment = store.experiment_id(self.experiment, uri)
        with store.failures(uri):
            made = store.client(uri).create_run(
                experiment, run_name=self.name or None, tags={**self.tags, **(extra or {})}
            )
            run_id = str(made.info.run_id)
            self.id = self.id or run_id
            self.name = made.info.run_name
            self._places[run_id] = uri
            with suppress(OSError):
                liveness.hold(self.project, run_id, uri)
            fluent.enter(uri, experiment, run_id)
        self._uri, self.place = uri, run_id

    def _divert(self) -> None:
        """Go on in the journal; when that is what failed, nowhere."""
        if self.kept == "journal":
            self.kept = "nowhere"
            return
        try:
            self._create(journal.uri(self.project), {journal.TARGET: self.id} if self.id else {})
            self.kept = "journal"
        except (MlnbError, OSError) as error:
            self.kept = "nowhere"
            _logger.debug("mlnb: the journal fails: %s", error)

    def _warn(self, error: MlnbError) -> None:
        run = f"Run {self.name!r}" if self.name else "This run"
        journal_folder = f"{self.project.relative(self.project.root / '.mlnb/local/journal')}"
        kept = (
            f"is kept in {journal_folder} and delivered when the store answers again, by the next "
            "run or `mlnb runs`"
            if self.kept == "journal"
            else "is not recorded from here on: the journal cannot be written either"
        )
        _logger.warning("mlnb: %s %s %s.", error.message, run, kept)

    def _write(self, write: "Callable[[MlflowClient, str], None]") -> None:
        failure: TrackingUnavailable | None = None
        while self.kept != "nowhere":
            try:
                store.check(self._uri)
                with store.failures(self._uri):
                    write(store.client(self._uri), self.place)
                break
            except TrackingUnavailable as error:
                failure = failure or error
                self._divert()
        if failure is not None:
            self._warn(failure)

    def close(self, status: str, error: BaseException | str | None) -> None:
        """Write what is known at the end and end the run; see `run.end`."""
        tags = {"mlnb.wall_time": f"{time.perf_counter() - self._started:.3f}"}
        if error is not None:
            tags["mlnb.error"] = sentence(error)[:5000]
        if self._outputs:
            tags[inputs.OUTPUTS] = json.dumps(self._outputs)
        if self._model_inputs:
            tags[inputs.MODEL_INPUTS] = json.dumps(self._model_inputs)
        found = self._provenance.result()
        files = dict(found.files)
        if isinstance(error, BaseException) and error.__traceback__ is not None:
            files["error.txt"] = "".join(traceback.format_exception(error)).encode()
        files.update(figures.new_figures(self._figures))
        self.set_tags({**tags, **found.tags})
        self.log_files(files)
        self._write(lambda c, run: fluent.leave(c, run, status))
        # Whatever failed, MLflow must not go on taking a dead run for the active one.
        fluent.forget(list(self._places))
        for place, uri in self._places.items():
            if self.kept != "nowhere" or _terminated(uri, place, status):
                with suppress(OSError):
                    liveness.release(self.project, place)

    def add_edge(self, edge: Edge, value: Any) -> None:
        """Record that the run read or wrote something."""
        if edge.direction == "output":
            if edge.ref not in self._outputs:
                self._outputs.append(edge.ref)
        elif edge.kind != "dataset":
            if edge.ref not in self._model_inputs:
                self._model_inputs.append(edge.ref)
        elif edge.ref not in self.datasets:
            self.datasets.append(edge.ref)
            item = inputs.dataset_input(edge, value)
            self._write(lambda c, run: inputs.record(c, run, [item]))


def _terminated(uri: str, run_id: str, status: str) -> bool:
    """End a run whose data could not be written; if not even that works, a sweep will later."""
    try:
        store.check(uri)
        with store.failures(uri):
            store.client(uri).set_terminated(run_id, status)
    except MlnbError:
        return False
    return True


def sentence(error: BaseException | str) -> str:
    """Return an error as one text: its type and message."""
    return error if isinstance(error, str) else f"{type(error).__name__}: {error}"


def _log_bytes(client: "MlflowClient", run_id: str, path: str, body: bytes) -> None:
    import tempfile

    folder, _, name = path.rpartition("/")
    with tempfile.TemporaryDirectory(prefix="mlnb-") as directory:
        file = Path(directory) / name
        file.write_bytes(body)
        client.log_artifact(run_id, str(file), folder or None)


def _log_table(client: "MlflowClient", run_id: str, path: str, frame: Any) -> None:
    client.log_table(run_id, frame, path)


def _log_path(client: "MlflowClient", run_id: str, path: Path, folder: str) -> None:
    if path.is_dir():
        client.log_artifacts(run_id, str(path), folder or path.name)
    else:
        client.log_artifact(run_id, str(path), folder or None)
