"""What a benchmark with goals hands to its report: goals measured, peers left out, remarks."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One goal: what was measured, the peers beside it, the limit, met or missed."""

    group: str
    """Goals are printed under this: ``tables, 1,000,000 rows``."""
    what: str
    """What was measured: ``append 1 %, warm kernel``."""
    measured: float
    """Ours, in ``unit``; not a number if it could not be measured."""
    limit: float
    unit: str = "× plain Parquet"
    """What the figures are: a ratio to something named here, or ``ms``."""
    at_least: bool = False
    """Whether ``measured`` has to reach ``limit`` (as in "3× faster") and not to stay below it."""
    beside: Mapping[str, float | None] = field(default_factory=dict)
    """The peers' figures in the same unit; None (printed n/a) where a peer has no such thing."""
    note: str = ""
    """Absolute figures and whatever else a reader needs to judge the ratio."""

    @property
    def met(self) -> bool:
        """Tell whether the goal is met; what could not be measured is missed."""
        if math.isnan(self.measured):
            return False
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def to_dict(self) -> dict[str, Any]:
        """Return the goal as JSON types."""
        body = asdict(self) | {"met": self.met}
        return body | {"measured": None if math.isnan(self.measured) else self.measured}


def unmeasured(group: str, why: str) -> Goal:
    """Return what stands for a section that broke: the others are still worth measuring."""
    return Goal(
        group=group,
        what="could not be measured to the end",
        measured=math.nan,
        limit=0,
        unit="",
        note=why,
    )


@dataclass
class Bench:
    """One run of a benchmark: what was asked for, and what the reader must be told beside goals."""

    folder: Path
    """Where everything is written; empty at first, removed at the end."""
    rows: tuple[int, ...] = (1_000_000, 5_000_000)
    peers: tuple[str, ...] = ()
    """Names of the peers that were asked for."""
    quick: bool = False
    """Whether a rough answer in a short time is wanted: fewer repetitions, smaller data."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Peers that could not be measured, and why."""
    remarks: list[str] = field(default_factory=list)
    """What is said after the goals: what a peer lost, what was measured without a goal."""

    def leave_out(self, peer: str, why: str) -> None:
        """Name a peer as left out; the first reason stays."""
        self.left_out.setdefault(peer, why.strip())
