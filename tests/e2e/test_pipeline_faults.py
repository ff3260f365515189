"""Drivers that are killed at any moment: the run goes on, and what had finished is not run again.

``KILLS`` says how often (50 takes some minutes), ``CHANCE`` draws other moments.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from mlnb import pipelines
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.records import StepResult
from mlnb.pipelines import results
from mlnb.pipelines.planning import prepare
from mlnb.testing.notebooks import write_notebook

pytestmark = pytest.mark.e2e

KILLS = int(os.environ.get("KILLS", "6"))
MARK = """
import os
with open(os.environ["MARKS"], "a") as marks:
    print(os.environ["MLNB_PIPELINE_RUN"], os.environ["MLNB_STEP"], file=marks)
"""
PIPELINE = """
name: faults
params: {seed: 0}
steps:
  make: {notebook: make.ipynb, params: {seed: "${{ params.seed }}"}, outputs: numbers.json}
  save: {notebook: save.ipynb, inputs: numbers.json, outputs: "dataset:numbers"}
  each:
    notebook: each.ipynb
    inputs: numbers.json
    matrix: {factor: [2, 3, 4]}
  total:
    notebook: total.ipynb
    needs: [save, each]
    params: {sums: "${{ steps.each.sum }}"}
"""


def write(root: Path) -> Path:
    """Write a pipeline whose steps mark that they have run to their end."""
    write_notebook(
        root / "make.ipynb",
        "import json, random, time\nrandom.seed(seed)",
        "numbers = [random.random() for _ in range(10)]\ntime.sleep(0.25)",
        "with open('numbers.json', 'w') as file: json.dump(numbers, file)",
        MARK,
        parameters="seed = 0",
    )
    write_notebook(
        root / "save.ipynb",
        "import json, mlnb, pandas\nnumbers = json.load(open('numbers.json'))",
        "mlnb.datasets.save(pandas.DataFrame({'n': numbers}), 'numbers')",
        MARK,
    )
    write_notebook(
        root / "each.ipynb",
        "import json, mlnb, time\n# mlnb: checkpoint\nnumbers = json.load(open('numbers.json'))",
        "time.sleep(0.25)\nmlnb.glue('sum', factor * sum(numbers))",
        MARK,
        parameters="factor = 1",
    )
    write_notebook(
        root / "total.ipynb",
        "import mlnb\nmlnb.glue('total', sum(sums))",
        MARK,
        parameters="sums: list[float] = []",
    )
    file = root / "pipeline.yaml"
    file.write_text(PIPELINE, encoding="utf-8")
    return file


def command(root: Path, *words: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "MARKS": str(root / "marks")}
    return subprocess.Popen(
        [sys.executable, "-m", "mlnb", "run", "pipeline.yaml", *words],
        cwd=root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(driver: "subprocess.Popen[str]") -> dict[str, Any]:
    out, said = driver.communicate(timeout=120)
    assert driver.returncode == 0, said
    body: dict[str, Any] = json.loads(out)
    return body


def outcome(run: dict[str, Any]) -> dict[str, Any]:
    """Return what a run has come to, without what tells one run from another."""
    kept = ("status", "parameters", "values", "outputs", "inputs", "cells_done", "error")
    return {step["name"]: {key: step[key] for key in kept} for step in run["steps"]}


def finished(project: Project, file: Path, seed: int) -> tuple[str, dict[str, StepResult]]:
    """Return the run that is there, and its steps that have finished."""
    runs = project.store.logs(results.ROOT)
    states = [state for name in runs if (state := results.find(project, name)) is not None]
    mine = [state.id for state in states if state.parameters == {"seed": seed}]
    if not mine:
        return "", {}
    found = results.of(project, mine[0], prepare(file).plan.steps)
    return mine[0], {name: step for name, step in found.items() if step.status == "FINISHED"}


def marks(root: Path) -> list[str]:
    file = root / "marks"
    return file.read_text().splitlines() if file.is_file() else []


def wait_a_while(
    project: Project, file: Path, seed: int, chance: random.Random, took: float
) -> None:
    """Wait until some moment of a run: soon after it was begun, or after some of its steps."""
    steps = chance.randrange(6)
    until = time.monotonic() + took
    while steps and time.monotonic() < until:
        with projects.using(project):
            if len(finished(project, file, seed)[1]) >= steps:
                break
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.3 if steps else took / 2))


@pytest.mark.timeout(120 + 40 * KILLS)
def test_a_killed_driver_is_resumed_and_nothing_finished_runs_twice(tmp_path: Path) -> None:
    chance = random.Random(os.environ.get("CHANCE", "1"))  # noqa: S311  (no secret)
    first, undisturbed, disturbed = (tmp_path / name for name in ("first", "whole", "killed"))
    for root in (first, undisturbed, disturbed):
        projects.init(root, "faults")
        file = write(root)
    finish(command(first, "--json"))  # the warm parent is started
    begun = time.monotonic()
    finish(command(first, "-p", "seed", "-1", "--json"))
    took = time.monotonic() - begun
    project = projects.current(disturbed)
    struck = 0
    for seed in range(KILLS):
        wanted = finish(command(undisturbed, "-p", "seed", str(seed), "--json"))
        driver = command(disturbed, "-p", "seed", str(seed), "--json")
        wait_a_while(project, file, seed, chance, took)
        driver.send_signal(signal.SIGKILL)
        driver.communicate()
        time.sleep(0.3)  # until what it has started knows
        with projects.using(project):
            run, done = finished(project, file, seed)
        before = marks(disturbed)
        struck += 0 < len(done) < len(wanted["steps"])
        again = ["--resume", run] if run else ["-p", "seed", str(seed)]
        ended = finish(command(disturbed, *again, "--json"))

        assert outcome(ended) == outcome(wanted)
        new = marks(disturbed)[len(before) :]
        assert not [name for name in done if f"{ended['id']} {name}" in new], "it ran twice"
        kept = {step["name"]: step["output_digest"] for step in ended["steps"]}
        assert {name: kept[name] for name in done} == {
            name: step.output_digest for name, step in done.items()
        }
    print(f"{KILLS} kills, {struck} of them between the first step's end and the last one's")
    with projects.using(project):
        assert {run.status for run in pipelines.runs()} == {"FINISHED"}
    if KILLS >= 20:
        assert struck >= KILLS // 4, "hardly any kill was in the middle"
