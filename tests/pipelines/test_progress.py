from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlnb.core.events import Event
from mlnb.pipelines import progress
from mlnb.pipelines.progress import Driver, PipelineProgress

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def events(*items: tuple[str, str, dict[str, Any]]) -> list[Event]:
    return [
        Event(time=BEGIN + timedelta(seconds=number), kind=kind, subject=subject, data=data)
        for number, (kind, subject, data) in enumerate(items)
    ]


def started(driver: Driver | None = None) -> tuple[str, str, dict[str, Any]]:
    data: dict[str, Any] = {
        "pipeline": "a",
        "steps": [
            {"name": "one", "notebook": "one.ipynb", "needs": [], "cells": 4},
            {"name": "two", "notebook": "two.ipynb", "needs": ["one"], "cells": 2},
        ],
    }
    return "pipeline.started", "run-1", data | ({"driver": driver.to_dict()} if driver else {})


def of(step: str, **data: Any) -> dict[str, Any]:
    return {"step": step, "pipeline_run": "run-1", **data}


def test_the_fold_follows_cells_and_steps() -> None:
    told = events(
        started(),
        ("step.started", "one", of("one", attempt=1)),
        ("cell.started", "one", of("one", cell=3, total=4)),
        ("cell.finished", "one", of("one", cell=3, total=4, status="FINISHED")),
        ("run.started", "abc", of("one")),
        ("cell.started", "x", {"step": "", "pipeline_run": "", "cell": 1, "total": 1}),
    )
    seen = progress.fold(told)["run-1"]
    one, two = seen.steps
    assert (seen.status, seen.pipeline) == ("RUNNING", "a")
    assert (one.status, one.cells_done, one.cells) == ("RUNNING", 3, 4)
    assert one.started == BEGIN + timedelta(seconds=1)
    assert (two.status, two.needs) == ("PENDING", ["one"])


def test_a_failed_run_keeps_its_reason() -> None:
    told = events(
        started(),
        ("step.started", "one", of("one", attempt=1)),
        ("cell.started", "one", of("one", cell=2, total=4)),
        ("cell.finished", "one", of("one", cell=2, total=4, status="FAILED")),
        ("step.finished", "one", of("one", status="FAILED", error="boom", cells_done=1)),
        ("step.finished", "two", of("two", status="SKIPPED", error="one failed.")),
        ("pipeline.finished", "run-1", {"status": "FAILED", "error": "boom", "report": "r.html"}),
    )
    seen = progress.fold(told)["run-1"]
    assert (seen.status, seen.error, seen.report) == ("FAILED", "boom", "r.html")
    assert [(step.status, step.cells_done) for step in seen.steps] == [
        ("FAILED", 1),
        ("SKIPPED", 0),
    ]
    assert seen.ended == told[-1].time
    assert seen.as_run().steps[0].error == "boom"


def test_a_second_attempt_begins_again() -> None:
    told = events(
        started(),
        ("step.started", "one", of("one", attempt=1)),
        ("cell.finished", "one", of("one", cell=2, total=4, status="FINISHED")),
        ("step.started", "one", of("one", attempt=2)),
    )
    [one, _] = progress.fold(told)["run-1"].steps
    assert (one.attempt, one.cells_done, one.started) == (2, 0, told[1].time)


def test_events_of_a_run_whose_start_is_not_seen_are_left_out() -> None:
    assert progress.fold(events(("step.started", "one", of("one", attempt=1)))) == {}


def test_what_nobody_understands_does_not_hide_the_rest() -> None:
    odd = [
        ("pipeline.started", "p2", {"steps": ["no record"]}),
        ("pipeline.started", "p3", {"driver": {"format": 99}}),
        ("step.finished", "run-1", of("ingest")),
        ("cell.started", "run-1", of("ingest", cell="first")),
    ]
    [(run, found)] = progress.fold(events(started(), *odd)).items()
    assert (run, found.status) == ("run-1", "RUNNING")


def test_a_living_driver_is_running_and_a_dead_one_is_not() -> None:
    me = progress.this_driver()
    assert not progress.has_vanished(me)
    later = Driver(host=me.host, pid=me.pid, started=me.started - 100)
    assert progress.has_vanished(later), "another process has this number now"
    told = events(started(later), ("step.started", "one", of("one", attempt=1)))
    seen = progress.fold(told)["run-1"]
    assert (seen.status, seen.ended) == ("KILLED", told[-1].time)
    assert [step.status for step in seen.steps] == ["KILLED", "SKIPPED"]
    assert progress.fold(events(started(me)))["run-1"].status == "RUNNING"


def test_a_driver_of_another_machine_cannot_be_asked() -> None:
    far = Driver(host="far-away", pid=1, started=0.0)
    assert progress.fold(events(started(far)))["run-1"].status == "RUNNING"


@pytest.mark.parametrize("status", ["RUNNING", "KILLED"])
def test_progress_survives_json(status: Any) -> None:
    seen = progress.fold(events(started(progress.this_driver())))["run-1"]
    assert PipelineProgress.from_dict(seen.to_dict()) == seen
