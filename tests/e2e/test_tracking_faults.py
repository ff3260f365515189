"""Tracking while processes are killed: kernels, deliveries, shippers, forks; and the clock jumps.

``kill -9`` strikes at random moments. Each time every record that was acknowledged has to be in
MLflow, once, and no run may be called finished that was not. ``FAULTS=20`` repeats each 20 times.
"""

import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlnb import tracking
from mlnb.core.project import Project
from mlnb.testing.killing import Mother
from mlnb.tracking import journal, runs, shipper, store

from .tracking_checks import TIMES, check, said

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

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


def wait_for(*files: Path, size: int = 1) -> None:
    end = time.monotonic() + 60
    while not all(file.exists() and file.stat().st_size >= size for file in files):
        assert time.monotonic() < end
        time.sleep(0.001)


def test_a_killed_process_loses_nothing_it_was_told_is_written(
    in_project: Project, mother: Mother, tmp_path: Path
) -> None:
    total = 0
    for attempt in range(TIMES):
        file = tmp_path / f"said-{attempt}"
        child = mother.start("log", folder=str(in_project.root), said=str(file))
        wait_for(file)
        time.sleep(_random.uniform(0, 0.15))
        child.kill()
        total += check(in_project, file)
    assert total > 20 * TIMES
    assert journal.files(in_project) == []


def test_a_process_killed_while_it_flushes(
    in_project: Project, mother: Mother, tmp_path: Path
) -> None:
    store.client()  # the database is there
    inside = attempt = 0
    while attempt < TIMES or (not inside and attempt < 20):
        attempt += 1
        file = tmp_path / f"said-{attempt}"
        child = mother.start("log_and_flush", folder=str(in_project.root), said=str(file))
        wait_for(file)
        while b"flush " not in file.read_bytes():
            time.sleep(0.001)
        time.sleep(_random.uniform(0, 0.15))
        child.kill()
        inside += file.read_text().rsplit("\n", 2)[-2].split()[1] == "flush"
        check(in_project, file)
    assert inside > 0, "some were killed in the middle of it"
    assert journal.files(in_project) == []


def test_a_delivery_killed_again_and_again_loses_and_doubles_nothing(
    in_project: Project, mother: Mother, tmp_path: Path
) -> None:
    file = tmp_path / "said"
    store.client()
    writer = mother.start("log", folder=str(in_project.root), said=str(file))
    kills = attempts = 0
    while kills < TIMES and attempts < 20 * TIMES:  # some are through before they are killed
        attempts += 1
        child = mother.start("deliver", folder=str(in_project.root))
        time.sleep(_random.uniform(0.002, 0.1))
        kills += child.kill() == -signal.SIGKILL
    writer.kill()
    while journal.files(in_project) and kills < 2 * TIMES:
        child = mother.start("deliver", folder=str(in_project.root))
        time.sleep(_random.uniform(0.05, 0.5))
        kills += child.kill() == -signal.SIGKILL
    assert kills >= TIMES // 2
    assert check(in_project, file) > 100


def test_two_processes_on_one_journal(in_project: Project, mother: Mother, tmp_path: Path) -> None:
    for attempt in range(TIMES):
        files = [tmp_path / f"said-{attempt}-{name}" for name in "ab"]
        children = [
            mother.start("log", folder=str(in_project.root), said=str(file)) for file in files
        ]
        wait_for(*files)
        for child in children:
            time.sleep(_random.uniform(0, 0.08))
            child.kill()
            runs.list_runs()  # delivers, while the other one is writing
        for file in files:
            check(in_project, file)
    assert journal.files(in_project) == []


