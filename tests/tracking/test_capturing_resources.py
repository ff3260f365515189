"""The curve of what a run uses, sampled from outside, in the names of MLflow's system metrics."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from mlnb import tracking
from mlnb.core.project import Project
from mlnb.tracking import journal, runs, store, writing
from mlnb.tracking.capturing import resources
from mlnb.tracking.capturing.resources import Sampler

NAMES = {
    "system/cpu_utilization_percentage",
    "system/process_cpu_percentage",
    "system/process_memory_megabytes",
    "system/system_memory_usage_megabytes",
    "system/system_memory_usage_percentage",
}


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "FIRST_SECONDS", 0.05)


def test_an_open_run_is_sampled_until_it_ends(project: Project, quick: None) -> None:
    sampler = Sampler(project)
    with tracking.track("long") as run:
        for _ in range(4):
            sampler.look()
            time.sleep(0.06)
    writing.finish()
    sampler.look()
    sampler.close()
    found = runs.show(run.id)
    assert found.status == "FINISHED"
    history = {name: store.client().get_metric_history(run.id, name) for name in NAMES}
    assert {len(points) for points in history.values()} == {3}
    assert [point.step for point in history["system/process_cpu_percentage"]] == [0, 1, 2]
    memory = history["system/process_memory_megabytes"][0].value
    assert 10 < memory <= psutil.Process().memory_info().rss / 1024**2 + 50
    total = psutil.virtual_memory().total / 1024**2
    assert 0 < history["system/system_memory_usage_megabytes"][-1].value < total
    assert journal.files(project) == []


def test_a_short_run_has_no_curve(project: Project) -> None:
    sampler = Sampler(project)
    with tracking.track("short") as run:
        sampler.look()
        sampler.look()
    sampler.look()
    assert runs.show(run.id).metrics == {}


def test_a_killed_process_ends_the_curve(project: Project, quick: None) -> None:
    code = "import mlnb, time; mlnb.tracking.start('x'); print('open', flush=True); time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        sampler = Sampler(project)
        sampler.look()
        time.sleep(0.1)
        sampler.look()
        process.kill()
        process.wait()
        sampler.look()
    (run,) = runs.list_runs()
    assert run.status == "KILLED"
    assert set(runs.show(run.id).metrics) == NAMES


def test_it_can_be_switched_off(
    project: Project, quick: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_CAPTURE_RESOURCES", "false")
    from mlnb.core import project as projects

    sampler = Sampler(projects.current())
    with tracking.track("off") as run:
        sampler.look()
        time.sleep(0.1)
        sampler.look()
    assert runs.show(run.id).metrics == {}


def test_the_peak_is_the_runs_when_the_process_has_grown(project: Project) -> None:
    before = resources.used()
    grown = bytearray(before.peak + 50 * 1024**2)
    assert float(resources.tags(before)["mlnb.memory_peak_mb"]) * 1024**2 > len(grown)
    after = resources.used()
    del grown
    assert float(resources.tags(after)["mlnb.memory_peak_mb"]) * 1024**2 < after.peak


def test_the_shipper_samples(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLNB_BACKGROUND_DELIVERY", "true")
    end = time.monotonic() + 60
    with tracking.track("shipped") as run:
        while time.monotonic() < end and len(journal.files(project)) < 2:
            time.sleep(0.1)
    assert tracking.flush(60)
    assert set(runs.show(run.id).metrics) >= NAMES
    assert Path(journal.folder(project)).is_dir()
