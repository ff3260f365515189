"""What is kept of a cached cell, and what is said about a cell that ran or did not."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mlnb.core.records import Record
from mlnb.execution.steps.payloads import StoredValue


@dataclass(frozen=True, kw_only=True)
class DatasetRead(Record):
    """A version that a cell read while it ran; only what was the right one then still is."""

    name: str
    number: int
    refs: list[str] = field(default_factory=list)
    """How the code calls it, without the name, as far as it says so: ``@3``, or nothing."""
    latest: int = 0
    """The newest version then: what counts when the code does not say which it means."""


@dataclass(frozen=True, kw_only=True)
class StoredStep(Record):
    """The result of a cell for one key."""

    step: str
    key: str
    parts: dict[str, str]
    """What the key was made from: ``input df`` → digest."""
    values: list[StoredValue]
    outputs: str
    """Digest of the outputs it showed, a JSON list in nbformat's form."""
    pickle: str = ""
    signature: str = ""
    """Over pickle and outputs; they are trusted by those who have the key only."""
    datasets: list[DatasetRead] = field(default_factory=list)
    seconds: float = 0.0
    """How long the cell took."""
    bytes: int = 0
    author: str = ""
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Change(Record):
    """One part of a key that differs from the last time."""

    part: str
    old: str
    new: str


@dataclass(frozen=True, kw_only=True)
class StepReport(Record):
    """What became of a cached cell, and why."""

    step: str
    status: Literal["reused", "ran", "ran, not cached"]
    reason: str
    key: str = ""
    changes: list[Change] = field(default_factory=list)
    parts: dict[str, str] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    """Names that were stored, or given back."""
    notes: list[str] = field(default_factory=list)
    """What to know: changes in place, values that could not be stored."""
    seconds: float = 0.0
    """How long the cell took when it ran."""
    overhead: float = 0.0
    """Seconds that caching took."""

    def to_event(self) -> dict[str, Any]:
        """Return what the event stream is told."""
        return {
            "status": self.status,
            "reason": self.reason,
            "key": self.key,
            "outputs": self.outputs,
            "notes": self.notes,
            "seconds": self.seconds,
        }
