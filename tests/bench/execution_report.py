"""``make bench-execution``: what executing a notebook costs, side by side with what else there is.

Prints one row per goal: what was measured, the peers beside it, the goal, met or missed; ends
with the line ``goals met: N of M`` and with status 1 when one is missed. Every system runs the
same notebooks; the best of several is taken, the systems in turn.

Examples::

    make bench-execution
    make bench-execution ARGS='--quick --only single'
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import machine
import reporting
from execution_notebooks import write_all
from execution_processes import Worker, WorkerFailed, children_memory, shutdowns
from goals import Goal, unmeasured

OURS = ("inprocess", "kernel", "papermill-mlnb")
LABELS = {
    "papermill-cli": "papermill CLI",
    "papermill": "papermill API",
    "nbclient": "nbclient",
    "jupyter": "jupyter execute",
    "nbmake": "nbmake",
    "ploomber": "ploomber-engine",
    "mlnb-cli": "mlnb CLI",
    "inprocess": "mlnb in-process",
    "kernel": "mlnb kernel",
    "papermill-mlnb": "papermill with engine mlnb",
}
_SINGLE = ("empty", "fifty", "heavy")
_SECTIONS = ("ready", "single", "twenty", "cells", "bulk", "memory", "shutdown")


class Bench:
    """One run: systems, notebooks and what has been measured."""

    def __init__(
        self,
        folder: Path,
        *,
        quick: bool,
        ploomber: Path | None,
        peers: list[str] | None = None,
        single: list[str] | None = None,
    ) -> None:
        self.folder, self.quick = folder, quick
        self.single = single or list(_SINGLE)
        self._peers = set(LABELS) - {*OURS, "mlnb-cli"} if peers is None else set(peers)
        self.notebooks = write_all(folder)
        self.left_out: dict[str, str] = {}
        self.seconds: dict[tuple[str, str], float] = {}
        self._workers: dict[str, Worker] = {}
        self._ploomber = ploomber

    def commands(self) -> dict[str, tuple[str, ...]]:
        """Return the peers that are programs."""
        here = Path(sys.executable).parent
        pytest = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbmake")
        found: dict[str, tuple[str, ...]] = {
            "papermill-cli": (str(here / "papermill"), "NB", "out.ipynb", "--no-progress-bar"),
            "jupyter": (sys.executable, "-m", "jupyter", "execute", "NB", "--output=out"),
            "nbmake": (sys.executable, *pytest, "NB"),
            "mlnb-cli": (str(here / "mlnb"), "notebook", "run", "NB", "out.ipynb"),
        }
        if not _has("nbmake"):
            del found["nbmake"]
            self.left_out.setdefault("nbmake", "it is not installed")
        return {name: line for name, line in found.items() if self._asked(name)}

    def _asked(self, system: str) -> bool:
        """Tell whether a system takes part: ours, what the goals name, and the peers asked for."""
        return system in (*OURS, "mlnb-cli", "papermill", "papermill-cli") or system in self._peers

    def worker(self, system: str) -> Worker:
        """Return the process of a system, started if need be."""
        if system not in self._workers:
            python = str(self._ploomber) if system == "ploomber" else sys.executable
            self._workers[system] = Worker(python, system, self.folder)
        return self._workers[system]

    def systems(self) -> list[str]:
        """Return the systems that are libraries; each runs in a process of its own."""
        if self._ploomber is None:
            self.left_out.setdefault("ploomber", "no interpreter has it (--ploomber)")
        known = ["papermill", "nbclient", *(["ploomber"] if self._ploomber else []), *OURS]
        return [name for name in known if self._asked(name)]

    def keep(self, system: str, what: str, take: Callable[[], float], times: int) -> None:
        """Measure several times and keep the best; a peer that fails is left out."""
        try:
            best = min(take() for _ in range(times))
        except (WorkerFailed, subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            if system in OURS or system == "mlnb-cli":
                raise
            self.left_out.setdefault(system, f"{what}: {error}")
            return
        self.seconds[system, what] = best

    def ratios(self, what: str, ours: str) -> dict[str, float | None]:
        """Return how many times longer each peer took than one of ours."""
        own = self.seconds[ours, what]
        return {
            LABELS[system]: self.seconds[system, what] / own
            for system in LABELS
            if (system, what) in self.seconds and system != ours
        }

    def words(self, what: str) -> str:
        """Return everybody's absolute figures."""
        return ", ".join(
            f"{LABELS[system]} {1000 * self.seconds[system, what]:.0f} ms"
            for system in LABELS
            if (system, what) in self.seconds
        )

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers.values():
            worker.close()


