"""A small table of 150 rows, saved and loaded again and again."""

from collections.abc import Iterator
from statistics import median

from dataset_peers import LABELS, OURS, PLAIN
from goals import Bench, Goal
from workers import WorkerFailed, worker

_EARLY, _LATE = slice(1, 11), slice(20, 30)
"""Versions 2 to 11 and 21 to 30; before the first counts as first use."""
_NOISE = 1.1
"""What "no slower" allows: medians of ten measurements of some milliseconds differ by so much."""

_MEMORY = 0
"""So small a table needs no memory that the process has not got; to fetch some before each
measurement would only empty the processor's caches."""


def goals(bench: Bench) -> Iterator[Goal]:
    """Yield the goals of a small table that changes by a cell, version after version."""
    early: dict[str, float] = {}
    late: dict[str, float] = {}
    lost: list[str] = []
    for system in (OURS, PLAIN, *bench.peers):
        try:
            early[system], late[system], lost_here = _measured(bench, system, mixed=False)
        except WorkerFailed as why:
            if system in (OURS, PLAIN):
                raise
            bench.leave_out(LABELS[system], f"table of 150 rows: {why}")
            continue
        lost = lost_here if system == OURS else lost
    yield Goal(
        group="tables, 150 rows",
        what="save + load, median",
        unit="ms",
        limit=8,
        measured=max(early[OURS], late[OURS]) if not lost else float("nan"),
        beside={LABELS[system]: early[system] for system in early if system != OURS},
        note=f"versions 2–11 {early[OURS]:.1f} ms, 21–30 {late[OURS]:.1f} ms; the slower counts"
        + (f"; lost: {', '.join(lost)}" if lost else ""),
    )
    yield Goal(
        group="tables, 150 rows",
        what="after 20 versions",
        unit="× the first ten",
        limit=_NOISE,
        measured=late[OURS] / early[OURS],
        beside={LABELS[system]: late[system] / early[system] for system in early if system != OURS},
        note="no slower, within what medians of ten differ by",
    )
    wide = {name: _measured(bench, name, mixed=True) for name in (OURS, PLAIN)}
    bench.remarks.append(
        "150 rows of 12 mixed columns, save + load, median, without a goal: "
        + ", ".join(f"{LABELS[name]} {figures[0]:.1f} ms" for name, figures in wide.items())
    )


def _measured(bench: Bench, system: str, *, mixed: bool) -> tuple[float, float, list[str]]:
    """Return the medians of early and late versions in ms, and what the last one lost."""
    folder = bench.folder / ("small-mixed" if mixed else "small") / system
    with worker(system, folder, memory=_MEMORY) as process:
        answer = process.ask("small", versions=30, mixed=mixed)
    milliseconds = [1000 * wall for wall in answer["walls"]]
    return median(milliseconds[_EARLY]), median(milliseconds[_LATE]), answer["losses"]
