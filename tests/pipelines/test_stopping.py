"""How runs end that do not go well: exit codes, reasons, and kernels that are gone at once."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from mlnb import pipelines
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult
from mlnb.pipelines import stopping
from mlnb.testing.notebooks import write_notebook
from mlnb.ui import cli

LIMIT = float(os.environ.get("STOP_WITHIN", "3"))
"""Seconds; 1 is what is promised, on a machine that has nothing else to do."""
HANG = (
    "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))\n"
    "while True:\n    time.sleep(0.01)"
)


def write(project: Project, text: str) -> Path:
    file = project.root / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
    return found


def kernel_of(project: Project) -> int:
    place = project.root / "pid"
    return int(wait_for(lambda: place.exists() and place.read_text(encoding="utf-8")))


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def one(run: PipelineRun) -> StepResult:
    return next(step for step in run.steps if step.name == "s")


@pytest.mark.parametrize(
    ("cell", "options", "code", "cause", "told"),
    [
        ("1 / 0", "", 1, "failed", "cell 1: ZeroDivisionError"),
        (
            "from mlnb.core.errors import GateRefused\n"
            "raise GateRefused('churn@3', ['auc 0.61 is below 0.7'])",
            "",
            1,
            "failed",
            "cell 1: GateRefused",
        ),
        ("import time\ntime.sleep(60)", "timeout: 0.5", 1, "timeout", "took longer than 0.5 s"),
        (
            "held = bytearray(600 * 2**20)",
            "resources: {memory: 256MiB}",
            1,
            "memory",
            "MemoryError.* It may use 256 MiB",
        ),
        (
            "import numpy as np\nheld = np.ones(80 * 2**20)",
            "resources: {memory: 256MiB}",
            1,
            "memory",
            "MemoryError.* It may use 256 MiB",
        ),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "", 1, "failed", "SIGKILL"),
        ("import sys\nsys.exit(3)", "", 1, "failed", "SystemExit: 3"),
        ("1", "", 0, "", ""),
    ],
    ids=["cell", "gate", "timeout", "memory", "numpy", "killed", "exit", "fine"],
)
def test_exit_codes_and_reasons_of_failures(
    cell: str,
    options: str,
    code: int,
    cause: str,
    told: str,
    project: Project,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_notebook(project.root / "s.ipynb", cell)
    write(project, f"name: a\nsteps: {{s: {{notebook: s.ipynb, {options}}}}}")
    assert cli.main(["run", "."]) == code
    step = one(pipelines.show())
    assert (step.status, step.cause) == ("FAILED" if code else "FINISHED", cause)
    assert re.search(told, step.error)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_kernels_within_a_second_and_leaves_a_resumable_run(
    how: signal.Signals, project: Project
) -> None:
    write_notebook(project.root / "s.ipynb", HANG)
    write_notebook(project.root / "a.ipynb", "1")
    write(
        project,
        "name: a\nsteps: {a: {notebook: a.ipynb}, s: {notebook: s.ipynb, needs: a}, "
        "z: {notebook: a.ipynb, needs: s}}",
    )
    driver = subprocess.Popen(
        [sys.executable, "-m", "mlnb", "run", ".", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    kernel = kernel_of(project)
    begun = time.monotonic()
    driver.send_signal(how)
    wait_for(lambda: is_gone(kernel), 10)
    took = time.monotonic() - begun
    shown, _ = driver.communicate(timeout=30)
    assert driver.returncode == 2
    assert took < LIMIT
    run = PipelineRun.from_dict(json.loads(shown))
    assert run.status == "KILLED"
    assert [step.status for step in run.steps] == ["FINISHED", "KILLED", "SKIPPED"]
    write_notebook(project.root / "s.ipynb", "1")  # what is left is carried out as it is now
    resumed = pipelines.resume(run.id)
    assert resumed.status == "FINISHED"
    assert resumed.steps[0].ended == run.steps[0].ended, "what had finished did not run again"


def test_cancelling_from_another_process_stops_kernels_within_a_second(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_notebook(project.root / "s.ipynb", HANG)
    write(project, "name: a\nsteps: {s: {notebook: s.ipynb}}")
    driver = subprocess.Popen([sys.executable, "-m", "mlnb", "run", "."], stdout=subprocess.DEVNULL)
    kernel = kernel_of(project)
    run = pipelines.show().id
    stopped: list[float] = []
    watcher = threading.Thread(
        target=lambda: stopped.append(wait_for(lambda: is_gone(kernel) and time.time()))
    )
    watcher.start()
    ended = pipelines.cancel("a", reason="wrong data")
    watcher.join()
    assert driver.wait(30) == 2
    assert (ended.id, ended.status) == (run, "KILLED")
    (asked,) = project.store.entries(stopping.log_of(run))
    assert asked.data["reason"] == "wrong data"
    assert stopped[0] - datetime.fromisoformat(asked.data["time"]).timestamp() < LIMIT
    with pytest.raises(BadInput, match="has ended already: KILLED"):
        pipelines.cancel(run)
    assert cli.main(["pipeline", "cancel", "nothing-like-it"]) == 4


def test_there_is_nothing_to_cancel(project: Project) -> None:
    with pytest.raises(UnknownName):
        pipelines.cancel()


def test_a_request_of_the_past_stops_no_later_driver(project: Project) -> None:
    stopping.request(project, "a-1")
    stop = threading.Event()
    before = stopping.requests(project, "a-1")
    with stopping.stop_on_request(project, "a-1", stop, after=before):
        assert not stop.wait(0.4)
        stopping.request(project, "a-1")
        assert stop.wait(2)


def test_a_cell_that_ignores_the_interrupt_is_killed(project: Project) -> None:
    stubborn = HANG.replace(
        "while True:\n    time.sleep(0.01)",
        "while True:\n    try:\n        time.sleep(60)\n    except KeyboardInterrupt: pass",
    )
    write_notebook(project.root / "s.ipynb", stubborn)
    write(project, "name: a\nsteps: {s: {notebook: s.ipynb}}")
    made: list[PipelineRun] = []
    driver = threading.Thread(target=lambda: made.append(pipelines.run(".")))
    driver.start()
    kernel = kernel_of(project)
    begun = time.monotonic()
    stopping.request(project, pipelines.show().id)
    wait_for(lambda: is_gone(kernel), 20)
    took = time.monotonic() - begun
    driver.join(30)
    assert made[0].status == "KILLED"
    assert took < LIMIT + 1
