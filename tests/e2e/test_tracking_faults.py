"""Tracking under real faults: killed kernels, killed deliveries, servers that go away.

``kill -9`` strikes at random moments. Each time every record that was acknowledged has to be in
MLflow, once, and no run may be called finished that was not.
"""

import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mlnb import tracking
from mlnb.core.errors import TrackingUnavailable
from mlnb.core.project import Project
from mlnb.testing.killing import Mother
from mlnb.tracking import delivery, journal, runs, store

from .conftest import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

TIMES = 20
_random = np.random.default_rng()


@pytest.fixture(scope="module")
def mother() -> Iterator[Mother]:
    with Mother(
        Path(__file__).with_name("tracking_jobs.py"), {"MLNB_BACKGROUND_DELIVERY": "false"}
    ) as made:
        yield made


@pytest.fixture(autouse=True)
def in_project(project: Project) -> Project:
    return project


def check(said: Path) -> int:
    """Compare what is in MLflow with what was acknowledged; returns how many points that were."""
    client = store.client()
    wanted: dict[str, set[int]] = {}
    for line in said.read_text().splitlines():
        run, number = line.split()
        wanted.setdefault(run, set()).add(int(number))
    for run, numbers in wanted.items():
        found = Counter(int(point.value) for point in client.get_metric_history(run, "m"))
        assert set(found.values()) <= {1}, "none twice"
        missing = numbers - set(found)
        assert not missing, f"{len(missing)} acknowledged points are gone"
        assert len(set(found) - numbers) <= 1, "what was written and not yet acknowledged"
        texts = {f"t{number}.txt" for number in numbers if number % 50 == 0}
        assert texts <= set(runs.show(run).artifacts)
    *ended, last = wanted
    assert {client.get_run(run).info.status for run in ended} <= {"FINISHED"}
    assert client.get_run(last).info.status in ("KILLED", "FINISHED")  # it was ending that moment
    return sum(len(numbers) for numbers in wanted.values())


def test_a_killed_kernel_loses_nothing_it_was_told_is_written(
    in_project: Project, mother: Mother, tmp_path: Path
) -> None:
    total = 0
    for attempt in range(TIMES):
        said = tmp_path / f"said-{attempt}"
        child = mother.start("log", folder=str(in_project.root), said=str(said))
        while not said.exists() or not said.stat().st_size:
            time.sleep(0.001)
        time.sleep(_random.uniform(0, 0.15))
        child.kill()
        total += check(said)
    assert total > 20 * TIMES
    assert journal.files(in_project) == []


def test_a_delivery_killed_again_and_again_loses_and_doubles_nothing(
    in_project: Project, mother: Mother, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    store.client()  # the database is there
    writer = mother.start("log", folder=str(in_project.root), said=str(said))
    kills = 0
    for _ in range(TIMES):
        child = mother.start("deliver", folder=str(in_project.root))
        time.sleep(_random.uniform(0.005, 0.3))
        kills += child.kill() == -signal.SIGKILL
    writer.kill()
    while journal.files(in_project) and kills < 2 * TIMES:
        child = mother.start("deliver", folder=str(in_project.root))
        time.sleep(_random.uniform(0.05, 0.5))
        kills += child.kill() == -signal.SIGKILL
    assert kills >= TIMES // 2
    assert check(said) > 500


def test_a_server_that_is_away_for_a_while_gets_everything(
    in_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    monkeypatch.setenv("MLNB_TRACKING_URI", f"http://127.0.0.1:{port}")
    monkeypatch.delenv("MLNB_BACKGROUND_DELIVERY")
    code = """
        import time
        from mlnb import tracking
        with tracking.track('outage') as run:
            print(run.id, flush=True)
            for number in range(300):
                tracking.log(metrics={'m': number}, step=number)
                time.sleep(0.05)
            tracking.log({'lr': 0.1}, text={'note': 'kept'})
        print(tracking.flush(90))
    """
    server = serve(tmp_path, port)
    program = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=in_project.root,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        run = program.stdout.readline().strip()
        deadline = time.monotonic() + 60
        while not any(journal.state(path).run for path in journal.files(in_project)):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        stop(server)
        time.sleep(8)
        with pytest.raises(TrackingUnavailable):
            runs.list_runs()
        server = serve(tmp_path, port)
        said, _ = program.communicate(timeout=150)
        assert said.strip() in ("True", "False")
        deadline = time.monotonic() + 60
        while journal.files(in_project):  # the shipper's pause may be longer than the flush
            assert time.monotonic() < deadline
            time.sleep(0.2)
        found = runs.show(run)
        assert found.id != run, "a server chooses its own ids"
        assert (found.status, found.params) == ("FINISHED", {"lr": "0.1"})
        assert {"note.txt", "requirements.txt"} <= set(found.artifacts)
        history = store.client().get_metric_history(found.id, "m")
        assert [point.value for point in history] == list(range(300))
        with tracking.track("parent") as parent, tracking.track("child", nested=True) as child:
            pass
        assert tracking.flush(60)
        tags = store.client().get_run(runs.show(child.id).id).data.tags
        assert tags["mlflow.parentRunId"] == runs.show(parent.id).id
        assert delivery.deliver(in_project) == 0
    finally:
        program.kill()
        stop(server)


def serve(folder: Path, port: int) -> "subprocess.Popen[bytes]":
    """Start an MLflow server with its data in a folder, and wait until it answers."""
    log = (folder / "server.log").open("ab")
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
            *("--backend-store-uri", f"sqlite:///{folder}/server.db"),
            *("--artifacts-destination", f"{folder}/artifacts"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        cwd=folder,
        env=os.environ
        | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    log.close()
    deadline = time.monotonic() + 90
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
            return server
        except OSError:
            if time.monotonic() > deadline or server.poll() is not None:
                stop(server)
                raise
            time.sleep(0.2)


def stop(server: "subprocess.Popen[bytes]") -> None:
    """End a server with all its workers."""
    if server.poll() is None:
        os.killpg(server.pid, signal.SIGKILL)
    server.wait()
