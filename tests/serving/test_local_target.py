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

from mlnb.core.errors import Conflict, EndpointUnavailable, MissingExtra
from mlnb.core.project import Project
from mlnb.serving import folders
from mlnb.serving import state as states
from mlnb.serving.control import Control
from mlnb.serving.package import Package, package
from mlnb.serving.routing import Split
from mlnb.serving.targets.local import EXTRA, LocalCandidate, LocalTarget
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
    def second(self, here: Project) -> Package:
        return package("late@2")

    @pytest.fixture
    def broken(self, here: Project) -> Package:
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
    with Control(state) as line:
        return [psutil.Process(pid) for pid in line.ask("status")["workers"]]


def test_what_is_secret_stays_private_and_the_sockets_on_loopback(
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
    (worker,) = workers_of(state)
    assert worker.environ()["OMP_NUM_THREADS"] == "1"
    for process in [psutil.Process(state.pid), worker]:
        said = [*process.cmdline(), *process.environ().values()]
        assert not any(secret in text for secret in secrets for text in said)
    assert not any(secret in target.logs("a", 1000) for secret in secrets)

    stranger = replace(state, secret="guessed")  # noqa: S106  (a wrong one)
    with Control(stranger) as line, pytest.raises(EndpointUnavailable, match="hung up"):
        line.ask("stop")
    assert target.status("a").status == "running"


def test_there_are_as_many_workers_as_asked_for_also_later(
    target: LocalTarget, first: Package
) -> None:
    state = release(target, first, workers=2)
    assert len(workers_of(state)) == 2
    with target.prepare("a", first) as candidate:
        candidate.serve(2)
    until(lambda: len(workers_of(state)) == 2)


def test_a_worker_that_ends_is_replaced(target: LocalTarget, first: Package) -> None:
    state = release(target, first)
    for crashes, how in enumerate([signal.SIGKILL, signal.SIGTERM], start=1):
        (worker,) = workers_of(state)
        worker.send_signal(how)
        worker.wait(20)
        # The socket stays open: a request in between waits for the next worker.
        response = httpx.get(f"{state.url}/ping", timeout=60, trust_env=False)
        assert response.status_code == 200
        (another,) = workers_of(state)
        assert another.pid != worker.pid
        until(lambda: target.status("a").status == "running")
        assert target.status("a").detail.startswith(f"{crashes} crash")


def test_it_asks_for_no_token_when_told_so(
    target: LocalTarget, first: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_ENDPOINT_AUTH", "false")
    monkeypatch.setenv("MLNB_ENDPOINT_BODY_LIMIT", "1024")
    release(target, first)
    address = target.address("a")
    assert address.token == ""
    with httpx.Client(base_url=address.url, trust_env=False, timeout=30) as client:
        assert client.post("/invocations", json=BODY).status_code == 200
        assert client.post("/invocations", content=b" " * 1025).status_code == 413


def ask(state: states.LocalState) -> httpx.Response:
    headers = {"Authorization": f"Bearer {state.token}"}
    url = f"{state.url}/invocations"
    return httpx.post(url, json=BODY, headers=headers, timeout=60, trust_env=False)


def test_releases_outlive_their_supervisor_and_the_next_one_takes_them_over(
    target: LocalTarget, first: Package, here: Project
) -> None:
    state = release(target, first)
    with target.prepare("a", package("late@2")) as candidate:
        assert isinstance(candidate, LocalCandidate)
        candidate.serve_beside(2, Split(role="canary", share=0.0))
    workers = workers_of(state)
    psutil.Process(state.pid).kill()
    assert ask(state).headers["x-mlnb-release"] == "1"  # nobody noticed
    until(lambda: target.status("a").status == "running")
    found = states.read(folders.state_file("a"))
    assert found is not None
    assert found.pid != state.pid
    assert (found.port, found.token, found.release) == (state.port, state.token, 1)
    assert workers_of(found) == workers
    assert [part.role for part in target.status("a").parts] == ["current", "canary"]
    target.promote("a", "canary")
    assert ask(found).headers["x-mlnb-release"] == "2"
    with target.recall("a", first.version.ref, first.version.digest) as back:
        assert back is not None
        back.serve(3)
    assert ask(found).headers["x-mlnb-release"] == "3"
    assert target.stop("a")
    with pytest.raises(EndpointUnavailable, match="does not run"):
        target.address("a")
    # Meanwhile the pid belongs to somebody else, who is left alone.
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        states.write(folders.state_file("a"), replace(state, pid=bystander.pid, generations=[]))
        assert target.stop("a") is False
        assert bystander.poll() is None
        bystander.communicate(b"\n")
    again = release(target, first)  # it starts where it was
    assert (again.port, again.token) == (state.port, state.token)


def test_a_loader_that_ends_is_replaced_while_its_workers_serve(
    target: LocalTarget, first: Package
) -> None:
    state = release(target, first)
    (worker,) = workers_of(state)
    loader = worker.parent()
    assert loader is not None
    loader.kill()
    assert ask(state).status_code == 200
    until(lambda: workers_of(state) not in ([], [worker]))
    assert ask(state).headers["x-mlnb-release"] == "1"


def test_a_canary_that_crashes_harms_nobody(target: LocalTarget, first: Package) -> None:
    state = release(target, first)
    with target.prepare("a", package("late@2")) as candidate:
        assert isinstance(candidate, LocalCandidate)
        candidate.serve_beside(2, Split(role="canary", share=1.0))
    assert ask(state).headers["x-mlnb-release"] == "2"
    with Control(state) as line:
        canary = line.ask("status")["releases"][1]
    loader = psutil.Process(canary["pid"])
    loader.suspend()  # nobody replaces its workers
    for pid in canary["workers"]:
        psutil.Process(pid).kill()
    answers = [ask(state) for _ in range(5)]
    assert [(each.status_code, each.headers["x-mlnb-release"]) for each in answers] == [
        (200, "1")
    ] * 5
    loader.resume()
    until(lambda: ask(state).headers["x-mlnb-release"] == "2")
    target.withdraw("a", "canary")
    assert ask(state).headers["x-mlnb-release"] == "1"


def memory(workers: list[psutil.Process]) -> int:
    """Return the bytes of an endpoint's processes: what each has alone, and what they share once.

    (A proportional share would depend on what else runs on the machine.)
    """
    loader = workers[0].parent()
    assert loader is not None
    supervisor = loader.parent()
    assert supervisor is not None
    found = [each.memory_full_info() for each in [supervisor, loader, *workers]]
    return sum(each.uss for each in found) + max(each.rss - each.uss for each in found)


def test_workers_share_what_their_loader_has_loaded(
    target: LocalTarget, first: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_ENDPOINT_WARM", "false")
    used = []
    for count in (1, 4):
        state = release(target, first, workers=count)
        for _ in range(10 * count):
            ask(state)
        workers = workers_of(state)
        assert len(workers) == count
        used.append(memory(workers))
    print(used)
    assert used[1] < 1.5 * used[0]


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


def test_two_changes_at_a_time_are_refused_and_a_port_is_kept(
    target: LocalTarget, first: Package
) -> None:
    with target.prepare("a", first) as candidate:
        with pytest.raises(Conflict, match="being changed"):
            target.stop("a")
        with pytest.raises(Conflict, match="being changed"), target.prepare("a", first):
            pass
        candidate.serve(1)
    port = int(target.address("a").url.rpartition(":")[2])
    with (
        pytest.raises(Conflict, match=f"runs on port {port}"),
        target.prepare("a", first, port=1 + port % 60000),
    ):
        pass
    with target.prepare("a", first, port=port) as candidate:
        candidate.serve(2)


def test_a_port_that_is_taken_is_one_clear_error(target: LocalTarget, first: Package) -> None:
    from mlnb.serving.sockets import bind

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
    body = {"dataframe_records": BODY["dataframe_records"] * 400_000}
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


@pytest.mark.parametrize("module", EXTRA)
def test_a_missing_library_is_one_clear_error(
    here: Project, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=rf"{module}.*mlnb\[serving\]"):
        LocalTarget()


def test_asking_what_runs_makes_nothing(project: Project) -> None:
    before = set(project.root.rglob("*"))
    assert LocalTarget().names() == []
    assert set(project.root.rglob("*")) == before
