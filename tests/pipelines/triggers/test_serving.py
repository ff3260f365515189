import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mlnb import pipelines
from mlnb.core.errors import InvalidPipeline
from mlnb.core.project import Project
from mlnb.core.records import now
from mlnb.pipelines.triggers import firings
from mlnb.pipelines.triggers.serving import Server
from mlnb.testing.notebooks import write_notebook

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that is set by hand."""

    def __init__(self, time: datetime) -> None:
        self.time = time

    def __call__(self) -> datetime:
        return self.time


class Started:
    """Stands for the process of a run that goes on until it is told to end."""

    def __init__(self, at: datetime) -> None:
        self.at, self.returncode, self.pid = at, None, 0

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        self.returncode = 2

    def wait(self, timeout: float) -> int | None:
        return self.returncode


def write(project: Project, schedule: str, cell: str = "1") -> Path:
    write_notebook(project.root / "s.ipynb", cell, parameters="n: int = 0")
    file = project.root / "pipeline.yaml"
    file.write_text(
        f"name: nightly\nparams: {{n: 1}}\nschedule: {schedule}\n"
        "steps: {s: {notebook: s.ipynb, params: {n: '${{ params.n }}'}}}",
        encoding="utf-8",
    )
    return file


class Served:
    """A server by a clock, whose runs are noted instead of started."""

    def __init__(self, file: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lines: list[str] = []
        self.runs: list[Started] = []
        self.server = Server(file, tell=self.lines.append, clock=clock)

        def start(command: list[str], **_: Any) -> Started:
            self.runs.append(Started(clock()))
            return self.runs[-1]

        monkeypatch.setattr(subprocess, "Popen", start)
        self.server._begin()

    def outcomes(self) -> list[tuple[str, str]]:
        log = firings.log_of("nightly")
        found = [firings.Firing.from_dict(e.data) for e in self.server.project.store.entries(log)]
        return [(f"{item.at:%d %H}", item.outcome) for item in found if item.outcome != "began"]


Serve = Callable[..., Served]


@pytest.fixture
def serve(project: Project, monkeypatch: pytest.MonkeyPatch) -> Serve:
    def made(schedule: str, clock: Clock) -> Served:
        return Served(write(project, schedule), clock, monkeypatch)

    return made


def test_runs_start_at_their_times_and_once(serve: Serve) -> None:
    clock = Clock(NOON)
    served = serve("'0 13 * * *'", clock)
    for minutes in (0, 59, 60, 61, 62):
        clock.time = NOON + timedelta(minutes=minutes)
        served.server.step()
    assert [run.at for run in served.runs] == [NOON + timedelta(hours=1)]
    assert served.outcomes() == [("01 13", "run")]


def test_a_time_before_the_schedule_was_served_is_nobodys(serve: Serve) -> None:
    clock = Clock(NOON)
    served = serve("'0 11 * * *'", clock)
    served.server.step()
    assert served.runs == []


@pytest.mark.parametrize(
    ("missed", "outcomes"),
    [
        ("latest", [("01 13", "missed"), ("02 13", "missed"), ("03 13", "run")]),
        ("skip", [("01 13", "missed"), ("02 13", "missed"), ("03 13", "missed")]),
        ("all", [("01 13", "run"), ("02 13", "run"), ("03 13", "run")]),
    ],
)
def test_times_that_nobody_served(
    missed: str, outcomes: list[tuple[str, str]], serve: Serve
) -> None:
    clock = Clock(NOON)
    schedule = f"{{cron: '0 13 * * *', missed: {missed}, overlap: allow}}"
    served = serve(schedule, clock)
    clock.time = NOON + timedelta(days=2, hours=5)
    served.server.step()
    assert served.outcomes() == outcomes
    assert len(served.runs) == sum(outcome == "run" for _, outcome in outcomes)
    clock.time += timedelta(days=1)
    clock.time = clock.time.replace(hour=13)
    served.server.step()
    assert served.outcomes()[-1] == ("04 13", "run")


@pytest.mark.parametrize(
    ("overlap", "outcomes", "stopped"),
    [
        ("skip", [("01 13", "run"), ("01 14", "overlapped")], [False]),
        ("allow", [("01 13", "run"), ("01 14", "run")], [False, False]),
        ("replace", [("01 13", "run"), ("01 14", "run")], [True, False]),
    ],
)
def test_a_time_at_which_the_run_before_goes_on(
    overlap: str, outcomes: list[tuple[str, str]], stopped: list[bool], serve: Serve
) -> None:
    clock = Clock(NOON)
    served = serve(f"{{cron: '0 * * * *', overlap: {overlap}}}", clock)
    for hours in (1, 2):
        clock.time = NOON + timedelta(hours=hours)
        served.server.step()
    assert served.outcomes() == outcomes
    assert [run.returncode is not None for run in served.runs] == stopped


def test_of_two_servers_one_starts_a_run(
    serve: Serve, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(NOON)
    one = serve("'0 * * * *'", clock)
    other = Served(project.root / "pipeline.yaml", clock, monkeypatch)
    clock.time = NOON + timedelta(hours=1)
    one.server.step()
    other.server.step()
    assert len(one.runs) + len(other.runs) == 1
    assert one.outcomes() == [("01 13", "run")]


def test_a_time_that_the_clock_skips_runs_once(serve: Serve) -> None:
    clock = Clock(datetime(2026, 3, 28, 12, tzinfo=UTC))
    served = serve("{cron: '30 2 * * *', timezone: Europe/Berlin}", clock)
    clock.time = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    while clock.time < datetime(2026, 3, 29, 6, tzinfo=UTC):
        served.server.step()
        clock.time += timedelta(minutes=10)
    assert [f"{run.at:%H:%M}" for run in served.runs] == ["01:00"]  # 03:00 of the summer


def test_a_time_that_comes_twice_runs_once(serve: Serve) -> None:
    clock = Clock(datetime(2026, 10, 24, 12, tzinfo=UTC))
    served = serve("{cron: '30 2 * * *', timezone: Europe/Berlin}", clock)
    clock.time = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)
    while clock.time < datetime(2026, 10, 25, 6, tzinfo=UTC):
        served.server.step()
        clock.time += timedelta(minutes=10)
    assert [f"{run.at:%H:%M}" for run in served.runs] == ["00:30"]


def test_an_edited_schedule_counts_and_a_broken_one_is_told(serve: Serve, project: Project) -> None:
    clock = Clock(NOON)
    served = serve("'0 13 * * *'", clock)
    file = project.root / "pipeline.yaml"
    good = file.read_text(encoding="utf-8")
    file.write_text(good.replace("0 13 * * *", "0 99 * * *"), encoding="utf-8")
    served.server.step()
    assert "its old schedule stays" in served.lines[-1]
    file.write_text(good.replace("0 13 * * *", "30 12 * * *"), encoding="utf-8")
    served.server.step()
    clock.time = NOON + timedelta(minutes=30)
    served.server.step()
    assert len(served.runs) == 1


def test_a_pipeline_without_a_schedule_is_one_clear_error(project: Project) -> None:
    file = write(project, "null")
    with pytest.raises(InvalidPipeline, match="has no schedule"):
        Server(file)


def test_a_served_schedule_really_runs_the_pipeline_and_ends_with_the_server(
    project: Project,
) -> None:
    file = write(project, "'* * * * *'", "import mlnb\nmlnb.glue('n', n)")
    real = now()
    ahead = timedelta(seconds=59.5) - timedelta(seconds=real.second, microseconds=real.microsecond)
    lines: list[str] = []
    stop = threading.Event()
    server = Server(file, parameters={"n": 7}, tell=lines.append, clock=lambda: now() + ahead)
    thread = threading.Thread(target=server.serve, args=(stop,))
    thread.start()
    deadline = time.monotonic() + 60
    while not any("run finished" in line for line in lines) and time.monotonic() < deadline:
        time.sleep(0.1)
    stop.set()
    thread.join(30)
    assert any("run finished" in line for line in lines), lines
    run = pipelines.show()
    assert run.status == "FINISHED"
    assert run.steps[0].values == {"n": 7}


def test_ctrl_c_ends_the_program_that_serves(project: Project) -> None:
    write(project, "'0 0 1 1 *'")
    program = subprocess.Popen(
        [sys.executable, "-u", "-m", "mlnb", "run", ".", "--serve-schedule"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline().startswith("nightly: next run")
    program.send_signal(signal.SIGINT)
    program.communicate(timeout=30)
    assert program.returncode == 0
