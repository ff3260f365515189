"""The event stream: many writers, torn lines, reading on."""

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.core.events import Event, EventLog


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "state" / "events.jsonl")


def test_events_are_read_in_order(log: EventLog) -> None:
    made = [log.emit("run.started", f"run {number}", number=number) for number in range(5)]
    assert log.read() == (made, log.path.stat().st_size)
    assert made[3].data == {"number": 3}


def test_an_event_is_one_line_of_json(log: EventLog) -> None:
    log.emit("run.finished", "r1", error="two\nlines\r\n  and ü")
    lines = log.path.read_bytes().split(b"\n")
    assert len(lines) == 2
    assert json.loads(lines[0])["data"]["error"] == "two\nlines\r\n  and ü"
    assert log.read()[0][0].data["error"] == "two\nlines\r\n  and ü"


def test_reading_goes_on_from_an_offset(log: EventLog) -> None:
    assert log.read() == ([], 0)
    log.emit("a", "1")
    first, offset = log.read()
    assert log.read(offset) == ([], offset)
    second = log.emit("b", "2")
    assert log.read(offset)[0] == [second]
    assert len(first) == 1


def test_an_offset_behind_the_end_starts_over(log: EventLog) -> None:
    log.emit("a", "1")
    offset = log.read()[1]
    log.path.unlink()
    again = log.emit("b", "2" * 3)
    assert log.read(offset + 1000)[0] == [again]


def test_a_torn_line_is_skipped_and_closed_off(log: EventLog) -> None:
    first = log.emit("a", "1")
    with log.path.open("ab") as file:
        file.write(b'{"format": 1, "kind": "torn", "subj')
    events, offset = log.read()
    assert events == [first]
    second = log.emit("b", "2")
    assert log.read()[0] == [first, second]
    assert log.read(offset)[0] == [second]


@pytest.mark.parametrize(
    "line", [b"", b"{}", b"[1]", b"null", b"\xff\xfe", b'{"format": 99, "kind": "a"}', b"NaN"]
)
def test_a_damaged_line_hides_no_other(line: bytes, log: EventLog) -> None:
    first = log.emit("a", "1")
    with log.path.open("ab") as file:
        file.write(line + b"\n")
    second = log.emit("b", "2")
    assert log.read()[0] == [first, second]


def test_text_that_is_no_unicode_does_not_stop_the_work(log: EventLog) -> None:
    log.emit("a", "bad \ud800 text", path="\udcff")
    assert [event.kind for event in log.read()[0]] == ["a"]


def test_data_may_have_any_field_name(log: EventLog) -> None:
    event = log.emit("a", "1", kind="dataset", subject="x", time=3, self=4)
    assert log.read()[0] == [event]
    assert event.data == {"kind": "dataset", "subject": "x", "time": 3, "self": 4}


def test_listeners_hear_this_process_until_they_stop(log: EventLog) -> None:
    heard: list[Event] = []
    stop = log.listen(heard.append)
    first = log.emit("a", "1")
    stop()
    log.emit("b", "2")
    assert heard == [first]


@settings(max_examples=50)
@given(
    st.dictionaries(
        st.text(),
        st.none() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    )
)
def test_any_data_comes_back(tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    log = EventLog(tmp_path_factory.mktemp("log") / "events.jsonl")
    log.emit("a", "1", **data)
    read = log.read()[0]
    assert len(read) == 1
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    assert read[0].data == data


def _emit_many(path: str, writer: int, barrier: Any) -> None:
    log = EventLog(Path(path))
    barrier.wait()
    for step in range(200):
        log.emit("step", f"writer {writer}", step=step, filler="x" * (step * 37 % 5000))


def test_lines_of_many_writers_never_mix(log: EventLog) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(4)
    writers = [
        context.Process(target=_emit_many, args=(str(log.path), number, barrier))
        for number in range(4)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    events = log.read()[0]
    assert len(events) == 800
    for number in range(4):
        mine = [event for event in events if event.subject == f"writer {number}"]
        assert [event.data["step"] for event in mine] == list(range(200))
        assert all(len(e.data["filler"]) == e.data["step"] * 37 % 5000 for e in mine)


def test_a_file_that_cannot_be_written_stops_nothing_and_is_told_once(
    log: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.path.mkdir(parents=True)
    heard: list[Event] = []
    log.listen(heard.append)
    made = [log.emit("dataset.saved", f"flights@{number}") for number in (1, 2)]
    assert heard == made
    [told] = caplog.messages
    assert "events are not recorded" in told


def test_a_number_that_json_does_not_have_becomes_null(log: EventLog) -> None:
    log.emit("validation.finished", "m@1", metrics={"r2": float("nan"), "all": [float("inf"), 1.0]})
    assert json.loads(log.path.read_text())["data"]["metrics"] == {"r2": None, "all": [None, 1.0]}


def test_a_listener_that_fails_stops_neither_the_work_nor_the_others(
    log: EventLog, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_event: Event) -> None:
        raise ValueError("no display")

    heard: list[Event] = []
    log.listen(fail)
    log.listen(heard.append)
    event = log.emit("run.started", "r")
    assert heard == [event]
    assert "a listener failed at run.started: ValueError('no display')" in caplog.messages[0]
