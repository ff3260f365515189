"""``make bench-pipelines``: a pipeline of 20 notebooks, by mlnb and by what people use instead.

Prints one row per goal: what was measured, the peers beside it, the goal, met or missed; ends
with the line ``goals met: N of M`` and with status 1 when one is missed. The same notebooks run by
a loop of papermill, by ploomber, by ``dvc repro`` of papermill stages and by ``mlnb run``; mlnb
and DVC are programs, and what is measured is all of the program.

Examples::

    make bench-pipelines
    make bench-pipelines ARGS='--only little edited --peers papermill'
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import machine
import pipeline_project as project
import reporting
from goals import Goal, unmeasured

HERE = Path(__file__).parent
PEERS = ("papermill", "ploomber", "dvc")
LABELS = {"papermill": "papermill loop", "ploomber": "ploomber", "dvc": "dvc repro"}
SECTIONS = ("little", "unchanged", "edited", "much")
EDITED = "features_1"


class Bench:
    """The projects, the programs, and the seconds that were measured, kept in a file if asked."""

    def __init__(self, folder: Path, asked: argparse.Namespace) -> None:
        self.folder = folder
        self.left_out: dict[str, str] = {}
        self.notes: list[str] = []
        self._figures: Path | None = asked.figures
        self.seconds: dict[str, float] = {}
        if self._figures and self._figures.exists():
            self.seconds = json.loads(self._figures.read_text(encoding="utf-8"))
        self._until = time.monotonic() + (asked.limit or math.inf)
        self.programs = {"dvc": asked.dvc, "ploomber": asked.ploomber}
        self.peers = [peer for peer in PEERS if peer in asked.peers]
        for peer, program in self.programs.items():
            if peer in self.peers and not (program and Path(program).exists()):
                self.left_out[peer] = f"no program has it (--{peer})"
                self.peers.remove(peer)

    def place(self, much: bool) -> Path:
        """Return the folder of the project with notebooks that do little, or much."""
        folder = self.folder / ("much" if much else "little")
        if not folder.exists():
            project.write(folder, much=much)
            project.write_ploomber(folder / "ploomber")
        return folder

    def keep(self, what: str, take: Callable[[], float], times: int = 1) -> float | None:
        """Measure what is not known yet, and keep the best; None when a peer cannot do it."""
        if what not in self.seconds:
            if time.monotonic() > self._until:
                raise TimeoutError("the time is over; go on with the same --figures")
            try:
                self.seconds[what] = min(take() for _ in range(times))
            except subprocess.CalledProcessError as error:
                if what.startswith("mlnb"):
                    raise
                last = (error.stderr or error.stdout or "").strip().splitlines()
                self.left_out.setdefault(what.split()[0], f"{what}: {last[-1] if last else error}")
                return None
            if self._figures:
                self._figures.write_text(json.dumps(self.seconds, indent=1), encoding="utf-8")
        return self.seconds[what]

    def first(self, peer: str, much: bool) -> float | None:
        """Return the seconds that a peer takes for all notebooks."""
        what = "much" if much else "little"
        folder = self.place(much)
        if peer == "papermill":
            if not list((folder / "data").iterdir()):
                self.mlnb(folder)  # a loop that goes on finds what its first notebooks wrote
            each = [
                self.keep(
                    f"papermill {what} {item.name}", lambda item=item: loop(folder, item.name)
                )
                for item in project.notebooks()
            ]
            return None if None in each else math.fsum(value for value in each if value)
        if peer == "ploomber":
            return self.keep(f"ploomber {what}", lambda: self.ploomber(folder / "ploomber"))
        return self.keep(f"dvc {what}", lambda: self.dvc(folder, fresh=True))

    def ploomber(self, folder: Path, *, fresh: bool = True) -> float:
        """Run ``ploomber build``."""
        if fresh:
            shutil.rmtree(folder / "out", ignore_errors=True)
        python = Path(self.programs["ploomber"])
        path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
        more = {
            "PATH": path,
            "PLOOMBER_STATS_ENABLED": "false",
            "PLOOMBER_VERSION_CHECK_DISABLED": "1",
        }
        return run([str(python.parent / "ploomber"), "build"], folder, **more)

    def dvc(self, folder: Path, *, fresh: bool = False) -> float:
        """Run ``dvc repro``."""
        program = str(self.programs["dvc"])
        if fresh:
            papermill = f"{sys.executable} -m papermill"
            project.write_dvc(folder, papermill)
            if not (folder / ".dvc").exists():
                run([program, "init", "--no-scm", "-q"], folder)
                run([program, "config", "core.analytics", "false"], folder)
        return run([program, "repro", "-q"], folder, DVC_NO_ANALYTICS="1")

    def mlnb(self, folder: Path, *options: str) -> float:
        """Run ``mlnb run``."""
        return run([sys.executable, "-m", "mlnb", "run", ".", *options], folder)

    def warm(self, folder: Path) -> None:
        """Start the parent of warm kernels, and wait until it has imported what it is to."""
        from mlnb.execution.warm import client

        if not list((self.folder / "sockets").glob("*.sock")):
            self.mlnb(folder, "--until", "ingest", "--force")
        for path in (self.folder / "sockets").glob("*.sock"):
            if connection := client.reach(str(path)):
                client.ask(connection, {"op": "warm"})
        time.sleep(2)


def run(command: list[str], folder: Path, **more: str) -> float:
    """Run a program to its end, and return the seconds it took."""
    begun = time.perf_counter()
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=900,
        env={**os.environ, **more},
    )
    return time.perf_counter() - begun


def loop(folder: Path, name: str) -> float:
    """Execute one notebook of papermill's loop."""
    command = [sys.executable, str(HERE / "pipeline_papermill.py"), name]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return math.fsum(json.loads(done.stdout))


