"""The active run: opening, logging, closing.

Every write goes to the tracking store, or, from the moment that fails, to the journal; if that
fails too, it is dropped with one warning. Nothing here raises for a reason that lies outside the
user's own call.
"""

import atexit
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlnb.core import lineage
from mlnb.core import project as projects
from mlnb.core.errors import BadInput, Conflict, MlnbError, TrackingUnavailable
from mlnb.core.lineage import Edge
from mlnb.core.project import Project
from mlnb.tracking import content, figures, fluent, inputs, journal, liveness, provenance, store

if TYPE_CHECKING:
    from mlflow import MlflowClient

_logger = logging.getLogger("mlnb.tracking")
_stack: list["Run"] = []


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
        self._project = project
        self._outputs: list[str] = []
        self._model_inputs: list[str] = []
        self._tags = tags
        self._started = time.perf_counter()
        self._provenance = provenance.Collector(project)
        self._figures = figures.open_figures()
        self._uri = project.tracking_uri
        self._place = ""  # the id under which the data is written now

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

    def _open(self) -> None:
        try:
            store.check(self._uri)
            store.client(self._uri)
            with suppress(TrackingUnavailable):
                liveness.sweep(self._project)
                journal.deliver(self._project)
            self._create(self._uri)
        except TrackingUnavailable as error:
            self._divert(error)
        with suppress(OSError):
            liveness.hold(self._project, self._place or "none", self._uri)
        self._started = time.perf_counter()

    def _create(self, uri: str, extra: Mapping[str, str] | None = None) -> None:
        experiment = store.experiment_id(self.experiment, uri)
        with store.failures(uri):
            made = store.client(uri).create_run(
                experiment, run_name=self.name or None, tags={**self._tags, **(extra or {})}
            )
            fluent.enter(uri, experiment, made.info.run_id)
        self._uri, self._place = uri, made.info.run_id
        self.id = self.id or self._place
        self.name = made.info.run_name

    def _divert(self, error: MlnbError) -> None:
        """Go on in the journal, or nowhere."""
        try:
            self._create(journal.uri(self._project), {journal.TARGET: self.id} if self.id else {})
            self.kept = "journal"
            kept = f"It is kept in {self._project.relative(self._project.local)}/journal and "
            kept += "delivered when the store answers: mlnb runs list."
        except (MlnbError, OSError) as second:
            self.kept = "nowhere"
            kept = f"The journal cannot be written either: {second}"
        run = f"run {self.name!r}" if self.name else "this run"
        _logger.warning("mlnb: %s of %s is not recorded. %s", error.message, run, kept)

    def _write(self, write: "Callable[[MlflowClient, str], None]") -> None:
        if self.kept == "nowhere":
            return
        try:
            with store.failures(self._uri):
                store.check(self._uri)
                write(store.client(self._uri), self._place)
        except TrackingUnavailable as error:
            if self.kept == "journal":
                self.kept = "nowhere"
                _logger.warning("mlnb: the journal fails: %s", error.message)
                return
            self._divert(error)
            self._write(write)

    def _close(self, status: str, error: BaseException | str | None) -> None:
        tags = {"mlnb.wall_time": f"{time.perf_counter() - self._started:.3f}"}
        if error is not None:
            tags["mlnb.error"] = _sentence(error)[:5000]
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
        with suppress(OSError):
            liveness.release(self._project, self._place)

    def _edge(self, edge: Edge, value: Any) -> None:
        if edge.direction == "output":
            if edge.ref not in self._outputs:
                self._outputs.append(edge.ref)
        elif edge.kind != "dataset":
            if edge.ref not in self._model_inputs:
                self._model_inputs.append(edge.ref)
        elif edge.ref not in self.datasets:
            self.datasets.append(edge.ref)
            item = inputs.dataset_input(edge, value)
            self._write(lambda c, run: c.log_inputs(run, datasets=[item]))


# -- the active run ------------------------------------------------------------------------------


def start(
    name: str | None = None,
    *,
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
    note: str = "",
    nested: bool = False,
) -> Run:
    """Open a run and make it the active one.

    Parameters
    ----------
    name : str, optional
        The run's name; MLflow makes one up when it is not given.
    experiment : str, optional
        The experiment; the project's by default.
    tags : mapping, optional
        The user's own tags.
    note : str
        A description in Markdown.
    nested : bool
        Whether the run may be a child of one that is open.

    Raises
    ------
    Conflict
        If a run is open already and ``nested`` is not given.
    BadInput
        If a tag's name is reserved, or the experiment was deleted.
    """
    if _stack and not nested:
        raise Conflict(
            f"The run {_stack[-1].name!r} is open.",
            "End it first (%track stop, mlnb.tracking.end()), or open this one with nested=True.",
        )
    project = projects.current()
    run = Run(project, name, experiment or project.experiment, _all_tags(project, tags, note))
    run._open()
    _stack.append(run)
    lineage.enter_run(run.id)
    _listen()
    _emit(project, "run.started", run, experiment=run.experiment)
    return run


