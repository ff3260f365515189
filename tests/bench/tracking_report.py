"""``make bench-tracking``: what tracking costs, side by side with what else there is.

Prints one row per goal: what was measured, the peers beside it, the goal, met or missed; ends
with the line ``goals met: N of M`` and with status 1 when one is missed. Each system works in a
process and a folder of its own, in turn, and the best of three rounds counts. Read the ratios,
not the times.

Examples::

    make bench-tracking
    make bench-tracking ARGS='--only logging delivery --peers mlflow-sqlite,wandb'
    make bench-tracking ARGS='--quick --json figures.json'
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import machine
import reporting
from goals import Bench, Goal, unmeasured
from tracking_sections import PEERS, SECTIONS

_LIBRARIES = ("mlnb", "mlflow", "dvclive", "wandb", "scikit-learn")


def main(arguments: list[str]) -> int:
    """Measure, print, and return the exit status."""
    asked = _parse(arguments)
    place = Path(tempfile.mkdtemp(prefix="bench-tracking-", dir=asked.folder))
    bench = Bench(folder=place, peers=tuple(asked.peers), quick=asked.quick)
    begun = time.monotonic()
    facts = {
        "machine": machine.describe(place),
        "libraries": ", ".join(_libraries()),
        "load at start": machine.load(),
    }
    for name, fact in facts.items():
        print(f"{name}: {fact}", flush=True)
    goals: list[Goal] = []
    try:
        for goal in _measure(bench, asked.only):
            if not goals or goals[-1].group != goal.group:
                print(f"\n{goal.group}")
            goals.append(goal)
            print(reporting.row(goal), flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    facts |= {"load at end": machine.load(), "minutes": f"{(time.monotonic() - begun) / 60:.1f}"}
    print()
    for remark in bench.remarks:
        print(f"remark: {remark}")
    for peer, why in bench.left_out.items():
        print(f"left out: {peer} ({why})")
    print(f"load at end: {facts['load at end']}; took {facts['minutes']} min")
    if asked.json:
        body = {**facts, "goals": [goal.to_dict() for goal in goals]}
        body |= {"left out": bench.left_out, "remarks": bench.remarks}
        asked.json.write_text(json.dumps(body, indent=1, ensure_ascii=False), encoding="utf-8")
    if asked.markdown:
        text = "\n".join(reporting.table(goals)) + "\n"
        asked.markdown.write_text(text, encoding="utf-8")
    met = sum(goal.met for goal in goals)
    print(f"goals met: {met} of {len(goals)}")
    return 0 if met == len(goals) else 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-tracking", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", nargs="+", default=list(SECTIONS), choices=list(SECTIONS))
    parser.add_argument("--peers", help=f"of {','.join(PEERS)}")
    parser.add_argument("--quick", action="store_true", help="fewer points and rounds")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    parser.add_argument("--markdown", type=Path, help="write a table for the documentation, too")
    parser.add_argument("--folder", type=Path, help="where to work; the temporary folder")
    asked = parser.parse_args(arguments)
    asked.peers = list(PEERS) if asked.peers is None else asked.peers.replace(",", " ").split()
    if unknown := set(asked.peers) - set(PEERS):
        parser.error(f"there is no peer {', '.join(unknown)}; there are {', '.join(PEERS)}")
    return asked


def _measure(bench: Bench, only: list[str]) -> Iterator[Goal]:
    """Yield all goals; a section that fails is one goal missed."""
    for section in only:
        try:
            yield from SECTIONS[section](bench)
        except Exception as why:  # the other sections are still worth measuring
            traceback.print_exc()
            yield unmeasured(section, str(why) or type(why).__name__)


def _libraries() -> Iterator[str]:
    yield f"Python {sys.version.split()[0]}"
    for name in _LIBRARIES:
        try:
            yield f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
