"""What tracking is measured at: each section yields its goals."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from goals import Bench, Goal

PEERS = {
    "mlflow-sqlite": "MLflow on SQLite",
    "mlflow-http": "MLflow over HTTP",
    "mlflow-async": "MLflow async",
    "dvclive": "dvclive",
    "wandb": "wandb offline",
}
_WORKER = Path(__file__).with_name("tracking_worker.py")
_MINUTES = 5
_POINTS = 10_000
_ENTRIES = {
    "mlflow-sqlite": "mlflow_own",
    "mlflow-http": "mlflow",
    "mlflow-async": "mlflow_own_async",
}
_COUNTS = {"mlflow-sqlite": 300, "mlflow-http": 200, "mlflow-async": 2_000, "dvclive": 10_000}


def logging(bench: Bench) -> Iterator[Goal]:
    """Measure what a call costs its caller."""
    systems = ["raw", "ours", *_there(bench)]
    taken: dict[str, list[float]] = defaultdict(list)
    with _server(bench) as server:
        for _ in range(1 if bench.quick else 3):
            for system in systems:
                count = _COUNTS.get(system, _POINTS)
                found = _asked(bench, system, count, server)
                if found is not None:
                    taken[system].append(found["seconds"] / count)
    costs = {system: min(times) for system, times in taken.items()}
    ours, raw = costs["ours"], costs["raw"]
    micro = {PEERS[name]: 1e6 * costs[name] for name in PEERS if name in costs}
    note = "µs a point: " + ", ".join(
        f"{name} {value:,.1f}"
        for name, value in {"mlnb": 1e6 * ours, "raw JSONL": 1e6 * raw, **micro}.items()
    )
    group = "what log_metric costs its caller"
    times = {PEERS[name]: costs[name] / ours for name in PEERS if name in costs}
    yield Goal(
        group=group,
        what="cheaper than mlflow.log_metric, SQLite",
        measured=times.get(PEERS["mlflow-sqlite"], float("nan")),
        limit=500,
        unit="×",
        at_least=True,
        beside={name: value for name, value in times.items() if name != PEERS["mlflow-sqlite"]},
        note=note,
    )
    yield Goal(
        group=group,
        what="÷ a raw append to a JSONL file",
        measured=ours / raw,
        limit=2,
        unit="×",
    )
    if "wandb" in bench.peers:
        yield Goal(
            group=group,
            what="10,000 points: ahead of wandb offline",
            measured=times.get(PEERS["wandb"], float("nan")),
            limit=14,
            unit="×",
            at_least=True,
        )


def delivery(bench: Bench) -> Iterator[Goal]:
    """Measure how long it takes until MLflow's own client reads all points."""
    points = 300 if bench.quick else 1_000
    with _server(bench) as server:
        for place, name in (("", "SQLite"), (server, "an MLflow server")):
            if place is None:
                continue
            figures: dict[str, float] = {}
            for system in ("ours", "mlflow", "mlflow_async"):
                with _project(bench) as folder:
                    found = _worker(folder, system, points, place)
                    read = _readable(folder, found["run"], place)
                    if read != points:
                        raise RuntimeError(f"{system}: {read} of {points} points are there")
                    figures[system] = found["through"]
            yield Goal(
                group="from the first call until MLflow has it",
                what=f"{points:,} points to {name}: sooner",
                measured=figures["mlflow"] / figures["ours"],
                limit=5,
                unit="×",
                at_least=True,
                beside={"than MLflow async": figures["mlflow_async"] / figures["ours"]},
                note=f"mlnb {figures['ours']:.2f} s, one by one {figures['mlflow']:.2f} s, "
                f"async {figures['mlflow_async']:.2f} s",
            )


def kills(bench: Bench) -> Iterator[Goal]:
    """Kill a process that logs, and count which acknowledged points are gone."""
    lost = {}
    for system in ("killed_ours", "killed_mlflow"):
        with _project(bench) as folder:
            said = _killed(folder, system)
            run = said[0].split()[0]
            lost[system] = len(said) - min(len(said), _readable(folder, run, ""))
            lost[f"{system} of"] = len(said)
    yield Goal(
        group="kill -9 after a second",
        what="acknowledged points that are gone",
        measured=lost["killed_ours"],
        limit=0,
        unit=f"of {lost['killed_ours of']:,}",
        beside={f"MLflow async (of {lost['killed_mlflow of']:,})": lost["killed_mlflow"]},
    )


def cells(bench: Bench) -> Iterator[Goal]:
    """Measure what ``%%track`` adds to a cell."""
    from tracking_cells import measure

    rounds = [measure(150 if bench.quick else 500) for _ in range(1 if bench.quick else 3)]
    for figure, what, limit in (
        ("added_p99", "%%track on an empty cell, p99, adds", 0.5),
        ("added_first", "… the first of a kernel", 50),
    ):
        values = [found[figure] for found in rounds]
        yield Goal(
            group="what a cell waits for",
            what=what,
            measured=min(values),
            limit=limit,
            unit="ms",
            note=f"rounds: {', '.join(f'{value:.3f}' for value in values)} ms; "
            f"median adds {min(found['added_p50'] for found in rounds):.3f} ms",
        )


