"""What reading runs back costs with many in a SQLite store; `mlflow.search_runs` beside it.

Both sides answer the same questions over one store, in turn, in one process, and must give the
same runs in the same order.
"""

import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

PARAMS, METRICS = 20, 10
FAMILIES = ("linear", "boosting", "forest", "mlp")
SHOWN = 50
"""So many runs are asked for: what a listing shows."""
QUESTIONS: dict[str, tuple[str, list[str]]] = {
    "newest": ("", []),
    "filtered": ("metrics.metric_00 > 0.7 and params.param_00 = 'boosting'", []),
    "ordered": ("", ["metrics.metric_01 DESC"]),
    "filtered and ordered": ("metrics.metric_00 > 0.5", ["metrics.metric_01 DESC"]),
    "narrowly filtered and ordered": (
        "metrics.metric_00 > 0.7 and params.param_00 = 'boosting'",
        ["metrics.metric_01 DESC"],
    ),
}


def fill(database: Path, runs: int, seed: int = 0) -> None:
    """Put realistic runs into an MLflow database that is there."""
    chance = random.Random(seed)  # noqa: S311  (no secret)
    ids = [f"{chance.getrandbits(128):032x}" for _ in range(runs)]
    begun = 1_750_000_000_000
    with closing(sqlite3.connect(database)) as store, store:
        store.executemany(
            "INSERT INTO runs (run_uuid, name, source_type, user_id, status, start_time, end_time, "
            "lifecycle_stage, artifact_uri, experiment_id) "
            "VALUES (?, ?, 'LOCAL', 'analyst', ?, ?, ?, 'active', ?, 0)",
            (
                (
                    run,
                    f"run-{place}",
                    "FAILED" if place % 17 == 0 else "FINISHED",
                    begun + 60_000 * place,
                    begun + 60_000 * place + 45_000,
                    f"mlartifacts/0/{run}/artifacts",
                )
                for place, run in enumerate(ids)
            ),
        )
        store.executemany(
            "INSERT INTO params (key, value, run_uuid) VALUES (?, ?, ?)", _params(ids, chance)
        )
        store.executemany("INSERT INTO tags (key, value, run_uuid) VALUES (?, ?, ?)", _tags(ids))
        points = list(_points(ids, begun, chance))
        columns = "(key, value, timestamp, step, is_nan, run_uuid) VALUES (?, ?, ?, ?, ?, ?)"
        store.executemany(f"INSERT INTO metrics {columns}", points)
        store.executemany(f"INSERT INTO latest_metrics {columns}", points)


def _params(ids: list[str], chance: random.Random) -> Iterator[tuple[str, str, str]]:
    for run in ids:
        yield "param_00", chance.choice(FAMILIES), run
        for number in range(1, PARAMS):
            yield f"param_{number:02d}", str(round(chance.random(), 4)), run


def _tags(ids: list[str]) -> Iterator[tuple[str, str, str]]:
    for place, run in enumerate(ids):
        yield "mlflow.runName", f"run-{place}", run
        yield "mlflow.user", "analyst", run
        yield "mlflow.source.type", "NOTEBOOK", run
        yield "mlflow.source.name", f"notebooks/train-{place % 9}.ipynb", run
        yield "mlflow.source.git.commit", f"{place // 50:040x}", run
        yield "mlnb.python", "3.12.7", run
        yield "mlnb.wall_time", "45.0", run
        yield "team", ("blue", "red")[place % 2], run


def _points(
    ids: list[str], begun: int, chance: random.Random
) -> Iterator[tuple[str, float, int, int, bool, str]]:
    for place, run in enumerate(ids):
        for number in range(METRICS):
            moment = begun + 60_000 * place + number
            yield f"metric_{number:02d}", chance.random(), moment, 0, False, run


def measure(runs: int = 10_000, rounds: int = 3) -> dict[str, Any]:
    """Measure both sides over a store with so many runs.

    Returns
    -------
    dict
        Per question: ``ours`` and ``mlflow``, the seconds of each round; ``same``, whether the
        answers are. And ``command``: the seconds of ``mlnb runs list`` in a shell.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.tracking_search", folder, str(runs), str(rounds)],
            cwd=Path(__file__).parents[2],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        times = []
        for _ in range(rounds):
            begun = time.perf_counter()
            listing = [sys.executable, "-m", "mlnb", "runs", "list"]
            subprocess.run(listing, cwd=folder, check=True, stdout=subprocess.DEVNULL)
            times.append(time.perf_counter() - begun)
        return found | {"command": times}


def _measure(folder: Path, runs: int, rounds: int) -> dict[str, Any]:
    import os

    (folder / "mlnb.toml").write_text('name = "bench"\n', encoding="utf-8")
    os.chdir(folder)
    from mlnb.core import project
    from mlnb.tracking import runs as reading
    from mlnb.tracking import store

    uri = project.current().tracking_uri
    store.use(uri)
    database = store.sqlite_file(uri)
    assert database is not None
    fill(database, runs)
    import mlflow

    found: dict[str, Any] = {}
    for name, (condition, order) in QUESTIONS.items():
        ours: Callable[[], list[str]] = lambda c=condition, o=order: [  # noqa: E731
            run.id for run in reading.list_runs(filter=c, order_by=o, limit=SHOWN)
        ]
        theirs: Callable[[], list[str]] = lambda c=condition, o=order: [  # noqa: E731
            run.info.run_id
            for run in mlflow.search_runs(
                experiment_ids=["0"],
                filter_string=c,
                order_by=o or None,
                max_results=SHOWN,
                output_format="list",
            )
        ]
        times: dict[str, list[float]] = {"ours": [], "mlflow": []}
        answers = {}
        for _ in range(rounds):
            for side, ask in (("ours", ours), ("mlflow", theirs)):
                begun = time.perf_counter()
                answers[side] = ask()
                times[side].append(time.perf_counter() - begun)
        found[name] = times | {"same": answers["ours"] == answers["mlflow"]}
    return found


if __name__ == "__main__":
    place, count, times = sys.argv[1:]
    print(json.dumps(_measure(Path(place), int(count), int(times))))