def test_a_forked_process_and_its_parent_killed_one_by_one(
    in_project: Project, mother: Mother, tmp_path: Path
) -> None:
    for attempt in range(TIMES):
        start = tmp_path / f"said-{attempt}"
        files = [Path(f"{start}-{name}") for name in range(3)]
        child = mother.start("fork_and_log", folder=str(in_project.root), said=str(start))
        wait_for(*files, size=200)
        pids = [int(file.read_text().split("\n", 1)[0].split()[-1]) for file in files]
        for place in _random.permutation(3):
            time.sleep(_random.uniform(0, 0.05))
            if pids[place] == child.pid:
                child.kill()
            else:
                os.kill(pids[place], signal.SIGKILL)
            runs.list_runs()
        wait_until_gone(pids)
        check(in_project, *files, ends=("KILLED",))
    assert journal.files(in_project) == []


def wait_until_gone(pids: list[int]) -> None:
    import psutil

    end = time.monotonic() + 20
    while any(
        psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        for pid in pids
    ):
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_clock_that_jumps_loses_and_doubles_nothing(
    in_project: Project, mother: Mother, tmp_path: Path
) -> None:
    file = tmp_path / "said"
    jumps = [float(jump) for jump in _random.uniform(-86_400, 86_400, TIMES)]
    child = mother.start(
        "log_while_the_clock_jumps", folder=str(in_project.root), said=str(file), jumps=jumps
    )
    assert child.wait() == 0
    assert check(in_project, file, extra=0, ends=("FINISHED",)) == 200 * TIMES
    for run in said(file).order:
        history = store.client().get_metric_history(run, "same")
        assert Counter(point.step for point in history) == {0: 100, 1: 100}


def test_a_shipper_killed_again_and_again(
    in_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLNB_BACKGROUND_DELIVERY")
    file = tmp_path / "said"
    store.client()
    jobs = Path(__file__).with_name("tracking_jobs.py")
    kills = 0
    with Mother(jobs) as mother:
        writer = mother.start("log", folder=str(in_project.root), said=str(file))
        wait_for(file)
        end = time.monotonic() + 30 * TIMES
        while kills < TIMES:
            assert time.monotonic() < end
            shipper.ensure(in_project)
            time.sleep(_random.uniform(0, 3))  # it takes two to import MLflow
            kills += kill_shippers(in_project)
        writer.kill()
    check(in_project, file)
    kill_shippers(in_project)
    assert journal.files(in_project) == []


def kill_shippers(project: Project) -> int:
    import psutil

    wanted = ["-m", "mlnb.tracking.shipper", str(project.root)]
    count = 0
    for process in psutil.process_iter(["cmdline"]):
        if (process.info["cmdline"] or [])[1:] == wanted:
            process.kill()
            count += 1
    return count


CELL = """%%track killed
import os
import mlnb
_file = os.open({said!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
_run = mlnb.tracking.run.active().id
for number in range(10**9):
    mlnb.log(metrics={{"m": number}})
    os.write(_file, f"{{_run}} m {{number}}\\n".encode())
"""


def test_a_real_kernel_killed_in_the_middle_of_a_cell(
    in_project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_client.manager import KernelManager

    monkeypatch.delenv("MLNB_BACKGROUND_DELIVERY")  # with a shipper
    for attempt in range(TIMES):
        file = tmp_path / f"said-{attempt}"
        manager = KernelManager()
        manager.kernel_spec.argv[0] = sys.executable
        manager.start_kernel(cwd=str(in_project.root))
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            answer(client, "%load_ext mlnb")
            client.execute(CELL.format(said=str(file)))
            wait_for(file)
            time.sleep(_random.uniform(0, 0.3))
            os.kill(manager.provisioner.process.pid, signal.SIGKILL)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
        assert tracking.flush(60)
        check(in_project, file, ends=("KILLED",))
        (last,) = said(file).order
        assert runs.show(last).error == f"{journal.DIED} Its last cell was In [2]: import os"
    kill_shippers(in_project)


def answer(client: Any, code: str) -> dict[str, Any]:
    asked = client.execute(code)
    while True:
        reply = client.get_shell_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == asked:
            assert reply["content"]["status"] == "ok", json.dumps(reply["content"])
            return dict(reply)
