import time
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from mlnb.core.project import Project
from mlnb.core.records import now
from mlnb.pipelines.progress import PipelineProgress, StepProgress
from mlnb.ui.progress_display import Lines, LiveTable

START = now()


def step(name: str, status: Any, **facts: Any) -> StepProgress:
    times = {} if status in ("PENDING", "SKIPPED") else {"started": START}
    ended = {"ended": START + timedelta(seconds=3)} if status in ("FINISHED", "FAILED") else {}
    return StepProgress(name=name, notebook="a.ipynb", status=status, **{**times, **ended, **facts})


def progress(*steps: StepProgress) -> PipelineProgress:
    return PipelineProgress(
        id="p-1",
        pipeline="p",
        status="RUNNING",
        started=START,
        updated=START,
        workers=2,
        steps=list(steps),
    )


CACHED = step("c", "FINISHED", cached_from="p-0", why="nothing has changed since p-0")
FAILED = step("f", "FAILED", cells=4, cells_done=2, error="a.ipynb, cell 3: ValueError: no\nmore")


def drawn(seen: PipelineProgress, width: int = 80, height: int = 30) -> list[str]:
    """Return the lines of the live table."""
    table = LiveTable(lambda: height)
    table(seen)
    console = Console(file=StringIO(), width=width, force_jupyter=False)
    console.print(table.render())
    return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]  # a StringIO


def test_a_log_tells_each_change_once(project: Project) -> None:
    stream = StringIO()
    lines = Lines(stream, hold=0)
    waiting = progress(step("a", "PENDING"), step("c", "PENDING"), step("f", "PENDING"))
    lines(waiting)
    lines(progress(step("a", "RUNNING"), step("c", "PENDING"), step("f", "PENDING")))
    lines(progress(step("a", "RUNNING"), CACHED, step("f", "RUNNING", attempt=2)))
    lines(progress(step("a", "RUNNING", why="is tried again after 1.0 s"), CACHED, FAILED))
    said = [line.partition("  ")[2] or line for line in stream.getvalue().splitlines()]
    assert said == [
        "p-1: 3 steps",
        "a: RUNNING a.ipynb",
        "c: CACHED: nothing has changed since p-0",
        "f: RUNNING a.ipynb, attempt 2",
        "a: RUNNING, is tried again after 1.0 s",
        "f: FAILED after 3.0 s, 2/4 cells: a.ipynb, cell 3: ValueError: no",
    ]


def test_a_step_whose_result_is_stored_is_not_said_to_run() -> None:
    stream = StringIO()
    lines = Lines(stream, hold=0.2)
    waiting = (step("a", "PENDING"), step("c", "PENDING"))
    lines(progress(*waiting))
    lines(progress(step("a", "RUNNING"), step("c", "RUNNING")))
    lines(progress(step("a", "RUNNING"), CACHED))
    assert "RUNNING" not in stream.getvalue()
    deadline = time.monotonic() + 10
    while "a: RUNNING" not in stream.getvalue() and time.monotonic() < deadline:
        time.sleep(0.02)
    said = [line.partition("  ")[2] or line for line in stream.getvalue().splitlines()]
    assert said == [
        "p-1: 2 steps",
        "c: CACHED: nothing has changed since p-0",
        "a: RUNNING a.ipynb",
    ]


def test_a_step_that_fails_at_once_was_running() -> None:
    stream = StringIO()
    lines = Lines(stream, hold=60)
    lines(progress(step("f", "RUNNING")))
    lines(progress(FAILED))
    said = [line.partition("  ")[2] or line for line in stream.getvalue().splitlines()]
    assert said[1:] == [
        "f: RUNNING a.ipynb",
        "f: FAILED after 3.0 s, 2/4 cells: a.ipynb, cell 3: ValueError: no",
    ]


def test_the_live_table_has_a_line_per_step(project: Project) -> None:
    running = step("r", "RUNNING", cells=4, cells_done=1, ended=START + timedelta(seconds=2))
    lines = drawn(progress(running, CACHED, FAILED, step("w", "PENDING")))
    assert lines[0].startswith("p-1  2/4 steps")
    assert lines[2].split() == ["▶", "r", "2/4", "━" * 20, "2.0", "s"]
    assert lines[3].split(maxsplit=2) == ["↺", "c", "nothing has changed since p-0"]
    assert "2/4" in lines[4]
    assert lines[4].endswith("a.ipynb, cell 3: ValueError: no")
    assert lines[5].split() == ["·", "w"]


def test_a_long_reason_takes_no_room_from_the_rest(project: Project) -> None:
    lines = drawn(progress(replace(FAILED, name="a" * 20, error="reason " * 50)), width=80)
    assert "a" * 20 in lines[2]
    assert "3.0 s" in lines[2]
    assert lines[2].endswith("…")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("height", [10, 20])
def test_more_steps_than_lines_are_counted(project: Project, height: int) -> None:
    many = [step(f"s{number}", "PENDING") for number in range(300)]
    many[150] = step("busy", "RUNNING", cells=1)
    many[299] = FAILED
    lines = drawn(progress(*many), height=height)
    assert len(lines) <= height - 2
    assert any("busy" in line for line in lines)
    assert any("ValueError" in line for line in lines)
    shown = len(lines) - 3
    assert lines[-1] == f"…  {300 - shown} pending"
