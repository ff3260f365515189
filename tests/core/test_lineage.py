"""Lineage: edges to the event stream and to listeners, under the right subject."""

from typing import Any

import pytest

from mlnb.core import lineage
from mlnb.core.lineage import Edge
from mlnb.core.project import Project


def subjects(project: Project) -> list[str]:
    return [event.subject for event in project.events.read()[0]]


def test_an_edge_goes_to_the_stream(project: Project) -> None:
    lineage.record_input("dataset", "flights@3", "abc")
    lineage.record_output("model", "delay@1")
    events = project.events.read()[0]
    assert [event.kind for event in events] == ["lineage.recorded"] * 2
    assert Edge.from_dict(events[0].data) == Edge(
        direction="input", kind="dataset", ref="flights@3", digest="abc"
    )
    assert events[1].data["direction"] == "output"


def test_a_listener_gets_the_record_that_the_stream_does_not(project: Project) -> None:
    heard: list[tuple[Edge, Any]] = []
    stop = lineage.listen(lambda edge, value: heard.append((edge, value)))
    record = object()
    lineage.record_input("dataset", "flights@3", value=record)
    stop()
    lineage.record_input("dataset", "flights@4")
    assert [(edge.ref, value) for edge, value in heard] == [("flights@3", record)]


def test_the_subject_is_the_run_else_the_step_else_the_session(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lineage.record_input("dataset", "a@1")
    monkeypatch.setenv("MLNB_STEP", "train")
    lineage.record_input("dataset", "a@1")
    lineage.enter_run("outer")
    lineage.enter_run("inner")
    assert lineage.active_run() == "inner"
    lineage.record_input("dataset", "a@1")
    lineage.leave_run("inner")
    lineage.record_input("dataset", "a@1")
    lineage.leave_run("outer")
    assert lineage.active_run() is None
    assert subjects(project) == ["session", "train", "inner", "outer"]


def test_leaving_a_run_twice_does_no_harm() -> None:
    lineage.leave_run("never entered")
    assert lineage.active_run() is None


def test_a_listener_that_fails_does_not_break_what_is_recorded(
    project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_edge: Edge, _value: Any) -> None:
        raise ValueError("the run was deleted")

    heard: list[str] = []
    stops = [lineage.listen(fail), lineage.listen(lambda edge, _value: heard.append(edge.ref))]
    try:
        lineage.record_input("dataset", "flights@3")
    finally:
        for stop in stops:
            stop()
    assert heard == ["flights@3"]
    assert "that flights@3 was used is not recorded: the run was deleted" in caplog.text
