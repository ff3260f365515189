"""What a transfer tells: how far it is, and what it did."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from mlnb.core.records import Record
from mlnb.datasets.records import DamagedObject, DamagedVersion

Action = Literal["push", "pull", "repair", "verify"]


@dataclass(frozen=True)
class Progress:
    """How far a transfer is."""

    action: Action
    phase: Literal["comparing", "copying", "recording"]
    objects: int = 0
    objects_total: int = 0
    bytes: int = 0
    bytes_total: int = 0
    seconds: float = 0.0
    """Since copying began."""

    @property
    def rate(self) -> float:
        """Return bytes per second so far."""
        return self.bytes / self.seconds if self.seconds > 0 else 0.0

    @property
    def remaining(self) -> float | None:
        """Return the seconds that are left at this rate; None when nothing was copied yet."""
        return (self.bytes_total - self.bytes) / self.rate if self.rate else None


OnProgress = Callable[[Progress], object]
"""Called in the thread that called `push` or `pull`, for each object that was copied."""


@dataclass(frozen=True, kw_only=True)
class TransferReport(Record):
    """What a push or pull did."""

    action: Literal["push", "pull"]
    url: str
    """The other store, as it was given, without secrets."""
    versions: list[str]
    """The versions that were written, by their names there."""
    same: int
    """Versions that both sides had already."""
    objects: int
    """Objects that were copied."""
    bytes: int
    """Their size."""
    skipped: int
    """Objects of the written versions that were there already."""
    seconds: float
    tags: list[str] = field(default_factory=list)
    """Tags that were set, moved or removed: ``flights: gold → 3``."""
    removed: list[str] = field(default_factory=list)
    """Versions that were removed there because they are removed here."""
    notes: list[str] = field(default_factory=list)
    """What was left undone, and why."""


@dataclass(frozen=True, kw_only=True)
class RepairReport(Record):
    """What was fetched anew from a remote."""

    url: str
    repaired: list[str]
    """Digests of objects that are whole again."""
    entries: list[str] = field(default_factory=list)
    """Versions whose entry could not be read, and is whole again."""
    lost: list[DamagedObject] = field(default_factory=list)
    """Objects that the remote lacks, or has damaged, too."""
    unreadable: list[DamagedVersion] = field(default_factory=list)
    """Versions whose entry or manifest still cannot be read."""
    bytes: int
    seconds: float
