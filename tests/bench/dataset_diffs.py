"""Row differences of version 1 and version 3: 1 % appended and 0.1 % of the cells edited."""

from collections.abc import Iterator
from pathlib import Path

from dataset_frame import STEPS
from dataset_peers import LABELS, OURS, PLAIN
from dataset_tables import Tables
from goals import Goal
from timings import Timings
from workers import WorkerFailed, worker

_BEFORE, _AFTER = STEPS[0], STEPS[2]
_JOINS = ("duckdb", "polars")
_WITH_DIFF = ("oxen",)


def goals(tables: Tables) -> Iterator[Goal]:
    """Yield the goals of the rows' difference, in the same order and with shuffled rows."""
    systems = [OURS, *_JOINS, *(peer for peer in tables.systems if peer in _WITH_DIFF)]
    for peer in tables.systems:
        if peer not in (*systems, PLAIN):
            tables.bench.remarks.append(f"{LABELS[peer]} has no diff of rows")
    stores = {system: tables.store(system) for system in (*systems, PLAIN)}
    tokens = {system: tables.tokens.get(system, {}) for system in stores}
    yield _goal(tables, systems, stores, tokens, shuffled=False)
    yield _goal(tables, systems, *_shuffled(tables, systems), shuffled=True)


def _shuffled(
    tables: Tables, systems: list[str]
) -> tuple[dict[str, Path], dict[str, dict[str, str]]]:
    """Save both versions again, the second with its rows shuffled."""
    stores, tokens = {}, {}
    for system in (PLAIN, *(system for system in systems if system not in _JOINS)):
        stores[system] = tables.folder / "shuffled" / system
        with worker(system, stores[system], memory=tables.memory) as process:
            answers = {
                step: process.ask("save_version", step=step, rows=tables.rows, shuffled=shuffled)
                for step, shuffled in ((_BEFORE, False), (_AFTER, True))
            }
        tokens[system] = {step: answer["token"] for step, answer in answers.items()}
    return stores, tokens


def _goal(
    tables: Tables,
    systems: list[str],
    stores: dict[str, Path],
    tokens: dict[str, dict[str, str]],
    *,
    shuffled: bool,
) -> Goal:
    times, found = Timings(), {}
    ways: dict[str, dict[str, float]] = {}
    for _ in range(tables.rounds):
        for system in list(systems):
            home = system not in _JOINS
            folder = stores[system if home else PLAIN]
            names = tokens[system if home else PLAIN]
            pair = [
                names[step] if home else str(folder / names[step]) for step in (_BEFORE, _AFTER)
            ]
            try:
                at = folder if home else tables.folder / system
                with worker(system, at, memory=tables.memory) as process:
                    if home:
                        process.ask("warm_up", diff=True)
                    answer = process.ask("diff", before=pair[0], after=pair[1])
            except WorkerFailed as why:
                if system == OURS:
                    raise
                tables.bench.leave_out(LABELS[system], f"row diff, {tables.rows:,} rows: {why}")
                systems.remove(system)
                continue
            times.add("diff", _AFTER, system, answer)
            found[system] = answer["found"]
            known = ways.setdefault(system, answer["ways"])
            ways[system] = {way: min(wall, known[way]) for way, wall in answer["ways"].items()}
    return _judged(tables, times, found, ways, shuffled=shuffled)


def _judged(
    tables: Tables,
    times: Timings,
    found: dict[str, dict[str, int]],
    ways: dict[str, dict[str, float]],
    *,
    shuffled: bool,
) -> Goal:
    """Return the goal; a difference that is not the one DuckDB finds is no difference."""
    walls = {system: times.best("diff", _AFTER, system, "wall") for system in found}
    theirs = walls["duckdb"]
    wrong = [LABELS[system] for system in found if found[system] != found["duckdb"]]
    for name in wrong:
        tables.bench.remarks.append(
            f"{name}, {tables.rows:,} rows, finds another difference than DuckDB"
        )
    faster = {system: theirs / wall for system, wall in walls.items()}
    measured = faster if not shuffled else {name: 1 / ratio for name, ratio in faster.items()}
    words = ", ".join(f"{LABELS[system]} {1000 * wall:.0f} ms" for system, wall in walls.items())
    queries = ", ".join(f"{way} {1000 * wall:.0f} ms" for way, wall in ways["duckdb"].items())
    counts = ", ".join(f"{name} {count:,}" for name, count in found[OURS].items())
    right = "" if LABELS[OURS] not in wrong else f", which is wrong: {found['duckdb']}"
    return Goal(
        group=tables.group,
        what=f"row diff v1 ↔ v3, {'shuffled' if shuffled else 'same order'}",
        unit="× DuckDB's time" if shuffled else "× faster than DuckDB",
        limit=1.0 if shuffled else 3.0,
        at_least=not shuffled,
        measured=float("nan") if right else measured[OURS],
        beside={LABELS[system]: measured[system] for system in measured if system != OURS},
        note=f"{words} (DuckDB: {queries}); {counts}{right}",
    )
