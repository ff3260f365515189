"""One open run: what is written to it goes to the journal, and from there to the store.

Nothing here waits for a store, or raises for a reason that lies outside the user's own call.
"""

import json
import logging
import time
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock, get_ident
from typing import Any

from mlnb.core import redaction
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
    spares,
)
from mlnb.tracking.resuming import Known
from mlnb.tracking.run_file import RunFile

_TABLES = "mlflow.loggedArtifacts"
"""MLflow's tag by which its UI finds tables."""

_logger = logging.getLogger("mlnb.tracking")


_latest = 0


def _moment() -> int:
    """Return the time in milliseconds, a later one to each run, so that they keep their order."""
    global _latest
    now = int(time.time() * 1000)
    is_behind = 0 <= _latest - now < 1000  # more is a clock that was set back
    _latest = _latest + 1 if is_behind else now
    return _latest


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
        self,
        project: Project,
        name: str | None,
        experiment: str,
        tags: dict[str, str],
        known: Known | None = None,
    ) -> None:
        self.id = known.id if known else spares.run_id(str(journal.folder(project)))
        self.name = known.name if known else name or run_names.made_up()
        self.experiment = known.experiment if known else experiment
        self.project = project
        self.tags = tags
        self.resumed = known is not None
        """Whether the run was begun before, here or in another notebook."""
        self.captured: dict[str, Any] = {}
        """What the collectors note at the start and need at the end."""
        self.datasets: list[str] = []
        """Dataset versions read so far, ``name@number``."""
        self.thread = get_ident()
        """The thread that opened it: MLflow's own functions follow it there."""
        self._outputs: list[str] = []
        self._model_inputs: list[str] = []
        self._params: dict[str, str] = dict(known.params) if known else {}
        self._tables: dict[str, Any] = {}
        self._last: dict[str, tuple[int, int]] = {}  # step and time of each metric's last point
        self._points = Lock()
        self._started = time.perf_counter()
        self._opened = 0
        # What is captured of a resumed run stands beside what was captured before.
        self._folder = time.strftime("resumed-%Y%m%d-%H%M%S/", time.gmtime()) if known else ""
        self._file = RunFile(project, self.id, self.name)
        self._gathered: dict[str, str] | None = None  # tags that are written with the end
        self._aside = ""

    @property
    def kept(self) -> str:
        """Return where the data goes now: ``"store"``, ``"journal"`` or ``"nowhere"``."""
        if self._file.lost:
            return "nowhere"
        return "store" if journal.trouble(self.project) is None else "journal"

    @property
    def is_own(self) -> bool:
        """Tell whether this process opened the run; a fork writes to it, and does not end it."""
        return self._file.is_own

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
        points = []
        if metrics:
            points = self._timed(content.metrics(metrics), content.step(step) if step else 0)
        settings = self._new_params(params) if params else {}
        files: dict[str, bytes | Path] = {}
        for key, figure in content.named("figures", figures or {}).items():
            files |= content.figure_files(key, figure)
        for key, body in content.named("text", text or {}).items():
            files[content.file_name(key, ".txt")] = str(body).encode(errors="replace")
        frames = {
            f"tables/{content.file_name(key, '.json')}": content.table(frame)
            for key, frame in content.named("tables", tables or {}).items()
        }
        paths = content.files(artifacts) if artifacts is not None else {}
        if points:
            self._file.points(points)
        if settings:
            self._params.update(settings)
            self._file.append((journal.PARAMS, settings))
        if files:
            self._file.attach(files)
        if frames:
            self._log_tables(frames)
        if paths:
            self._file.attach(paths)

    def log_metrics(self, metrics: Mapping[str, Any], step: int = 0) -> None:
        """Record metrics alone, which happens most often."""
        self._file.points(self._timed(content.metrics(metrics), content.step(step) if step else 0))

    def log_files(self, files: Mapping[str, bytes]) -> None:
        """Record captured files by their artifact path and content."""
        if files:
            self._file.attach({f"{self._folder}{path}": body for path, body in files.items()})

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Set tags."""
        if tags and self._gathered is not None and get_ident() == self.thread:
            self._gathered.update(tags)
        elif tags:
            self._file.append((journal.TAGS, dict(tags)))

    def mark_cell(self, count: int, source: str) -> None:
        """Record that a cell begins: should the process die, it is named."""
        fluent.catch_up()
        self._file.append((journal.CELL, _cell(count, source)))

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
        latest = self._last
        with self._points:
            for key, value in values.items():
                last = latest.get(key)
                moment = now
                if last is not None and now <= last[1]:  # as fast as that, or the clock went back
                    moment = last[1] if step > last[0] else last[1] + 1
                latest[key] = (step, moment)
                points.append((key, value, moment, step))
        return points

    def _log_tables(self, frames: dict[str, Any]) -> None:
        for path, frame in frames.items():
            if path in self._tables:  # logged again, a table grows, as MLflow's do
                import pandas as pd

                frame = pd.concat([self._tables[path], frame], ignore_index=True)
            self._tables[path] = frame
            body = frame.to_json(orient="split", index=False, date_format="iso")
            self._file.attach({path: body.encode()})
        listed = [{"path": path, "type": "table"} for path in self._tables]
        self.set_tags({_TABLES: json.dumps(listed)})

    # -- opening and closing ---------------------------------------------------------------------

    def open(self, cell: tuple[int, str] | None = None) -> None:
        """Begin the run; see `run.start`.

        Parameters
        ----------
        cell : tuple of int and str, optional
            Execution count and source of the cell that opens it.
        """
        now = self._opened = _moment()
        first: list[tuple[str, Any]] = []
        if cell is not None:
            first.append((journal.CELL, _cell(*cell)))
        if self.resumed:
            if self.tags:
                first.insert(0, (journal.TAGS, self.tags))
            self._file.open(journal.JOIN, {"name": self.name, "resumed": now}, *first)
        else:
            body = {
                "name": self.name,
                "experiment": self.experiment,
                "tags": self.tags,
                "time": now,
            }
            self._file.open(journal.OPEN, body, *first)
        self.captured["cell"] = cell[1] if cell is not None else ""
        capturing.at_start(self)
        self._file.warn_of_trouble()
        self._deliver()
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
            self._file.leave()
            return
        wall_time = time.perf_counter() - self._started
        status = fluent.leave(self, status) or status
        if isinstance(error, BaseException) and error.__traceback__ is not None:
            self.log_files({"error.txt": "".join(traceback.format_exception(error)).encode()})
        tags = self._gathered = self._last_tags(error, wall_time)
        try:
            capturing.at_end(self, facts)
        except Exception as problem:  # whatever cannot be captured, the run ends
            _logger.warning("mlnb: a part of this run is not recorded: %s", problem)
        self._gathered = None
        ended = {"status": status, "time": max(self._opened, int(time.time() * 1000))}
        self._file.end(status, (journal.TAGS, tags), (journal.END, ended))
        self._file.warn_of_trouble()
        self._deliver()

    def _last_tags(self, error: BaseException | str | None, wall_time: float) -> dict[str, str]:
        tags = {"mlnb.wall_time": f"{wall_time:.3f}"}
        if error is not None:
            tags["mlnb.error"] = sentence(error)[:5000]
        elif self.resumed:
            tags["mlnb.error"] = ""  # what went wrong before was made good
        if self._outputs:
            tags[inputs.OUTPUTS] = json.dumps(self._outputs)
        if self._model_inputs:
            tags[inputs.MODEL_INPUTS] = json.dumps(self._model_inputs)
        return tags

    def later(self, job: background.Job) -> None:
        """Have something recorded that takes time: it is done soon, when no cell waits for it."""
        self._file.later(job)

    def _deliver(self) -> None:
        """See to it, soon, that somebody delivers."""
        if not self._file.lost:
            background.add(lambda _round: shipper.ensure(self.project))

    # -- lineage ---------------------------------------------------------------------------------

    def add_edge(self, edge: Edge, value: Any) -> None:
        """Record that the run read or wrote something."""
        if edge.direction == "output":
            if edge.ref not in self._outputs:
                self._outputs.append(edge.ref)
                self.set_tags({inputs.OUTPUTS: json.dumps(self._outputs)})
                self._note_dataset(edge, value)
        elif edge.kind != "dataset":
            if edge.ref not in self._model_inputs:
                self._model_inputs.append(edge.ref)
        elif edge.ref not in self.datasets:
            self.datasets.append(edge.ref)
            self._note_dataset(edge, value)

    def _note_dataset(self, edge: Edge, value: Any) -> None:
        if edge.kind == "dataset" and self.project.settings.capture_datasets:
            self._file.append((journal.INPUT, inputs.described(edge, value)))

    # -- the store -------------------------------------------------------------------------------

    def stored_id(self) -> str:
        """Return the run's id in the store, once it is there with all that was logged so far.

        Raises
        ------
        TrackingUnavailable
            If the store does not answer.
        """
        from mlnb.tracking import flushing

        if self._file.path is None:
            uri = without_secrets(self.project.tracking_uri)
            raise TrackingUnavailable(uri, "this run is not recorded")
        found = flushing.place(self.project, self._file.path)
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
            if self._file.path is None:
                return self._beside()
            if journal.trouble(self.project) is None:
                with suppress(TrackingUnavailable, OSError):
                    place = flushing.place(self.project, self._file.path)
                    return self.project.tracking_uri, place
            self._file.warn_of_trouble()
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


def _cell(count: int, source: str) -> str:
    """Return what a cell is called should the process die in it."""
    redaction.learn(source)
    for line in source.splitlines():
        text = line.strip()
        if text and not text.startswith(("%", "#")):
            return f"In [{count}]: {text[:60]}".rstrip(": ")
    return f"In [{count}]"


def sentence(error: BaseException | str) -> str:
    """Return an error as one text: its type and message."""
    return error if isinstance(error, str) else f"{type(error).__name__}: {error}"