def active() -> Run | None:
    """Return the open run, the innermost one when they are nested."""
    return _stack[-1] if _stack else None


def end(status: str = "FINISHED", error: BaseException | str | None = None) -> None:
    """Close the active run.

    Parameters
    ----------
    status : {"FINISHED", "FAILED", "KILLED"}
        How it ended.
    error : exception or str, optional
        Why it failed; with an exception the run is never FINISHED.

    Raises
    ------
    BadInput
        If no run is open.
    """
    if status not in ("FINISHED", "FAILED", "KILLED"):
        raise BadInput(f"A run cannot end as {status!r}.", "Use FINISHED, FAILED or KILLED.")
    if not _stack:
        raise BadInput("There is no open run to end.")
    if error is not None and status == "FINISHED":
        status = "KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED"
    run = _stack.pop()
    lineage.leave_run(run.id)
    try:
        run._close(status, error)
    except Exception as problem:  # whatever is wrong with the recording, the user's work stands
        _logger.warning("mlnb: the end of run %r was not recorded: %s", run.name, problem)
    _emit(run._project, "run.finished", run, status=status, error=_sentence(error) if error else "")


@contextmanager
def track(
    name: str | None = None,
    *,
    experiment: str | None = None,
    tags: Mapping[str, str] | None = None,
    note: str = "",
    nested: bool = False,
) -> Iterator[Run]:
    """Open a run for a ``with`` block; it ends FAILED when the block raises (see `start`)."""
    run = start(name, experiment=experiment, tags=tags, note=note, nested=nested)
    try:
        yield run
    except BaseException as error:
        close(run, error)
        raise
    close(run)


def log(
    params: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    figures: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
    text: Mapping[str, str] | None = None,
    artifacts: str | Path | Iterable[str | Path] | Mapping[str, str | Path] | None = None,
    step: int | None = None,
) -> None:
    """Record something in the active run.

    Parameters
    ----------
    params : mapping, optional
        Settings; nested mappings become dotted names.
    metrics : mapping, optional
        Numbers; logging one again adds a point to its curve.
    figures, tables, text : mapping, optional
        By name: matplotlib figures or images; pandas, polars or Arrow tables; texts.
    artifacts : path, list of paths, or mapping of folder to path, optional
        Files and folders to copy.
    step : int, optional
        The step the metrics belong to.

    Raises
    ------
    BadInput
        If no run is open, or a value is of the wrong kind.
    """
    run = active()
    if run is None:
        raise BadInput(
            "There is no open run to log to.",
            "Open one: %%track on the cell, %track start, or `with mlnb.track():`.",
        )
    run.log(params, metrics, figures, tables, text, artifacts, step)


def close(run: Run, error: BaseException | None = None, *, status: str = "") -> None:
    """End a run and, before it, those left open inside it; nothing when it has ended already."""
    if run in _stack:
        while _stack[-1] is not run:
            end(status or "FINISHED", error)
        end(status or "FINISHED", error)


def _all_tags(project: Project, tags: Mapping[str, str] | None, note: str) -> dict[str, str]:
    own = {content.key("tag", key): str(value) for key, value in (tags or {}).items()}
    for key in own:
        if key.startswith(("mlnb.", "mlflow.")):
            raise BadInput(f"The tag {key!r} is reserved.", "Tags of your own need another prefix.")
    made = own | provenance.start_tags(project)
    if note:
        made["mlflow.note.content"] = note
    if _stack:
        made["mlflow.parentRunId"] = _stack[-1]._place
    return made


def _emit(project: Project, kind: str, run: Run, **data: Any) -> None:
    context = {
        "step": run._tags.get("mlnb.step", ""),
        "pipeline_run": run._tags.get("mlnb.pipeline_run", ""),
    }
    with suppress(OSError):  # a full disk must not stop the user's cell
        project.events.emit(kind, run.id, name=run.name, **context, **data)


def _on_edge(edge: Edge, value: Any) -> None:
    if _stack:
        _stack[-1]._edge(edge, value)


_listening: list[Callable[[], None]] = []


def _listen() -> None:
    if not _listening:
        _listening.append(lineage.listen(_on_edge))
        atexit.register(_at_exit)


def _at_exit() -> None:
    """Close as KILLED what nobody closed; MLflow's own exit handler would call it finished."""
    while _stack:
        end("KILLED", liveness.DIED)


def _sentence(error: BaseException | str) -> str:
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