def first_run(bench: Bench, much: bool) -> dict[str, float]:
    """Measure the first run of all notebooks by everybody."""
    folder, what = bench.place(much), "much" if much else "little"
    if f"mlnb {what}" not in bench.seconds:
        bench.warm(folder)
        # forced: the cache of the run before must not help, as if there had been none
        ours = lambda: bench.mlnb(folder, "--force")  # noqa: E731  (a name says what it is)
        bench.keep(f"mlnb {what}", ours, 1 if much else 3)
    found = {"mlnb": bench.seconds[f"mlnb {what}"]}
    for peer in bench.peers:
        if (taken := bench.first(peer, much)) is not None:
            found[peer] = taken
    return found


def little(bench: Bench) -> Iterator[Goal]:
    """The first run, when notebooks import much and do little."""
    found = first_run(bench, much=False)
    yield Goal(
        group="first run of 20 notebooks",
        what="importing much, doing little: faster than a loop of papermill",
        measured=found.get("papermill", math.nan) / found["mlnb"],
        limit=10,
        unit="times",
        at_least=True,
        beside=_beside(found),
        note=_words(found),
    )


def much(bench: Bench) -> Iterator[Goal]:
    """The first run, when notebooks do real work."""
    found = first_run(bench, much=True)
    yield Goal(
        group="first run of 20 notebooks",
        what="doing much: of the time of a loop of papermill",
        measured=found["mlnb"] / found.get("papermill", math.nan),
        limit=1,
        unit="× papermill",
        beside={LABELS[peer]: found[peer] / found["papermill"] for peer in found if peer != "mlnb"},
        note=_words(found),
    )


def unchanged(bench: Bench) -> Iterator[Goal]:
    """The second run, with nothing changed."""
    folder = bench.place(False)
    if "mlnb unchanged" not in bench.seconds:
        bench.mlnb(folder)
    found = {"mlnb": bench.keep("mlnb unchanged", lambda: bench.mlnb(folder), 5)}
    if "dvc" in bench.peers and bench.first("dvc", False) is not None:
        if not (folder / "dvc.lock").exists():
            bench.dvc(folder, fresh=True)
        found["dvc"] = bench.keep("dvc unchanged", lambda: bench.dvc(folder), 2)
    if "ploomber" in bench.peers and bench.first("ploomber", False) is not None:
        again = folder / "ploomber"
        if not (again / "out").exists():
            bench.ploomber(again)
        found["ploomber"] = bench.keep(
            "ploomber unchanged", lambda: bench.ploomber(again, fresh=False), 2
        )
    known = {name: taken for name, taken in found.items() if taken is not None}
    yield Goal(
        group="second run, nothing changed",
        what="20 steps",
        measured=known["mlnb"],
        limit=1,
        unit="s",
        beside={LABELS[peer]: known[peer] for peer in known if peer != "mlnb"},
        note="a loop of papermill runs all of them again; the whole program is measured",
    )


