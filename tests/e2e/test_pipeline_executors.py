"""The same pipeline on threads, on processes and on a Dask cluster of two worker processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mlnb import pipelines
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines import stopping
from mlnb.testing.notebooks import write_notebook

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PIPELINE = """
name: flights
params: {year: 2013}
limits: {licence: 1}
steps:
  make:
    notebook: make.ipynb
    params: {year: "${{ params.year }}"}
  each:
    notebook: each.ipynb
    needs: make
    foreach: {month: "${{ steps.make.months }}"}
    params: {base: "${{ steps.make.base }}"}
  licensed:
    notebook: each.ipynb
    needs: make
    matrix: {month: [7, 8]}
    resources: {licence: 1}
    params: {base: 1}
  total:
    notebook: total.ipynb
    needs: [each, licensed]
    params: {parts: "${{ steps.each.part }}"}
  refused:
    notebook: gate.ipynb
    needs: total
    params: {total: "${{ steps.total.total }}"}
  release:
    notebook: total.ipynb
    needs: refused
"""


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
    return found


class Cluster:
    """A Dask scheduler and two workers, each a process of its own, on the loopback interface."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"dask://127.0.0.1:{self.port}"
        self._folder = folder
        place = ("--host", "127.0.0.1", "--no-dashboard")
        self.scheduler = self._start("scheduler", "--port", str(self.port), *place)
        self.workers = [self.add_worker() for _ in range(2)]

    def add_worker(self) -> "subprocess.Popen[bytes]":
        # without a nanny, which would start a killed worker anew
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory")
        where = f"tcp://127.0.0.1:{self.port}"
        return self._start("worker", where, *options, str(self._folder))

    def busy(self) -> list[int]:
        """Return the process ids of the workers that have something to do."""
        from distributed import Client

        with Client(f"tcp://127.0.0.1:{self.port}", set_as_default=False) as client:
            pids = client.run(os.getpid)
            return [pids[worker] for worker, tasks in client.processing().items() if tasks]

    def close(self) -> None:
        for process in [*self.workers, self.scheduler]:
            process.kill()
        for process in [*self.workers, self.scheduler]:
            process.wait(30)

    def _start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, runtime: Path) -> Iterator[Cluster]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLNB_RUNTIME_DIR", str(runtime))
        running = Cluster(tmp_path_factory.mktemp("dask"))
    yield running
    running.close()


def write_flights(project: Project) -> Path:
    write_notebook(
        project.root / "make.ipynb",
        "import mlnb\nmlnb.glue('months', [1, 2, 3])\nmlnb.glue('base', year - 2000)",
        parameters="year: int = 0",
    )
    write_notebook(
        project.root / "each.ipynb",
        "import numpy as np, mlnb\nprint('month', month)\n"
        "mlnb.glue('part', float(np.random.default_rng(month).normal(base, 1)))",
        parameters="month: int = 0\nbase: int = 0",
    )
    write_notebook(
        project.root / "total.ipynb",
        "import mlnb\nmlnb.glue('total', sum(parts))",
        parameters="parts: list[float] = []",
    )
    write_notebook(
        project.root / "gate.ipynb", "assert total < 0, 'not good enough'", parameters="total = 0.0"
    )
    file = project.root / "pipeline.yaml"
    file.write_text(PIPELINE, encoding="utf-8")
    return file


def told(run: PipelineRun, project: Project) -> dict[str, Any]:
    """Return all of a run that must not depend on where it ran."""
    found = {}
    for step in run.steps:
        body = json.loads((project.root / step.output).read_text("utf-8")) if step.output else {}
        shown = [
            {key: out.get(key) for key in ("output_type", "name", "text", "data", "ename")}
            for cell in body.get("cells", [])
            for out in cell.get("outputs", [])
        ]
        kept = ("status", "values", "parameters", "cells_done", "failed_cell", "error", "attempts")
        found[step.name] = {key: getattr(step, key) for key in kept} | {"outputs": shown}
    return found


def test_threads_processes_and_a_cluster_come_to_the_same(
    project: Project, cluster: Cluster
) -> None:
    file = write_flights(project)
    here = pipelines.run(file, workers=2)
    assert here.status == "FAILED"  # its gate refuses, so its release is skipped
    assert [step.status for step in here.steps][-2:] == ["FAILED", "SKIPPED"]
    assert len(here.steps) == 9
    cells: list[int] = []

    def look(progress: Any) -> None:
        cells.append(sum(step.cells_done for step in progress.steps))

    for executor in ("processes", cluster.address):
        cells.clear()
        there = pipelines.run(file, executor=executor, on_progress=look)
        assert told(there, project) == told(here, project)
        assert len(set(cells)) > 6  # cells are heard of while they run, wherever that is


def test_cancelling_a_run_on_a_cluster_stops_its_kernels(
    project: Project, cluster: Cluster
) -> None:
    code = (
        "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)"
    )
    write_notebook(project.root / "slow.ipynb", code)
    file = project.root / "pipeline.yaml"
    file.write_text("name: slow\nsteps: {s: {notebook: slow.ipynb}}", encoding="utf-8")
    made: list[PipelineRun] = []
    driver = threading.Thread(
        target=lambda: made.append(pipelines.run(file, executor=cluster.address))
    )
    driver.start()
    place = project.root / "pid"
    pid = int(wait_for(lambda: place.exists() and place.read_text(encoding="utf-8")))
    run = pipelines.show().id
    begun = time.monotonic()
    stopping.request(project, run)
    wait_for(lambda: not psutil.pid_exists(pid), 5)
    took = time.monotonic() - begun
    driver.join(30)
    assert made[0].status == "KILLED"
    assert took < float(os.environ.get("CANCELLED_WITHIN", "2.5"))  # 1 on a quiet machine


def test_a_step_of_a_killed_worker_is_performed_by_another(
    project: Project, cluster: Cluster
) -> None:
    code = (
        "import os, pathlib, time\n"
        "pathlib.Path(f'{name}.{os.getpid()}.pid').touch()\n"
        "deadline = time.monotonic() + 60\n"
        "while not pathlib.Path('killed').exists() and time.monotonic() < deadline:\n"
        "    time.sleep(0.05)\n"
        "import mlnb; mlnb.glue('name', name)"
    )
    write_notebook(project.root / "slow.ipynb", code, parameters="name: str = ''")
    file = project.root / "pipeline.yaml"
    file.write_text(
        "name: killed\nsteps: {s: {notebook: slow.ipynb, matrix: {name: [a, b, c]}}}",
        encoding="utf-8",
    )
    made: list[PipelineRun] = []
    driver = threading.Thread(
        target=lambda: made.append(pipelines.run(file, executor=cluster.address))
    )
    driver.start()
    wait_for(lambda: len(list(project.root.glob("*.pid"))) == 2)
    kernels = {path.name: int(path.name.split(".")[1]) for path in project.root.glob("*.pid")}
    assert len(cluster.busy()) == 2

    os.kill(cluster.workers[0].pid, signal.SIGKILL)

    gone = wait_for(lambda: [n for n, pid in kernels.items() if not psutil.pid_exists(pid)], 15)
    assert len(gone) == 1, "the killed worker's kernel has ended with it, and no other"
    (project.root / "killed").touch()
    driver.join(120)
    (run,) = made
    assert run.status == "FINISHED"
    assert [step.values for step in run.steps] == [{"name": name} for name in "abc"]
    lost = gone[0].split(".")[0]
    performed = [path.name.split(".")[0] for path in project.root.glob("*.pid")]
    assert sorted(performed) == sorted([*"abc", lost]), "only the lost step ran a second time"
