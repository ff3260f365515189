"""Alerts: one per period and kind, whoever is first."""

from dataclasses import replace

import pytest

from mlnb.core.project import Project
from mlnb.core.records import Alert, now
from mlnb.monitoring import alarms

DRIFT = Alert(endpoint="a", kind="drift", period="2013-06", message="rain drifted", created=now())


def kinds(project: Project) -> list[str]:
    return [event.kind for event in project.events.read()[0]]


def test_an_alert_is_stored_and_told_once(project: Project) -> None:
    other = replace(DRIFT, kind="performance")
    assert alarms.record("a", [DRIFT, other]) == [DRIFT, other]
    assert alarms.record("a", [replace(DRIFT, message="again")]) == [DRIFT]
    assert alarms.alerts("a") == [DRIFT, other]
    assert kinds(project) == ["drift.found", "performance.dropped"]


def test_a_report_that_is_second_by_a_moment_adds_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = replace(DRIFT, message="first")
    read = alarms._stored

    def overtaken(endpoint: str) -> list[Alert]:
        found = read(endpoint)
        if not found:  # another report stores it right after this one has looked
            project.store.append("endpoints/a/alerts", lambda _number: first.to_dict())
        return found

    monkeypatch.setattr(alarms, "_stored", overtaken)
    assert alarms.record("a", [DRIFT]) == [first]
    assert read("a") == [first]
    assert kinds(project) == []