def edited(bench: Bench) -> Iterator[Goal]:
    """The run after one cell was edited."""
    folder = bench.place(False)
    bench.mlnb(folder)
    for same in (False, True):
        project.edit(folder, EDITED, same=same)
        taken = bench.mlnb(folder)
        ran = _executed(folder)
        # what its dependants read is content: when that is as before, they have nothing to do
        wanted = {EDITED} if same else project.after(EDITED)
        does = "it writes the same: ran it alone" if same else "it and its dependants ran"
        yield Goal(
            group="after editing one cell",
            what=f"{does}; steps that ran wrongly or did not run",
            measured=float(len(ran ^ wanted)),
            limit=0,
            unit="steps",
            note=f"{taken:.2f} s; ran: {', '.join(sorted(ran))}",
        )


def _executed(folder: Path) -> set[str]:
    """Return the steps that the newest run has executed and not taken from the store."""
    shown = subprocess.run(
        [sys.executable, "-m", "mlnb", "pipeline", "show", "--json"],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    steps = json.loads(shown.stdout)["steps"]
    return {step["name"] for step in steps if not step["cached_from"]}


def _beside(found: dict[str, float]) -> dict[str, float | None]:
    return {LABELS[peer]: found[peer] / found["mlnb"] for peer in found if peer != "mlnb"}


def _words(found: dict[str, float]) -> str:
    names = {"mlnb": "mlnb run", **LABELS}
    return ", ".join(f"{names[name]} {taken:.1f} s" for name, taken in found.items())


def main(arguments: list[str]) -> int:
    """Measure, print, and return the exit status."""
    asked = _asked(arguments)
    folder = Path(tempfile.mkdtemp(prefix="bench-pipelines-")).resolve()
    (folder / "sockets").mkdir(mode=0o700)
    for name in [name for name in os.environ if name.startswith("MLNB_")]:
        del os.environ[name]
    os.environ.update(MLNB_RUNTIME_DIR=str(folder / "sockets"), MLNB_BACKGROUND_DELIVERY="false")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # all systems find their modules compiled
    print(f"machine: {machine.describe(folder)}\nlibraries: {_libraries(asked)}")
    print(f"load at start: {machine.load()}", flush=True)
    bench, goals, begun = Bench(folder, asked), [], time.monotonic()
    try:
        for section in asked.only:
            for goal in _section(bench, section):
                goals.append(goal)
                print(reporting.named_row(goal), flush=True)
    except TimeoutError as error:
        print(error)
        return 3
    finally:
        _stop_zygotes(folder)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\nload at end: {machine.load()}; took {(time.monotonic() - begun) / 60:.1f} min")
    for peer, why in bench.left_out.items():
        print(f"left out: {LABELS.get(peer, peer)} ({why})")
    if asked.json:
        body = {"goals": [goal.to_dict() for goal in goals], "seconds": bench.seconds}
        asked.json.write_text(json.dumps(body, indent=1), encoding="utf-8")
    met = sum(goal.met for goal in goals)
    print(f"goals met: {met} of {len(goals)}")
    return 0 if met == len(goals) else 1


def _asked(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-pipelines", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--only", nargs="+", default=list(SECTIONS), choices=SECTIONS)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--dvc", type=Path, help="the dvc program")
    parser.add_argument("--ploomber", type=Path, help="the Python that has ploomber")
    parser.add_argument(
        "--figures", type=Path, help="keep what is measured in this file, and go on"
    )
    parser.add_argument("--limit", type=float, help="begin no measurement after so many seconds")
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    return parser.parse_args(arguments)


def _section(bench: Bench, name: str) -> Iterator[Goal]:
    try:
        yield from globals()[name](bench)
    except TimeoutError:
        raise
    except Exception as error:  # the other sections are still worth measuring
        said = getattr(error, "stderr", "") or ""
        yield unmeasured(name, f"{type(error).__name__}: {error} {said[-500:]}")


def _stop_zygotes(folder: Path) -> None:
    from mlnb.execution.warm import client

    for path in (folder / "sockets").glob("*.sock"):
        if connection := client.reach(str(path)):
            client.ask(connection, {"op": "stop"})


def _libraries(asked: argparse.Namespace) -> str:
    found: list[Any] = [f"{name} {version(name)}" for name in ("papermill", "ipykernel", "mlnb")]
    for peer in ("dvc", "ploomber"):
        program = getattr(asked, peer)
        python = program and (program if peer == "ploomber" else program.parent / "python")
        if python and python.exists():
            code = f"import importlib.metadata as m; print('{peer}', m.version('{peer}'))"
            shown = subprocess.run([python, "-c", code], capture_output=True, text=True)
            found.append(shown.stdout.strip())
    return ", ".join(filter(None, found)) + f", Python {sys.version.split()[0]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
