"""Which times of a schedule have fired, so that none fires twice and missed ones are known.

The log is in the store and its entries are created only once: of two servers of one schedule, on
whatever machines, one runs the pipeline at a time and the other passes.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mlnb.core.project import Project
from mlnb.core.records import Record, now
from mlnb.core.store import Entry

Outcome = Literal["run", "missed", "overlapped", "began"]
"""What became of a time: a run was started; nobody was there; the run before was still going on;
or it is when the schedule was first served."""


@dataclass(frozen=True, kw_only=True)
class Firing(Record):
    """One time of a schedule."""

    pipeline: str
    cron: str
    timezone: str
    at: datetime
    outcome: Outcome
    recorded: datetime


def log_of(pipeline: str) -> str:
    """Return the log of a pipeline's firings."""
    return f"pipelines/schedules/{pipeline}"


def last(project: Project, pipeline: str) -> Firing | None:
    """Return the newest firing, None when the schedule was never served."""
    entry = project.store.last(log_of(pipeline))
    return Firing.from_dict(entry.data) if entry else None


def claim(
    project: Project, pipeline: str, cron: str, timezone: str, at: datetime, outcome: Outcome
) -> bool:
    """Record what becomes of a time; tell whether nobody else has done so."""
    made = Firing(
        pipeline=pipeline,
        cron=cron,
        timezone=timezone,
        at=at,
        outcome=outcome,
        recorded=now(),
    )
    while True:
        number = project.store.last_number(log_of(pipeline))
        before = last(project, pipeline)
        if before is not None and before.at >= at:
            return False
        if project.store.create(log_of(pipeline), Entry(number + 1, made.to_dict())):
            return True
