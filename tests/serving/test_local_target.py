import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import psutil
import pytest

from mlnb.core.errors import Conflict, EndpointUnavailable
from mlnb.core.project import Project
from mlnb.serving import folders
from mlnb.serving import state as states
from mlnb.serving.package import Package, package
from mlnb.serving.targets import Target
from mlnb.serving.targets.local import LocalTarget
from mlnb.testing.targets import TargetContract

BODY = {"dataframe_records": [{"distance": 800.0, "hour": 20, "carrier": "AA"}]}


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def target(here: Project) -> Iterator[LocalTarget]:
    yield LocalTarget()
    for file in (here.local / "endpoints").glob("[!.]*.json"):
        LocalTarget().stop(file.stem)
        file.unlink()
    for file in (here.local / "endpoints").rglob("server.log"):
        file.unlink()


@pytest.fixture
def first(here: Project) -> Package:
    return package("late@1")


class TestContract(TargetContract):
    @pytest.fixture
    def target(self, target: LocalTarget) -> Target:  # type: ignore[override]
        return target

    @pytest.fixture
    def first(self, first: Package) -> Package:  # type: ignore[override]
        return first

    @pytest.fixture
    def second(self, here: Project) -> Package:  # type: ignore[override]
        return package("late@2")

    @pytest.fixture
    def broken(self, here: Project) -> Package:  # type: ignore[override]
        return package("homemade@1")  # its type is not importable in the worker

    @pytest.fixture
    def body(self) -> dict[str, Any]:
        return BODY


def release(target: LocalTarget, package: Package, **options: Any) -> states.LocalState:
    with target.prepare("a", package, **options) as candidate:
        candidate.serve(1)
    state = states.read(folders.state_file("a"))
    assert state is not None
    return state


def workers_of(state: states.LocalState) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(state.pid).children():
        with contextlib.suppress(psutil.Error):  # one that is just ending
            if "mlnb.serving.worker" in child.cmdline():
                found.append(child)
    return found


def test_the_state_is_private_and_the_socket_on_loopback(
    target: LocalTarget, first: Package
) -> None:
    state = release(target, first)
    file = folders.state_file("a")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folders.endpoints_folder().parent.stat().st_mode) == 0o700
    listening = [
        item.laddr.ip
        for item in psutil.Process(state.pid).net_connections()
        if item.status == psutil.CONN_LISTEN
    ]
    assert set(listening) == {"127.0.0.1"}
    secrets = {state.token, state.secret}
    for process in [psutil.Process(state.pid), *workers_of(state)]:
        said = [*process.cmdline(), *process.environ().values()]
        assert not any(secret in text for secret in secrets for text in said)
    assert not any(secret in target.logs("a", 1000) for secret in secrets)


def test_a_worker_is_one_thread_of_arithmetic_and_there_are_as_many_as_asked(
    target: LocalTarget, first: Package
) -> None:
    state = release(target, first, workers=2)
    workers = workers_of(state)
    assert len(workers) == 2
    assert {worker.environ()["OMP_NUM_THREADS"] for worker in workers} == {"1"}
    with target.prepare("a", first) as candidate:  # as many as before when nothing is said
        candidate.serve(2)
    until(lambda: len(workers_of(state)) == 2)


def test_a_killed_worker_is_replaced(target: LocalTarget, first: Package) -> None:
    state = release(target, first)
    (worker,) = workers_of(state)
    worker.kill()
    worker.wait(10)
    # The socket stays open: a request in between waits for the next worker.
    response = httpx.get(f"{state.url}/ping", timeout=60, trust_env=False)
    assert response.status_code == 200
    (another,) = workers_of(state)
    assert another.pid != worker.pid
    until(lambda: target.status("a").status == "running")
    assert target.status("a").detail == "1 crashes in a row"


