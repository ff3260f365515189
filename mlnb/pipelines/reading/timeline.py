"""When each step of a run was running: bars on one axis of time."""

from dataclasses import dataclass
from datetime import datetime

from mlnb.core.records import PipelineRun

_ROUND = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400),
)
"""Seconds between two marks."""
_MARKS = 6
"""At most so many marks between the ends."""


@dataclass(frozen=True)
class Bar:
    """One step, in per cent of the axis."""

    name: str
    left: float
    width: float


@dataclass(frozen=True)
class Mark:
    """A place on the axis."""

    left: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """Bars of the steps that started, by name, and the marks of the axis."""

    bars: dict[str, Bar]
    marks: list[Mark]


def draw(run: PipelineRun) -> Timeline:
    """Return the time line of a run, from its first step's start to its last step's end."""
    ran = [(step.name, step.started, step.ended or run.ended) for step in run.steps]
    known = [(name, start, end or start) for name, start, end in ran if start is not None]
    if not known:
        return Timeline({}, [])
    begin = min([run.started, *(start for _, start, _ in known)])
    end = max(stop for _, _, stop in known)
    whole = max((end - begin).total_seconds(), 0.001)

    def share(time: datetime) -> float:
        return 100 * (time - begin).total_seconds() / whole

    bars = {
        name: Bar(name, share(start), max(share(stop) - share(start), 0))
        for name, start, stop in known
    }
    return Timeline(bars, _marks(whole))


def _marks(whole: float) -> list[Mark]:
    if whole < _ROUND[0]:
        return [Mark(0, "0")]
    step = next((size for size in _ROUND if whole / size <= _MARKS), float(_ROUND[-1]))
    while whole / step > _MARKS:
        step *= 2
    return [Mark(100 * step * n / whole, _label(step * n)) for n in range(int(whole / step) + 1)]


def _label(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.3g} s" if seconds else "0"
    if seconds % 60:
        return f"{int(seconds // 60)}:{round(seconds % 60):02d} min"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes % 60 else f"{minutes // 60} h"
