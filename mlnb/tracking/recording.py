"""One open run: what is written to it goes to the journal, and from there to the store.

Nothing here waits for a store, or raises for a reason that lies outside the user's own call.
"""

import json
import logging
import os
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock, get_ident
from typing import Any
from uuid import uuid4

from mlnb.core.errors import BadInput, TrackingUnavailable
from mlnb.core.lineage import Edge
from mlnb.core.project import Project
from mlnb.core.urls import without_secrets
from mlnb.tracking import (
    background,
    capturing,
    content,
    fluent,
    inputs,
    journal,
    run_names,
    shipper,
    writing,
)

_TABLES = "mlflow.loggedArtifacts"
"""MLflow's tag by which its UI finds tables."""

_logger = logging.getLogger("mlnb.tracking")


class Run:
    """An open run.

    Attributes
    ----------
    id : str
        Its id here, and in the MLflow of a database; a tracking server gives it another (see
        `stored_id`).
    name : str
        Its name, made up when none was given.
    experiment : str
        The experiment it belongs to.
    """

    def __init__(
        self, project: Project, name: str | None, experiment: str, tags: dict[str, str]
    ) -> None:
        self.id = uuid4().hex
        self.name = name or run_names.made_up()
        self.experiment = experiment
        self.project = project
        self.tags = tags
        self.datasets: list[str] = []
        """Dataset versions read so far, ``name@number``."""
        self._outputs: list[str] = []
        self._model_inputs: list[str] = []
        self._params: dict[str, str] = {}
        self._tables: dict[str, Any] = {}
        self._last: dict[str, tuple[int, int]] = {}  # step and time of each metric's last point
        self.thread = get_ident()
        """The thread that opened it: MLflow's own functions follow it there."""
        self._points = Lock()
        self._started = time.perf_counter()
        self.captured: dict[str, Any] = {}
        """What the collectors note at the start and need at the end."""
        self._process = os.getpid()
        self._writer: writing.Writer | None = None
        self._lost = False
        self._warned = False
        self._parts = 1  # the user's, and each that is done later: the file is closed after all
        self._aside = ""

    @property
    def kept(self) -> str:
        """Return where the data goes now: ``"store"``, ``"journal"`` or ``"nowhere"``."""
        if self._lost or self._writer is None:
            return "nowhere"
        return "store" if journal.trouble(self.project) is None else "journal"

    @property
    def is_own(self) -> bool:
        """Tell whether this process opened the run; a fork writes to it, and does not end it."""
        return os.getpid() == self._process

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
        values = content.metrics(metrics) if metrics else {}
        settings = self._new_params(params) if params else {}
        files: dict[str, bytes | Path] = {}
        for key, figure in (figures or {}).items():
            files |= content.figure_files(key, figure)
        for key, body in (text or {}).items():
            files[content.file_name(key, ".txt")] = str(body).encode()
        frames = {
            f"tables/{content.file_name(key, '.json')}": content.table(frame)
            for key, frame in (tables or {}).items()
        }
        paths = content.files(artifacts) if artifacts is not None else {}
        if values:
            self._append(journal.METRICS, self._timed(values, step or 0))
        if settings:
            self._params.update(settings)
            self._append(journal.PARAMS, settings)
        if files:
            self._attach(files)
        if frames:
            self._log_tables(frames)
        for path, folder in paths.items():
            self._attach({f"{folder or path.name}" if path.is_dir() else _join(folder, path): path})

    def log_files(self, files: Mapping[str, bytes]) -> None:
        """Record files by their artifact path and content."""
        if files:
            self._attach(dict(files))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        if tags:
            self._append(journal.TAGS, dict(tags))

    def mark_cell(self, count: int, source: str) -> None:
        """Record that a cell begins: should the process die, it is named."""
        fluent.catch_up()
        lines = [line.strip() for line in source.splitlines()]
        first = next((line for line in lines if line and not line.startswith(("%", "#"))), "")
        self._append(journal.CELL, f"In [{count}]: {first[:60]}".rstrip(": "))

    def _new_params(self, params: Mapping[str, Any]) -> dict[str, str]:
        found = content.params(params)
        for key, value in found.items():
            if self._params.get(key, value) != value:
                raise BadInput(
                    f"The parameter {key!r} is {self._params[key]!r} in this run already.",
                    "A parameter cannot change; log what changes as a metric.",
                )
        return found

    def _timed(self, values: dict[str, float], step: int) -> list[tuple[str, float, int, int]]:
        """Return points with times that tell any two of a metric apart.

        MLflow keeps one of two points with the same value, step and millisecond. So the second one
        gets the next millisecond, which also keeps their order.
        """
        now = int(time.time() * 1000)
        points = []
        with self._points:
            for key, value in values.items():
                last = self._last.get(key)
                moment = now if last is None or last[0] != step else max(now, last[1] + 1)
                self._last[key] = (step, moment)
                points.append((key, value, moment, step))
        return points

    def _log_tables(self, frames: dict[str, Any]) -> None:
        for path, frame in frames.items():
            if path in self._tables:  # logged again, a table grows, as MLflow's do
                import pandas as pd

                frame = pd.concat([self._tables[path], frame], ignore_index=True)
            self._tables[path] = frame
            body = frame.to_json(orient="split", index=False, date_format="iso")
            self._attach({path: body.encode()})
        listed = [{"path": path, "type": "table"} for path in self._tables]
        self.set_tags({_TABLES: json.dumps(listed)})

    # -- opening and closing ---------------------------------------------------------------------

    def open(self) -> None:
        """Begin the run; see `run.start`."""
        body = {
            **self._address(),
            "name": self.name,
            "experiment": self.experiment,
            "tags": self.tags,
            "time": int(time.time() * 1000),
        }
        try:
            self._writer = writing.Writer(self.project, self.id, journal.OPEN, body)
        except OSError as error:
            self._lose(error)
        capturing.at_start(self)
        if self._writer is not None:
            shipper.ensure(self.project)
            self._warn_of_trouble()
        fluent.follow(self)
        self._started = time.perf_counter()

    def close(
        self,
        status: str,
        error: BaseException | str | None,
        facts: capturing.ShellFacts | None = None,
    ) -> None:
        """Write what is known at the end and end the run; see `run.end`."""
        if not self.is_own:
            if self._writer is not None:
                self._writer.close()
            return
        given = fluent.leave(self, status)
        tags = {"mlnb.wall_time": f"{time.perf_counter() - self._started:.3f}"}
        if error is not None:
            tags["mlnb.error"] = sentence(error)[:5000]
        if self._outputs:
            tags[inputs.OUTPUTS] = json.dumps(self._outputs)
        if self._model_inputs:
            tags[inputs.MODEL_INPUTS] = json.dumps(self._model_inputs)
        self.set_tags(tags)
        if isinstance(error, BaseException) and error.__traceback__ is not None:
            self.log_files({"error.txt": "".join(traceback.format_exception(error)).encode()})
        try:
            capturing.at_end(self, facts)
        except Exception as problem:  # whatever cannot be captured, the run ends
            _logger.warning("mlnb: a part of this run is not recorded: %s", problem)
        status = given or status
        ended = {"status": status, "time": int(time.time() * 1000)}
        if not self._append(journal.END, ended) and self._writer is not None:
            with suppress(OSError):
                journal.mark(self._writer.path, status)
        self._part_done()
        if self._writer is not None:
            self._warn_of_trouble()
            shipper.ensure(self.project)

    def later(self, job: background.Job) -> None:
        """Have something recorded that takes time: it is done soon, when no cell waits for it."""
        with self._points:
            self._parts += 1

        def done(looked: int) -> None:
            try:
                job(looked)
            finally:
                self._part_done()

        background.add(done)

    def _part_done(self) -> None:
        with self._points:
            self._parts -= 1
            last = self._parts == 0
        if last and self._writer is not None:
            self._writer.close()

    # -- lineage ---------------------------------------------------------------------------------

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
            self._append(journal.INPUT, inputs.described(edge, value))

    # -- the store -------------------------------------------------------------------------------

    def stored_id(self) -> str:
        """Return the run's id in the store, once it is there with all that was logged so far.

        Raises
        ------
        TrackingUnavailable
            If the store does not answer.
        """
        from mlnb.tracking import flushing

        if self._writer is None:
            uri = without_secrets(self.project.tracking_uri)
            raise TrackingUnavailable(uri, "this run is not recorded")
        found = flushing.place(self.project, self._writer.path)
        flushing.settle(self.project)
        return found

    def mlflow_place(self) -> tuple[str, str]:
        """Return where MLflow's own functions write: a store, and the id in it.

        That is the tracking store, or the one beside the journal while that does not answer.

        Raises
        ------
        TrackingUnavailable
            If neither can be written.
        """
        from mlnb.tracking import aside, flushing

        if not self._aside:
            if self._writer is None:
                return self._beside()
            if journal.trouble(self.project) is None:
                with suppress(TrackingUnavailable, OSError):
                    place = flushing.place(self.project, self._writer.path)
                    return self.project.tracking_uri, place
            self._warn_of_trouble()
            return self._beside()
        return aside.uri(self.project), self._aside

    def _beside(self) -> tuple[str, str]:
        from mlnb.tracking import aside

        self._aside = aside.create(self.project, self.experiment, self.name, self.id)
        return aside.uri(self.project), self._aside

    def end_aside(self, status: str) -> None:
        """Say how the run ended to the store in which only MLflow's own functions wrote."""
        if self._aside:
            from mlnb.tracking import aside

            aside.end(self.project, self._aside, status)

    # -- the journal -----------------------------------------------------------------------------

    def _append(self, kind: str, body: Any) -> bool:
        return self._write(lambda writer: writer.append(kind, body))

    def _attach(self, files: dict[str, bytes | Path]) -> None:
        self._write(lambda writer: writer.attach(files))

    def _write(self, write: Callable[[writing.Writer], None]) -> bool:
        writer = self._writer
        if writer is None:
            return False
        try:
            if writer.pid == os.getpid() and not writer.closed:
                write(writer)
                return True
            writer = self._join()
            write(writer)
            if self.is_own:  # the run has ended: nobody will close the file
                writer.close()
        except OSError as error:
            self._lose(error)
            return False
        return True

    def _join(self) -> writing.Writer:
        """Go on in another file: the first is a parent process's, or closed."""
        if not self.is_own:
            self._points = Lock()  # another thread of the parent may have held it
        body = {**self._address(), "name": self.name}
        self._writer = writing.Writer(self.project, self.id, journal.JOIN, body)
        return self._writer

    def _address(self) -> dict[str, str]:
        return {"run": self.id, "uri": without_secrets(self.project.settings.tracking_uri)}

    def _lose(self, error: OSError) -> None:
        """Say once that the journal cannot be written; each later record is tried again."""
        if not self._lost:
            self._lost = True
            _logger.warning(
                "mlnb: run %r is not recorded from here on: the journal cannot be written: %s",
                self.name,
                error.strerror or error,
            )

    def _warn_of_trouble(self) -> None:
        trouble = journal.trouble(self.project)
        if trouble is not None and not self._warned:
            self._warned = True
            place = self.project.relative(journal.folder(self.project))
            _logger.warning(
                "mlnb: %s Run %r is kept in %s and delivered when the store answers again.",
                trouble.reason,
                self.name,
                place,
            )


def _join(folder: str, path: Path) -> str:
    return f"{folder}/{path.name}" if folder else path.name


def sentence(error: BaseException | str) -> str:
    """Return an error as one text: its type and message."""
    return error if isinstance(error, str) else f"{type(error).__name__}: {error}"