def ready(bench: Bench) -> Iterator[Goal]:
    """Time until a kernel has answered."""
    worker = bench.worker("kernel")
    worker.ask(ready="mlnb")
    _await_zygote(bench.folder)
    taken = {
        (name, patient): min(worker.ask(ready=name, patient=patient) for _ in range(5))
        for patient in (False, True)
        for name in ("mlnb", "stock")
    }
    words = "{:.0f} ms, stock {:.0f} ms".format
    yield Goal(
        group="kernel",
        what="start until ready, of the stock kernel's time",
        measured=taken["mlnb", False] / taken["stock", False],
        limit=1 / 8,
        unit="× stock",
        note=words(*(1000 * taken[name, False] for name in ("mlnb", "stock")))
        + "; with jupyter_client's wait for 0.2 s of silence: "
        + words(*(1000 * taken[name, True] for name in ("mlnb", "stock"))),
    )


def single(bench: Bench) -> Iterator[Goal]:
    """One notebook: empty, fifty trivial cells, heavy imports."""
    times = 2 if bench.quick else 3
    for name in bench.single:
        notebook = bench.notebooks[name]
        for system, command in bench.commands().items():
            mine = system == "mlnb-cli"
            line = [notebook.name if word == "NB" else word for word in command]
            if mine:
                _program(line, bench.folder)  # starts the zygote
                _await_zygote(bench.folder)
            take = lambda line=line: _program(line, bench.folder)  # noqa: E731
            bench.keep(system, name, take, 10 if mine else times)
        for system in bench.systems():
            ask = lambda system=system: bench.worker(system).ask(sources=[notebook.name])  # noqa: E731, B023
            bench.keep(system, name, ask, 6 if system in OURS else times)
        yield _faster_than_papermill(bench, name)


def _faster_than_papermill(bench: Bench, name: str) -> Goal:
    ratio = bench.seconds["papermill-cli", name] / bench.seconds["mlnb-cli", name]
    return Goal(
        group="mlnb notebook run",
        what=f"{name}: faster than the papermill CLI",
        measured=ratio,
        limit=35 if name == "heavy" else 50,
        unit="times",
        at_least=True,
        beside=bench.ratios(name, "mlnb-cli"),
        note=bench.words(name),
    )


def twenty(bench: Bench) -> Iterator[Goal]:
    """Twenty notebooks with heavy imports, one after the other and two at a time."""
    count = 4 if bench.quick else 20
    sources = [bench.notebooks["heavy"].name] * count
    for system in bench.systems():
        if system in OURS:
            bench.worker(system).ask(sources=sources[:2], workers=2)  # starts the zygote
            _await_zygote(bench.folder)
        for workers in (1, 2):
            if system == "ploomber" and workers == 2:
                continue  # it runs cells in the calling process
            if system == "papermill" and workers == 2:
                continue  # it changes the working directory of the process
            what = f"{count} heavy, {workers} at a time"

            def ask(system: str = system, workers: int = workers) -> float:
                return bench.worker(system).ask(sources=sources, workers=workers)

            bench.keep(system, what, ask, 2 if system in OURS else 1)
    what = f"{count} heavy, 1 at a time"
    for ours, limit in (("inprocess", 50), ("kernel", 25)):
        yield Goal(
            group=f"{count} import-heavy notebooks",
            what=f"{LABELS[ours]}: faster than papermill's API",
            measured=bench.seconds["papermill", what] / bench.seconds[ours, what],
            limit=limit,
            unit="times",
            at_least=True,
            beside=bench.ratios(what, ours),
            note=bench.words(what)
            + "; two at a time: "
            + bench.words(f"{count} heavy, 2 at a time"),
        )


def cells(bench: Bench) -> Iterator[Goal]:
    """What one more trivial cell costs."""
    taken = [
        min(bench.worker("inprocess").ask(sources=[bench.notebooks[name].name]) for _ in range(8))
        for name in ("fifty", "many")
    ]
    peers = {
        LABELS[system]: 20 * (bench.seconds[system, "fifty"] - bench.seconds[system, "empty"])
        for system in ("kernel", "nbclient", "papermill")
        if (system, "fifty") in bench.seconds
    }
    yield Goal(
        group="cells",
        what="in-process, a trivial cell",
        measured=1000 * (taken[1] - taken[0]) / 500,
        limit=0.6,
        unit="ms",
        beside=peers,
    )


