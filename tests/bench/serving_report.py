"""``make bench-serving``: what an endpoint answers a second, beside what else serves a model.

Prints one row per goal: what was measured, the peers beside it, the goal, met or missed; ends
with the line ``goals met: N of M`` and with status 1 when one is missed. Every server has one
worker, one OpenMP thread, the same pipelines and the same load from one thread of wrk. The best of
the rounds counts. Read the ratios, not the rates.

Figures can be gathered in pieces, for a machine that is quiet for minutes only::

    make bench-serving
    make bench-serving ARGS='--only logistic --systems mlnb,mlflow --figures figures.json'
    make bench-serving ARGS='--only "" --figures figures.json --markdown table.md'
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

import machine
import reporting
import serving_load
from goals import Bench
from serving_goals import goals
from serving_models import OTHER, SERVED
from serving_sections import Session, measure
from serving_systems import PEERS

SECTIONS = ("hello", *SERVED, OTHER, "log", "memory")
_LIBRARIES = ("mlnb", "mlflow", "scikit-learn", "onnxruntime", "httptools", "uvloop")


def main(arguments: list[str]) -> int:
    """Measure, print, and return the exit status."""
    asked = _parse(arguments)
    if not serving_load.available():
        print("wrk is missing; install it, for example: sudo apt-get install wrk", file=sys.stderr)
        return 1
    place = asked.folder or Path(tempfile.mkdtemp(prefix="bench-serving-"))
    place.mkdir(parents=True, exist_ok=True)
    bench = Bench(folder=place, peers=tuple(asked.systems), quick=asked.seconds < 4)
    begun = time.monotonic()
    print(f"machine: {machine.describe(place)}")
    print(f"libraries: {', '.join(_libraries())}")
    print(f"load at start: {machine.load()}", flush=True)
    known = asked.figures.exists() if asked.figures else False
    figures = json.loads(asked.figures.read_text()) if known else {}
    session = Session(bench, place, asked.pythons, asked.seconds, asked.rounds, figures)
    try:
        measure(session, asked.only)
    finally:
        if asked.figures:
            asked.figures.write_text(json.dumps(figures, indent=1, sort_keys=True))
        if asked.folder is None:
            shutil.rmtree(place, ignore_errors=True)
    found = list(goals(figures))
    group = ""
    for goal in found:
        if goal.group != group:
            group = goal.group
            print(f"\n{group}")
        print(reporting.row(goal), flush=True)
    print()
    for remark in [*bench.remarks, *_hellos(figures)]:
        print(f"remark: {remark}")
    for peer, why in bench.left_out.items():
        print(f"left out: {peer} ({why})")
    print(f"load at end: {machine.load()}; took {(time.monotonic() - begun) / 60:.1f} min")
    if asked.markdown:
        asked.markdown.write_text("\n".join(reporting.table(found)) + "\n", encoding="utf-8")
    met = sum(goal.met for goal in found)
    print(f"goals met: {met} of {len(found)}")
    return 0 if met == len(found) else 1


def _hellos(figures: dict[str, dict[str, float]]) -> list[str]:
    rates = {
        key.removeprefix("hello/"): found["rate"]
        for key, found in figures.items()
        if key.startswith("hello/")
    }
    if not rates:
        return []
    ordered = sorted(rates.items(), key=lambda pair: -pair[1])
    shown = ", ".join(f"{name} {rate:,.0f}" for name, rate in ordered)
    return [f"a hello a second at 64 clients, by server: {shown}"]


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-serving", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "--only", nargs="*", default=list(SECTIONS), help="of " + " ".join(SECTIONS)
    )
    parser.add_argument("--systems", help=f"of mlnb,{','.join(PEERS)}")
    parser.add_argument("--peers", type=Path, help="folder with a virtual environment per peer")
    parser.add_argument("--seconds", type=float, default=5.0, help="of load at each setting")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--figures", type=Path, help="add to the figures of this file")
    parser.add_argument("--markdown", type=Path, help="write a table for the documentation, too")
    parser.add_argument("--folder", type=Path, help="work here; the models stay for the next piece")
    asked = parser.parse_args(arguments)
    asked.only = [each for each in asked.only if each]
    everybody = ("mlnb", *PEERS)
    asked.systems = asked.systems.split(",") if asked.systems else list(everybody)
    for given, known in ((asked.only, SECTIONS), (asked.systems, everybody)):
        if unknown := set(given) - set(known):
            parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    asked.pythons = _pythons(asked.peers)
    return asked


def _pythons(folder: Path | None) -> dict[str, str]:
    """Return each peer's interpreter; MLflow is installed beside mlnb."""
    found = {"mlflow": sys.executable, "mlnb": sys.executable}
    for environment in folder.iterdir() if folder else ():
        python = environment / "bin" / "python"
        if os.access(python, os.X_OK):
            found[environment.name] = str(python.absolute())
    return found


def _libraries() -> list[str]:
    found = [f"Python {sys.version.split()[0]}"]
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
