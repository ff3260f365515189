"""Starts the runs of a pipeline's schedule, here and now: what cron does, without cron.

The pipeline file is read anew for every run, so an edit counts from the next time on. Each run is
a process of its own: what one leaves behind, or does wrong, touches neither the server nor the
next run.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from mlnb.core import project as projects
from mlnb.core.errors import InvalidPipeline, MlnbError
from mlnb.core.records import now
from mlnb.pipelines import spec
from mlnb.pipelines.planning import prepare, project_of
from mlnb.pipelines.spec.parts import Schedule
from mlnb.pipelines.triggers import firings
from mlnb.pipelines.triggers.cron import Cron

LATE = timedelta(seconds=30)
"""A time that passed longer ago than this was missed: the machine slept, or nobody served."""
_NAP = 1.0
"""Seconds between two looks at the clock, which may be set, and at the file."""
_PATIENCE = 20.0
"""Seconds that a run has to end in order when it is stopped."""

Tell = Callable[[str], None]


@dataclass
class _Run:
    """A run that was started; a process of its own."""

    at: datetime
    process: "subprocess.Popen[bytes]"


class Server:
    """Serves one pipeline's schedule until it is told to stop.

    Parameters
    ----------
    file : Path
        The pipeline file.
    parameters : mapping
        Values for the pipeline's parameters.
    options : sequence of str
        Further options of ``mlnb run``.
    tell : callable
        Given a line for each thing that happens.
    clock : callable
        Returns the time.
    """

    def __init__(
        self,
        file: Path,
        *,
        parameters: Mapping[str, Any] | None = None,
        options: Sequence[str] = (),
        tell: Tell = print,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self.file = spec.find(file)
        self.project = project_of(self.file)
        self._parameters, self._options = dict(parameters or {}), list(options)
        self._tell, self._clock = tell, clock
        self._running: list[_Run] = []
        with projects.using(self.project):
            prepared = prepare(self.file, self._parameters)
        self._name = prepared.plan.pipeline
        self._schedule = _schedule_of(prepared.pipeline.schedule, self.file)
        self._stamp = self.file.stat().st_mtime_ns

    def serve(self, stop: threading.Event) -> None:
        """Start runs at their times, until the event is set; then stop those that go on."""
        with projects.using(self.project):
            self._begin()
            self._tell(f"{self._name}: next run {_shown(self._next())}")
            while not stop.is_set():
                self.step()
                stop.wait(_NAP)
            self._stop_runs()

    def step(self) -> None:
        """Do what is due now."""
        self._reap()
        self._read_again()
        clock = self._clock()
        cron, since = self._cron(), self._since()
        for at in self._due(cron, since, clock):
            if clock - at > LATE and not self._catches_up(at, cron, clock):
                self._claim(at, "missed")
            else:
                self._fire(at)

    def _begin(self) -> None:
        """Note when the schedule was first served: earlier times are nobody's."""
        if firings.last(self.project, self._name) is None:
            self._claim(self._clock(), "began")

    def _due(self, cron: Cron, since: datetime, clock: datetime) -> list[datetime]:
        """Return the times since the last one; of many that were missed the newest."""
        due = cron.between(max(since, clock - timedelta(days=32)), clock)
        return due[-1000:]

    def _catches_up(self, at: datetime, cron: Cron, clock: datetime) -> bool:
        """Tell whether a missed time is made up for."""
        missed = self._schedule.missed
        return missed == "all" or (missed == "latest" and cron.next(at) > clock)

    def _fire(self, at: datetime) -> None:
        going = [run for run in self._running if run.process.poll() is None]
        if going and self._schedule.overlap == "skip":
            if self._claim(at, "overlapped"):
                self._tell(f"{_shown(at)}: skipped, the run of {_shown(going[-1].at)} goes on")
            return
        if not self._claim(at, "run"):
            return  # another server was first
        if going and self._schedule.overlap == "replace":
            self._tell(f"{_shown(at)}: stopping the run of {_shown(going[-1].at)}")
            self._stop_runs()
        self._start(at)

    def _claim(self, at: datetime, outcome: firings.Outcome) -> bool:
        cron = self._schedule
        return firings.claim(self.project, self._name, cron.cron, cron.timezone, at, outcome)

    def _start(self, at: datetime) -> None:
        command = [sys.executable, "-m", "mlnb", "run", str(self.file), *self._options]
        for name, value in self._parameters.items():
            command += ["-y", _yaml({name: value})]
        process = subprocess.Popen(  # noqa: S603  (mlnb itself)
            command,
            cwd=self.project.root,
            env={**os.environ, "MLNB_PROJECT": str(self.project.root)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the server's: it stops its runs in order
        )
        self._running.append(_Run(at, process))
        self._tell(f"{_shown(at)}: run started; next run {_shown(self._next())}")

    def _reap(self) -> None:
        for run in self._running:
            if (code := run.process.poll()) is not None:
                ended = "finished" if code == 0 else f"ended with exit code {code}"
                self._tell(f"{_shown(run.at)}: run {ended}")
        self._running = [run for run in self._running if run.process.returncode is None]

    def _stop_runs(self) -> None:
        for run in self._running:
            run.process.send_signal(signal.SIGTERM)
        for run in self._running:
            try:
                run.process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.killpg(run.process.pid, signal.SIGKILL)
                run.process.wait()
        self._reap()

    def _read_again(self) -> None:
        """Take over an edited schedule; one that cannot be read is told, and the old one kept."""
        try:
            stamp = self.file.stat().st_mtime_ns
            if stamp == self._stamp:
                return
            self._stamp = stamp
            schedule = _schedule_of(spec.load(self.file).schedule, self.file)
        except (OSError, MlnbError) as error:
            self._tell(f"{self.file.name} was changed, and its old schedule stays: {error}")
            return
        if schedule != self._schedule:
            self._schedule = schedule
            self._tell(f"{self.file.name} was changed; next run {_shown(self._next())}")

    def _cron(self) -> Cron:
        return Cron(self._schedule.cron, self._schedule.timezone)

    def _since(self) -> datetime:
        before = firings.last(self.project, self._name)
        return before.at if before else self._clock()

    def _next(self) -> datetime:
        return self._cron().next(self._clock())


def serve(
    path: Path | str,
    *,
    parameters: Mapping[str, Any] | None = None,
    options: Sequence[str] = (),
    tell: Tell = print,
) -> None:
    """Serve a pipeline's schedule until Ctrl-C or SIGTERM; the runs that go on are stopped then.

    Raises
    ------
    BadInput
        If the pipeline cannot run, or has no schedule.
    """
    from mlnb.pipelines.stopping import stop_on_signals

    stop = threading.Event()
    server = Server(Path(path), parameters=parameters, options=options, tell=tell)
    with stop_on_signals(stop):
        server.serve(stop)


def _schedule_of(schedule: Schedule | None, file: Path) -> Schedule:
    if schedule is None:
        raise InvalidPipeline(
            f"{file.name} has no schedule.", "Add one, for example `schedule: '0 6 * * 1-5'`."
        )
    return schedule


def _shown(time: datetime) -> str:
    return f"{time:%a %Y-%m-%d %H:%M %Z}"


def _yaml(value: Mapping[str, Any]) -> str:
    import json

    return json.dumps(value)  # JSON is YAML
