"""``make bench-datasets``: what versions of data cost, side by side with what else there is.

Prints one row per goal: what was measured, the peers beside it, the goal, met or missed; ends
with the line ``goals met: N of M`` and with status 1 when one is missed. Everything is measured
in turn, the best of several is taken, and what is edited is made outside the timing. Read the
ratios, not the times.

Examples::

    make bench-datasets
    make bench-datasets ARGS='--rows 1000000 --only tables'
    make bench-datasets ARGS='--quick --only saves --peers lance --json figures.json'
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import dataset_peers
import machine
import reporting
from dataset_peers import LABELS, PEERS
from dataset_sections import tables
from goals import Bench, Goal, unmeasured
from workers import WorkerFailed

_SECTIONS = ("saves", "kernels", "loads", "diffs", "small", "files")
_TABLES = _SECTIONS[:-1]


def main(arguments: list[str]) -> int:
    """Measure, print, and return the exit status."""
    asked = _parse(arguments)
    place = Path(tempfile.mkdtemp(prefix="bench-datasets-", dir=asked.folder))
    bench = Bench(folder=place, rows=tuple(asked.rows), peers=tuple(asked.peers), quick=asked.quick)
    begun, load = time.monotonic(), machine.load()
    facts = {
        "machine": machine.describe(place),
        "libraries": dataset_peers.libraries(["ours", "duckdb", "polars", *bench.peers]),
        "load at start": load,
    }
    for name, fact in facts.items():
        words = fact if isinstance(fact, str) else ", ".join(f"{k} {v}" for k, v in fact.items())
        print(f"{name}: {words}", flush=True)
    goals: list[Goal] = []
    try:
        for goal in _measure(bench, asked.only):
            if not goals or goals[-1].group != goal.group:
                print(f"\n{goal.group}")
            goals.append(goal)
            print(reporting.row(goal), flush=True)
    finally:
        if asked.keep:
            print(f"\nkept: {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)
    facts |= {"load at end": machine.load(), "minutes": f"{(time.monotonic() - begun) / 60:.1f}"}
    _finish(bench, facts, goals)
    if asked.json:
        body = {**facts, "goals": [goal.to_dict() for goal in goals]}
        body |= {"left out": bench.left_out, "remarks": bench.remarks}
        asked.json.write_text(json.dumps(body, indent=1, ensure_ascii=False), encoding="utf-8")
    if asked.markdown:
        asked.markdown.write_text("\n".join(reporting.table(goals)) + "\n", encoding="utf-8")
    met = sum(goal.met for goal in goals)
    print(f"goals met: {met} of {len(goals)}")
    return 0 if met == len(goals) else 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-datasets", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--rows", type=int, nargs="+", help="1000000 5000000 by default")
    parser.add_argument(
        "--only",
        nargs="+",
        default=list(_SECTIONS),
        choices=["tables", *_SECTIONS],
        help="these sections; tables means all but files",
    )
    parser.add_argument(
        "--peers", help=f"of {','.join(PEERS)}, or none; plain Parquet is always there"
    )
    parser.add_argument("--quick", action="store_true", help="1 M rows, fewer repetitions")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    parser.add_argument("--markdown", type=Path, help="write a table for the documentation, too")
    parser.add_argument("--folder", type=Path, help="where to work; the temporary folder")
    parser.add_argument("--keep", action="store_true", help="leave what was written")
    asked = parser.parse_args(arguments)
    asked.rows = asked.rows or ([1_000_000] if asked.quick else [1_000_000, 5_000_000])
    named = PEERS if asked.peers is None else asked.peers.replace(",", " ").split()
    asked.peers = [peer for peer in named if peer not in ("plain", "none")]
    if unknown := set(asked.peers) - set(PEERS):
        parser.error(f"there is no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
    if "tables" in asked.only:
        asked.only = [*_TABLES, *(name for name in asked.only if name == "files")]
    return asked


def _measure(bench: Bench, only: list[str]) -> Iterator[Goal]:
    """Yield all goals; a section that fails is one goal missed."""
    parts: list[tuple[str, Iterator[Goal]]] = []
    for rows in bench.rows:
        if set(only) & {"saves", "kernels", "loads", "diffs"}:
            parts.append((f"tables, {rows:,} rows", tables(bench, rows, only)))
    for section, module in (("small", "dataset_small"), ("files", "dataset_files")):
        if section in only:
            if find_spec(module):
                parts.append((section, import_module(module).goals(bench)))
            else:
                bench.remarks.append(f"{section}: not measured, there is no {module}.py")
    for group, part in parts:
        try:
            yield from part
        except Exception as why:  # the other sections are still worth measuring
            if not isinstance(why, WorkerFailed):
                traceback.print_exc()
            yield unmeasured(group, str(why) or type(why).__name__)


def _finish(bench: Bench, facts: dict[str, object], goals: list[Goal]) -> None:
    print()
    for remark in bench.remarks:
        print(f"remark: {remark}")
    for peer, why in bench.left_out.items():
        print(f"left out: {peer} ({why})")
    missing = set(map(LABELS.get, bench.peers)) - {name for g in goals for name in g.beside}
    for peer in sorted(str(name) for name in missing - set(bench.left_out)):
        print(f"left out: {peer} (nothing was measured that it has)")
    print(f"load at end: {facts['load at end']}; took {facts['minutes']} min")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
