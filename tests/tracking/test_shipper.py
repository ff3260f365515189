"""The shipper as a process of its own, beside real notebooks' processes."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.tracking import flushing, journal, runs, shipper, store


@pytest.fixture
def shipped(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Make the project one with a shipper, and leave no process behind."""
    monkeypatch.delenv("MLNB_BACKGROUND_DELIVERY")
    yield projects.current()
    for pid in shippers(project):
        os.kill(pid, signal.SIGKILL)
    for process in shipper._started:  # those of this process are its children
        process.wait()
    shipper._started.clear()


def shippers(project: Project) -> list[int]:
    """Return the shippers of a project: each names its folder on its command line."""
    import psutil

    wanted = ["-m", "mlnb.tracking.shipper", str(project.root)]
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        line = process.info["cmdline"] or []
        if line[1:] == wanted and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.info["pid"])
    return found


def start(project: Project, code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(true: Callable[[], object], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.05)


def test_a_program_imports_no_mlflow_and_its_end_waits_for_the_shipper(shipped: Project) -> None:
    program = start(
        shipped,
        """
        import sys, time, mlnb
        with mlnb.track('shipped') as run:
            for number in range(1500):
                mlnb.log(metrics={'m': number}, step=number)
            mlnb.log({'a': 1}, text={'t': 'x'})
        print(run.id, 'mlflow' in sys.modules)
        """,
    )
    said, warned = program.communicate(timeout=100)
    run, imported = said.split()
    assert imported == "False"
    assert "waiting until sqlite:///.mlnb/mlflow.db has 1 run, at most" in warned
    assert journal.files(shipped) == [], "all was there when the program ended"
    client = store.connection(shipped.tracking_uri)
    found = client.get_run(run)
    assert (found.info.status, found.data.params) == ("FINISHED", {"a": "1"})
    assert len(client.get_metric_history(run, "m")) == 1500
    assert len(shippers(shipped)) == 1


def test_one_shipper_serves_two_programs_and_its_death_loses_nothing(shipped: Project) -> None:
    code = """
        import sys, time
        from mlnb import tracking
        for name in ('a', 'b'):
            with tracking.track(name):
                for number in range(20):
                    tracking.log(metrics={'m': number})
                    time.sleep(0.05)
        print(tracking.flush(60))
    """
    programs = [start(shipped, code) for _ in range(2)]
    wait_until(lambda: shippers(shipped))
    wait_until(lambda: any(journal.state(path).run for path in journal.files(shipped)))
    for pid in shippers(shipped):
        os.kill(pid, signal.SIGKILL)
    for program in programs:
        said, warned = program.communicate(timeout=100)
        assert said == "True\n", warned
    client = store.connection(shipped.tracking_uri)
    found = runs.list_runs()
    assert sorted(run.name for run in found) == ["a", "a", "b", "b"]
    for run in found:
        assert run.status == "FINISHED"
        assert len(client.get_metric_history(run.id, "m")) == 20
    wait_until(lambda: len(shippers(shipped)) <= 1)  # a second one ends when it finds the first


def test_a_shipper_ends_when_there_is_nothing_to_do(
    shipped: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlnb import tracking

    monkeypatch.setenv("MLNB_BACKGROUND_DELIVERY", "false")
    with tracking.track("left"):
        tracking.log(metrics={"m": 1})
    flushing.writing.finish()
    assert journal.waiting(shipped) == 1
    monkeypatch.setattr(shipper, "IDLE_SECONDS", 0.2)
    assert shipper.main(shipped.root) == 0
    assert journal.files(shipped) == []
    (found,) = runs.list_runs()
    assert (found.status, found.metrics) == ("FINISHED", {"m": 1.0})
    assert not shipper.is_running(shipped)


def test_a_project_that_wants_no_shipper_gets_none(project: Project) -> None:
    from mlnb import tracking

    with tracking.track("quiet"):
        pass
    assert shippers(project) == []
    assert tracking.flush(20), "it is delivered by who asks"
    assert [run.name for run in runs.list_runs()] == ["quiet"]


def test_flush_gives_up_at_once_when_the_store_does_not_answer(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlnb import tracking

    monkeypatch.setenv("MLNB_TRACKING_URI", "http://127.0.0.1:9")
    with tracking.track("away"):
        pass
    begun = time.monotonic()
    assert not tracking.flush(60)
    assert time.monotonic() - begun < 10
    assert journal.waiting(project) == 1


def test_the_shipper_of_a_removed_project_ends(tmp_path: Path) -> None:
    assert shipper.main(tmp_path) == 0
