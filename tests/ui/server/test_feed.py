import time
from pathlib import Path
from typing import Any

import pytest

from mlnb.core.events import EventLog
from mlnb.pipelines.progress import PipelineProgress
from mlnb.ui.server import feed as feeds
from mlnb.ui.server.feed import Feed
from mlnb.ui.server.messages import SECTIONS, Change

RUN = "flights-20260101-0000-1a2b"


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / ".mlnb" / "events.jsonl")


@pytest.fixture
def feed(log: EventLog) -> "Reader":
    return Reader(Feed(lambda: log.path))


class Reader:
    """Asks for what is new, again and again."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.seen = feed.revision

    def changed(self) -> bool:
        return self.feed.changed(self.seen)

    def take(self) -> Change:
        change = self.feed.since(self.seen)
        self.seen = change.revision
        return change

    def pipelines(self) -> list[PipelineProgress]:
        return self.feed.pipelines()


def start(log: EventLog, run: str = RUN, *steps: str, **more: Any) -> None:
    names = steps or ("ingest", "train")
    log.emit(
        "pipeline.started",
        run,
        pipeline="flights",
        steps=[{"name": name, "notebook": f"{name}.ipynb"} for name in names],
        **more,
    )


def cell(log: EventLog, step: str, number: int, total: int, run: str = RUN) -> None:
    log.emit(
        "cell.finished", f"{step}.ipynb", step=step, pipeline_run=run, cell=number, total=total
    )


def test_nothing_is_said_of_a_file_that_is_not_there(feed):
    assert not feed.changed()
    change = feed.take()
    assert (change.sections, change.pipelines) == ([], [])
    assert feed.pipelines() == []


@pytest.mark.parametrize(
    ("kind", "section"),
    [
        ("run.started", "runs"),
        ("run.finished", "runs"),
        ("dataset.saved", "datasets"),
        ("model.registered", "models"),
        ("model.promoted", "models"),
        ("validation.finished", "models"),
        ("release.deployed", "endpoints"),
        ("endpoint.stopped", "endpoints"),
    ],
)
def test_an_event_names_the_list_that_it_changes(feed, log, kind, section):
    log.emit(kind, "something")
    assert feed.changed()
    assert feed.take().sections == [section]
    assert not feed.changed()
    assert feed.take().sections == []


def test_lineage_changes_no_list(feed, log):
    log.emit("lineage.recorded", "session")
    assert feed.take().sections == []


def test_progress_follows_the_cells(feed, log):
    start(log)
    log.emit("step.started", RUN, pipeline_run=RUN, step="ingest")
    cell(log, "ingest", 3, 12)
    (run,) = feed.take().pipelines
    assert (run.id, run.pipeline, run.status) == (RUN, "flights", "RUNNING")
    assert [(s.name, s.status, s.cells_done, s.cells) for s in run.steps] == [
        ("ingest", "RUNNING", 3, 12),
        ("train", "PENDING", 0, 0),
    ]
    cell(log, "ingest", 4, 12)
    (run,) = feed.take().pipelines
    assert run.steps[0].cells_done == 4
    assert feed.take().pipelines == []


def test_listing_does_not_swallow_a_change(feed, log):
    start(log)
    log.emit("dataset.saved", "flights@1")
    assert [run.id for run in feed.pipelines()] == [RUN]
    assert feed.changed()
    change = feed.take()
    assert change.sections == ["datasets"]
    assert [run.id for run in change.pipelines] == [RUN]


def test_the_newest_run_comes_first_and_old_ones_are_forgotten(feed, log, monkeypatch):
    monkeypatch.setattr(feeds, "RUNS_KEPT", 3)
    for number in range(5):
        start(log, f"flights-{number}")
    assert [run.id for run in feed.pipelines()] == ["flights-4", "flights-3", "flights-2"]
    assert len(feed.take().pipelines) == 3


def test_a_vanished_driver_is_noticed_without_an_event(feed, log, monkeypatch):
    from mlnb.pipelines.progress import this_driver

    driver = this_driver().to_dict()
    start(log, driver=driver)
    start(log, "gone", driver=driver | {"started": driver["started"] - 1000})
    monkeypatch.setattr(feeds, "LOOK", 1000)
    assert [run.status for run in feed.take().pipelines] == ["RUNNING", "KILLED"]
    assert not feed.changed()
    monkeypatch.setattr("mlnb.pipelines.progress.has_vanished", lambda _driver: True)
    monkeypatch.setattr(feeds, "LOOK", 0)
    assert feed.changed()
    assert [(run.id, run.status) for run in feed.take().pipelines] == [(RUN, "KILLED")]
    assert not feed.changed(), "nothing runs any more"


def test_a_replaced_file_is_read_anew_and_every_list_fetched_again(feed, log):
    start(log, "old")
    feed.take()
    log.path.rename(log.path.with_name("previous.jsonl"))
    start(log, "new", "a-step-with-a-long-name", "another-step-with-a-long-name")
    change = feed.take()
    assert [run.id for run in change.pipelines] == ["new"]
    assert [run.id for run in feed.pipelines()] == ["new"]
    assert set(change.sections) == set(SECTIONS)


def test_a_removed_file_empties_the_list(feed, log):
    start(log)
    feed.take()
    log.path.unlink()
    assert feed.changed()
    feed.take()
    assert feed.pipelines() == []
    assert not feed.changed()


def test_only_the_end_of_a_long_history_is_read(feed, log, monkeypatch):
    for number in range(200):
        log.emit("run.started", f"run-{number}")
    start(log)
    monkeypatch.setattr(feeds, "HISTORY", 2000)
    assert [run.id for run in feed.pipelines()] == [RUN]


def test_another_file_is_followed_when_the_project_moves(tmp_path):
    paths = [tmp_path / "outer.jsonl"]
    feed = Reader(Feed(lambda: paths[0]))
    start(EventLog(paths[0]), "outer")
    assert [run.id for run in feed.pipelines()] == ["outer"]
    paths[0] = tmp_path / "inner.jsonl"
    start(EventLog(paths[0]), "inner")
    assert [run.id for run in feed.pipelines()] == ["inner"]


def test_everybody_who_asks_is_told(log):
    feed = Feed(lambda: log.path)
    one, two = Reader(feed), Reader(feed)
    log.emit("dataset.saved", "flights@1")
    assert one.take().sections == ["datasets"]
    log.emit("run.finished", "abc")
    assert one.take().sections == ["runs"]
    assert set(two.take().sections) == {"datasets", "runs"}


@pytest.mark.parametrize("seen", [0, 10**15])
def test_who_has_seen_nothing_or_another_time_is_told_everything(feed, log, seen):
    start(log)
    change = feed.feed.since(seen)
    assert set(change.sections) == set(SECTIONS)
    assert [run.id for run in change.pipelines] == [RUN]


def test_a_server_that_was_restarted_has_later_revisions(log):
    before = Feed(lambda: log.path)
    log.emit("dataset.saved", "flights@1")
    seen = before.since(before.revision).revision
    after = Feed(lambda: log.path)
    assert set(after.since(seen).sections) in (set(SECTIONS), set())
    assert after.revision >= seen - 1


def test_a_long_history_is_folded_like_a_short_one(feed, log):
    start(log, "done")
    for number in range(1, 4):
        cell(log, "ingest", number, 3, "done")
    log.emit("step.finished", "x", step="ingest", pipeline_run="done", status="FINISHED")
    log.emit("pipeline.finished", "done", status="FINISHED")
    start(log)
    cell(log, "ingest", 3, 12)
    live = feed.pipelines()
    anew = Feed(lambda: log.path).pipelines()
    assert [(run.id, run.status) for run in anew] == [(run.id, run.status) for run in live]
    assert anew[0] == live[0]
    assert anew[1].steps[0].status == "FINISHED"


def test_two_hundred_events_a_second_are_folded_as_they_come(feed, log):
    """A run's earlier events are not folded again for each new one."""
    start(log)
    begun = time.process_time()
    for number in range(2000):
        cell(log, "ingest", number + 1, 2000)
        if number % 50 == 0:
            feed.take()
    written = time.process_time()
    assert feed.take().pipelines[0].steps[0].cells_done == 2000
    assert written - begun < 5, "ten seconds' worth of events"