def test_a_worker_that_is_told_to_end_is_replaced_too(target: LocalTarget, first: Package) -> None:
    state = release(target, first)
    (worker,) = workers_of(state)
    worker.send_signal(signal.SIGTERM)
    worker.wait(20)
    until(lambda: bool(workers_of(state)))
    assert httpx.get(f"{state.url}/ping", timeout=60, trust_env=False).status_code == 200


def test_workers_end_when_their_supervisor_is_killed(target: LocalTarget, first: Package) -> None:
    state = release(target, first)
    workers = workers_of(state)
    psutil.Process(state.pid).kill()
    _, alive = psutil.wait_procs(workers, timeout=20)
    assert alive == []
    status = target.status("a")
    assert status.status == "stopped"
    assert "without being stopped" in status.detail
    with pytest.raises(EndpointUnavailable, match="does not run"):
        target.address("a")
    again = release(target, first)  # it starts where it was
    assert (again.port, again.token) == (state.port, state.token)


def test_another_process_with_the_pid_is_not_taken_for_it(
    target: LocalTarget, first: Package
) -> None:
    state = release(target, first)
    assert target.stop("a")
    bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        stale = replace(state, pid=bystander.pid, created=time.time() - 1000)
        states.write(folders.state_file("a"), stale)
        assert target.status("a").status == "stopped"
        assert target.stop("a") is False
        assert bystander.poll() is None
    finally:
        bystander.communicate(b"\n")


def test_it_survives_the_process_that_made_it(
    target: LocalTarget, first: Package, here: Project
) -> None:
    script = (
        "from mlnb.serving.package import package\n"
        "from mlnb.serving.targets.local import LocalTarget\n"
        "with LocalTarget().prepare('a', package('late@1')) as it: it.serve(1)\n"
    )
    maker = subprocess.Popen([sys.executable, "-c", script], cwd=here.root, start_new_session=True)
    assert maker.wait(90) == 0
    with pytest.raises(ProcessLookupError):
        os.killpg(maker.pid, signal.SIGKILL)  # nothing is left in its group or session
    assert target.status("a").status == "running"


def test_two_changes_at_a_time_are_refused(target: LocalTarget, first: Package) -> None:
    with target.prepare("a", first) as candidate:
        with pytest.raises(Conflict, match="being changed"):
            target.stop("a")
        with pytest.raises(Conflict, match="being changed"), target.prepare("a", first):
            pass
        candidate.serve(1)
    assert target.stop("a")


def test_a_running_endpoint_keeps_its_port(target: LocalTarget, first: Package) -> None:
    state = release(target, first)
    with (
        pytest.raises(Conflict, match=f"runs on port {state.port}"),
        target.prepare("a", first, port=1 + state.port % 60000),
    ):
        pass
    with target.prepare("a", first, port=state.port) as candidate:
        candidate.serve(2)


def test_a_port_that_is_taken_is_one_clear_error(target: LocalTarget, first: Package) -> None:
    from mlnb.serving.supervisor import bind

    with bind("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(EndpointUnavailable, match=f"127.0.0.1:{port}: Address already in use"),
            target.prepare("a", first, port=port),
        ):
            pass
    assert target.status("a").status == "stopped"


def test_a_running_request_is_finished_before_it_stops(
    target: LocalTarget, first: Package, tmp_path: Path
) -> None:
    state = release(target, first)
    body = {"dataframe_records": BODY["dataframe_records"] * 50_000}
    headers = {"Authorization": f"Bearer {state.token}"}
    answers: list[Any] = []

    def ask() -> None:
        url = f"{state.url}/invocations"
        with httpx.Client(trust_env=False) as client:
            answers.append(client.post(url, json=body, headers=headers, timeout=60))

    def in_flight() -> bool:
        text = httpx.get(f"{state.url}/metrics", headers=headers, trust_env=False).text
        line = next(line for line in text.splitlines() if line.startswith("mlnb_requests_in_f"))
        return float(line.split()[-1]) >= 2  # this one and that one

    thread = Thread(target=ask)
    thread.start()
    until(in_flight)
    assert target.stop("a")
    thread.join(60)
    assert [answer.status_code for answer in answers] == [200]
