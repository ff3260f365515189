"""What tracking costs in the notebook, and what is left after kill -9; MLflow on SQLite beside it.

Each side works in a process and a project of its own. The shipper delivers meanwhile.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

OURS_LOG = """
    import json, sys, time
    from mlnb import tracking
    tracking.start('warm'); tracking.log(metrics={'m': 0}); tracking.end()
    begun = time.perf_counter(); tracking.start('bench'); started = time.perf_counter() - begun
    times = []
    for number in range(10_000):
        begun = time.perf_counter()
        tracking.log(metrics={'m': number}, step=number)
        times.append(time.perf_counter() - begun)
    begun = time.perf_counter(); tracking.end(); ended = time.perf_counter() - begun
    begun = time.perf_counter(); tracking.flush(120); flushed = time.perf_counter() - begun
    print(json.dumps([times, started, ended, sum(times) + flushed]))
"""
THEIR_LOG = """
    import json, os, time
    os.environ['MLFLOW_DISABLE_TELEMETRY'] = 'true'
    import mlflow
    from mlnb.core import project
    from mlnb.tracking import store
    store.use(project.current().tracking_uri)
    mlflow.set_experiment('bench')
    with mlflow.start_run(): mlflow.log_metric('m', 0)
    begun = time.perf_counter(); mlflow.start_run(); started = time.perf_counter() - begun
    times = []
    for number in range(300):
        begun = time.perf_counter()
        mlflow.log_metric('m', number, step=number)
        times.append(time.perf_counter() - begun)
    begun = time.perf_counter(); mlflow.end_run(); ended = time.perf_counter() - begun
    print(json.dumps([times, started, ended, sum(times)]))
"""
RAW_LOG = """
    import json, os, time
    file = os.open('raw.jsonl', os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    times = []
    for number in range(10_000):
        begun = time.perf_counter()
        line = json.dumps({'key': 'm', 'value': number, 'time': time.time(), 'step': number})
        os.write(file, line.encode() + b'\\n')
        times.append(time.perf_counter() - begun)
    print(json.dumps([times, 0, 0, 0]))
"""
CELLS = """
    import json, time
    from mlnb.testing.shell import raising_shell
    with raising_shell() as shell:
        def cells(text, count):
            times = []
            for _ in range(count):
                time.sleep(0.02)
                begun = time.perf_counter()
                shell.run_cell(text, store_history=True)
                times.append(time.perf_counter() - begun)
            return times
        cells('pass', 20)
        first = cells('%%track empty', 1)[0]
        print(json.dumps([cells('%%track empty', 300), cells('pass', 300), first]))
"""
OURS_KILLED = """
    import sys
    from mlnb import tracking
    run = tracking.start('killed')
    number = 0
    while True:
        tracking.log(metrics={'m': number}, step=number)
        sys.stdout.write(f'{run.id} {number}\\n'); sys.stdout.flush()
        number += 1
"""
THEIRS_KILLED = """
    import sys
    import mlflow
    from mlnb.core import project
    from mlnb.tracking import store
    store.use(project.current().tracking_uri)
    mlflow.config.enable_async_logging()
    mlflow.set_experiment('bench')
    run = mlflow.start_run().info.run_id
    number = 0
    while True:
        mlflow.log_metric('m', number, step=number)
        sys.stdout.write(f'{run} {number}\\n'); sys.stdout.flush()
        number += 1
"""


def lines() -> Iterator[str]:
    """Measure."""
    ours, raw, theirs = _run(OURS_LOG), _run(RAW_LOG), _run(THEIR_LOG)
    yield _row("log_metric, median", _median(ours[0]), "mlflow.log_metric", _median(theirs[0]))
    yield _row("log_metric, 99 of 100", _part(ours[0], 0.99), "…", _part(theirs[0], 0.99))
    yield _row("log_metric, median", _median(ours[0]), "a raw JSONL append", _median(raw[0]))
    yield _row("start of a run", ours[1], "mlflow.start_run", theirs[1])
    yield _row("end of a run", ours[2], "mlflow.end_run", theirs[2])
    yield _row(
        "per point until it is in MLflow", ours[3] / 10_000, "mlflow.log_metric", theirs[3] / 300
    )
    tracked, plain, first = _run(CELLS)
    yield _row("%%track on an empty cell, median", _median(tracked), "the cell", _median(plain))
    yield _row("… 99 of 100", _part(tracked, 0.99), "the cell", _part(plain, 0.99))
    yield _row("… the first of a kernel", first, "the cell", _median(plain))
    for name, code in (("mlnb", OURS_KILLED), ("MLflow's async logging", THEIRS_KILLED)):
        said, found = _killed(code)
        yield f"  kill -9, {name}: {said - found} of {said} acknowledged points lost"


def _run(code: str) -> list:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        _project(Path(folder))
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            cwd=folder,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return json.loads(done.stdout.splitlines()[-1])


def _killed(code: str) -> tuple[int, int]:
    """Kill a program 3 s after its first word; return points acknowledged, and those in MLflow."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        _project(Path(folder))
        said = Path(folder) / "said"
        with said.open("wb") as file:
            program = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(code)], cwd=folder, stdout=file
            )
        while not said.stat().st_size:
            time.sleep(0.01)
        time.sleep(3)
        os.kill(program.pid, signal.SIGKILL)
        program.wait()
        acknowledged = [line.split() for line in said.read_text().splitlines() if " " in line]
        run = acknowledged[0][0]
        count = f"""
            import json
            from mlnb.tracking import store
            found = store.client().get_metric_history({run!r}, 'm')
            print(json.dumps([len({{point.step for point in found}})]))
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(count)],
            cwd=folder,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])[0]
        return len(acknowledged), min(found, len(acknowledged))


def _project(folder: Path) -> None:
    (folder / "mlnb.toml").write_text('name = "bench"\n', encoding="utf-8")


def _median(times: list[float]) -> float:
    return statistics.median(times)


def _part(times: list[float], part: float) -> float:
    return sorted(times)[int(part * len(times))]


def _row(ours: str, our_time: float, theirs: str, their_time: float) -> str:
    return (
        f"  {ours:<34} {1000 * our_time:9.4f} ms   {theirs:<22} {1000 * their_time:9.4f} ms   "
        f"ratio {our_time / their_time:8.5f}"
    )