def models(bench: Bench) -> Iterator[Goal]:
    """Measure the logging of a scikit-learn model."""
    figures = {}
    for system, count in (("model_ours", 10), ("model_mlflow", 1 if bench.quick else 2)):
        with _project(bench) as folder:
            figures[system] = _worker(folder, system, count)["seconds"] / count
    yield Goal(
        group="a scikit-learn model",
        what="mlnb.models.register ÷ log_model",
        measured=figures["model_ours"] / figures["model_mlflow"],
        limit=0.02,
        unit="×",
        note=f"mlnb {1000 * figures['model_ours']:.0f} ms, registered; "
        f"mlflow.sklearn.log_model {1000 * figures['model_mlflow']:,.0f} ms, not registered",
    )


def search(bench: Bench) -> Iterator[Goal]:
    """Measure how fast runs are found among many."""
    from tracking_search import measure

    runs = 2_000 if bench.quick else 10_000
    found = measure(runs)
    ratios = {}
    for name, times in found.items():
        if name == "command":
            continue
        if not times["same"]:
            bench.remarks.append(f"search, {name}: mlnb and MLflow answer differently")
        ratios[name] = (min(times["ours"]), min(times["mlflow"]), times["same"])
    ours, theirs, same = ratios["filtered and ordered"]
    yield Goal(
        group=f"{runs:,} runs on SQLite",
        what="filtered and ordered ÷ mlflow.search_runs",
        measured=ours / theirs if same else float("nan"),
        limit=0.02,
        unit="×",
        note="; ".join(
            f"{name}: {1000 * mine:.0f} ms, MLflow {1000 * other:,.0f} ms"
            for name, (mine, other, _same) in ratios.items()
        ),
    )
    yield Goal(
        group=f"{runs:,} runs on SQLite",
        what="`mlnb runs list` in a shell",
        measured=statistics.median(found["command"]),
        limit=1,
        unit="s",
    )


SECTIONS: dict[str, Callable[[Bench], Iterator[Goal]]] = {
    "logging": logging,
    "delivery": delivery,
    "kills": kills,
    "cells": cells,
    "models": models,
    "search": search,
}


# -- processes ------------------------------------------------------------------------------------


def _there(bench: Bench) -> list[str]:
    """Return the peers that can be measured; the others are named as left out."""
    for peer in ("dvclive", "wandb"):
        if peer in bench.peers and find_spec(peer) is None:
            bench.leave_out(PEERS[peer], "it is not installed")
    return [peer for peer in PEERS if peer in bench.peers and PEERS[peer] not in bench.left_out]


def _asked(bench: Bench, system: str, count: int, server: str | None) -> dict[str, Any] | None:
    """Let a system log points; None when it cannot, which is then said."""
    uri = server if system == "mlflow-http" else ""
    if uri is None or PEERS.get(system) in bench.left_out:
        return None
    try:
        with _project(bench) as folder:
            return _worker(folder, _ENTRIES.get(system, system), count, uri)
    except RuntimeError as error:
        if system not in PEERS:
            raise
        bench.leave_out(PEERS[system], str(error))
        return None


@contextmanager
def _project(bench: Bench) -> Iterator[Path]:
    """Make a project; its shipper goes with it."""
    with tempfile.TemporaryDirectory(dir=bench.folder, ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "mlnb.toml").write_text('name = "bench"\n', encoding="utf-8")
        yield folder


@contextmanager
def _server(bench: Bench) -> Iterator[str | None]:
    from mlnb.testing.tracking_server import tracking_server

    if "mlflow-http" not in bench.peers:
        yield None
        return
    folder = Path(tempfile.mkdtemp(dir=bench.folder))  # it goes with the benchmark's
    with tracking_server(folder) as server:
        yield server.uri


def _worker(folder: Path, system: str, count: int, uri: str = "") -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(_WORKER), system, str(count)],
        cwd=folder,
        env=_environment(uri),
        capture_output=True,
        text=True,
        timeout=60 * _MINUTES,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise RuntimeError(f"{system}: {lines[-1][:200] if lines else done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _environment(uri: str) -> Mapping[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MLNB_", "MLFLOW_"))}
    return kept | ({"MLNB_TRACKING_URI": uri} if uri else {})


def _killed(folder: Path, system: str) -> list[str]:
    """Kill a process one second after its first word, and return what it said."""
    said = folder / "said"
    with said.open("wb") as file:
        program = subprocess.Popen(
            [sys.executable, str(_WORKER), system, "0"],
            cwd=folder,
            env=_environment(""),
            stdout=file,
            stderr=subprocess.DEVNULL,
        )
    while not said.stat().st_size and program.poll() is None:
        time.sleep(0.01)
    time.sleep(1)
    program.send_signal(signal.SIGKILL)
    program.wait()
    return [line for line in said.read_text().splitlines() if " " in line]


def _readable(folder: Path, run: str, uri: str) -> int:
    """Return how many points of a run MLflow's own client reads, once mlnb has delivered."""
    code = (
        "import json, sys\n"
        "from mlnb.tracking import minting, store\n"
        "from mlnb.core import project\n"
        "from mlnb.tracking import flushing\n"
        "assert flushing.flush(240)\n"
        "client = store.client()\n"
        "found = minting.find(project.current(), client, sys.argv[1])\n"
        "points = client.get_metric_history(found, 'm')\n"
        "print(len({point.step for point in points}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, run],
        cwd=folder,
        env=_environment(uri),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return int(done.stdout.splitlines()[-1])