def bulk(bench: Bench) -> Iterator[Goal]:
    """What a cell costs in a notebook that holds 200 MB of outputs already."""
    taken = {}
    for name in ("bulk", "small"):
        output = bench.folder / "out-0.ipynb"
        bench.worker("inprocess").ask(sources=[bench.notebooks[name].name])
        body = json.loads(output.read_text(encoding="utf-8"))
        told = [cell["metadata"]["papermill"] for cell in body["cells"][1:]]
        begun, ended = (
            datetime.fromisoformat(text) for text in (told[0]["start_time"], told[-1]["end_time"])
        )
        taken[name] = (ended - begun).total_seconds() / len(told)
        if name == "bulk":
            size = output.stat().st_size
    yield Goal(
        group="cells",
        what="a cell after 200 MB of outputs, of one in a small notebook",
        measured=taken["bulk"] / taken["small"],
        limit=1.25,
        unit="× small",
        note=f"{1000 * taken['bulk']:.2f} ms and {1000 * taken['small']:.2f} ms, of 100; "
        f"the notebook has {size / 1e6:.0f} MB",
    )


def memory(bench: Bench) -> Iterator[Goal]:
    """What a child has of its own."""
    unique = children_memory(bench.folder)
    yield Goal(
        group="memory",
        what="unique to a child that runs a cell",
        measured=unique / 2**20,
        limit=20,
        unit="MiB",
    )


def shutdown(bench: Bench) -> Iterator[Goal]:
    """The longest of many shutdowns."""
    count = int(os.environ.get("SHUTDOWNS", "40" if bench.quick else "1000"))
    longest = shutdowns(bench.folder, count)
    yield Goal(
        group="shutdown",
        what=f"the longest of {count} kernels' shutdowns",
        measured=longest,
        limit=1,
        unit="s",
    )


def main(arguments: list[str]) -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="make bench-execution", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--only", nargs="+", default=list(_SECTIONS), choices=_SECTIONS)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, four for twenty")
    parser.add_argument(
        "--single", nargs="+", choices=_SINGLE, help="the notebooks of the section single"
    )
    parser.add_argument(
        "--peers",
        nargs="*",
        choices=sorted(set(LABELS) - {*OURS, "mlnb-cli", "papermill", "papermill-cli"}),
        help="whom to compare with besides papermill; by default everybody",
    )
    parser.add_argument("--ploomber", type=Path, help="the Python that has ploomber-engine")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    asked = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="bench-execution-"))
    os.environ["MLNB_RUNTIME_DIR"] = str(folder / "sockets")
    (folder / "sockets").mkdir(mode=0o700)
    os.environ.update({"MLNB_PROJECT": str(folder), "MLNB_BACKGROUND_DELIVERY": "false"})
    print(f"machine: {machine.describe(folder)}\nlibraries: {_libraries()}")
    print(f"load at start: {machine.load()}", flush=True)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # all systems find their modules compiled
    bench = Bench(
        folder,
        quick=asked.quick,
        ploomber=asked.ploomber,
        peers=asked.peers,
        single=asked.single,
    )
    begun, goals = time.monotonic(), []
    try:
        for section in asked.only:
            for goal in _section(bench, section):
                goals.append(goal)
                print(reporting.named_row(goal), flush=True)
    finally:
        bench.close()
        _stop_zygotes(folder)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nload at end: {machine.load()}; took {(time.monotonic() - begun) / 60:.1f} min")
    for peer, why in bench.left_out.items():
        print(f"left out: {LABELS.get(peer, peer)} ({why})")
    if asked.json:
        figures = {f"{system}: {what}": value for (system, what), value in bench.seconds.items()}
        body = {"goals": [goal.to_dict() for goal in goals], "seconds": figures}
        asked.json.write_text(json.dumps(body, indent=1), encoding="utf-8")
    met = sum(goal.met for goal in goals)
    print(f"goals met: {met} of {len(goals)}")
    return 0 if met == len(goals) else 1


def _section(bench: Bench, name: str) -> Iterator[Goal]:
    try:
        yield from globals()[name](bench)
    except Exception as error:  # the other sections are still worth measuring
        yield unmeasured(name, f"{type(error).__name__}: {error}")


def _program(command: list[str], folder: Path) -> float:
    begun = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=120,
    )
    return time.perf_counter() - begun


def _await_zygote(folder: Path) -> None:
    """Wait until the zygote has imported everything, and its next children have settled."""
    from mlnb.execution.warm import client

    for path in (folder / "sockets").glob("*.sock"):
        if connection := client.reach(str(path)):
            client.ask(connection, {"op": "warm"})
    time.sleep(2)


def _stop_zygotes(folder: Path) -> None:
    from mlnb.execution.warm import client

    for path in (folder / "sockets").glob("*.sock"):
        if connection := client.reach(str(path)):
            client.ask(connection, {"op": "stop"})


def _has(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _libraries() -> str:
    names = ("papermill", "nbclient", "ipykernel", "jupyter_client", "nbmake", "mlnb")
    found: list[Any] = [f"{name} {version(name)}" for name in names if _has(name)]
    return ", ".join(found) + f", Python {sys.version.split()[0]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
