import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from mlnb import pipelines
from mlnb.core.errors import BadInput, Conflict
from mlnb.core.project import Project
from mlnb.core.records import now
from mlnb.pipelines import closing, progress, results
from mlnb.testing.notebooks import write_notebook

Write = Callable[..., Path]


@pytest.fixture
def write(project: Project) -> Write:
    """Return what writes a pipeline of two notebooks, the first of which may fail."""

    def written(first: str = "import mlnb\nmlnb.glue('n', n)", more: str = "") -> Path:
        write_notebook(project.root / "make.ipynb", first, parameters="n = 1")
        write_notebook(project.root / "use.ipynb", "print(n + 1)", parameters="n = 0")
        file = project.root / "pipeline.yaml"
        file.write_text(
            f"""
name: shared
params: {{n: 1}}
steps:
  make: {{notebook: make.ipynb, params: {{n: "${{{{ params.n }}}}"}}}}
  use: {{notebook: use.ipynb, needs: make, params: {{n: "${{{{ steps.make.n }}}}"}}}}
{more}
""",
            encoding="utf-8",
        )
        return file

    return written


def statuses(run: str) -> dict[str, str]:
    return {step.name: step.status for step in pipelines.show(run).steps}


def test_a_run_is_known_while_its_steps_are_carried_out(write: Write) -> None:
    file = write()
    pipelines.perform_step(file, "make", run="ci-1", parameters={"n": 5})
    seen = pipelines.show("ci-1")
    assert (seen.status, seen.ended, seen.parameters) == ("RUNNING", None, {"n": 5})
    assert statuses("ci-1") == {"make": "FINISHED", "use": "PENDING"}

    pipelines.perform_step(file, "use", run="ci-1")
    seen = pipelines.show("ci-1")
    assert (seen.status, seen.error) == ("FINISHED", "")
    assert seen.ended == seen.steps[-1].ended


def test_closing_writes_what_a_run_of_one_process_writes(project: Project, write: Write) -> None:
    file = write()
    for step in ("make", "use"):
        pipelines.perform_step(file, step, run="ci-1", parameters={"n": 5})
    ended = pipelines.close(file, run="ci-1", parameters={"n": 5})

    assert (ended.status, ended.error, ended.parameters) == ("FINISHED", "", {"n": 5})
    assert ended.started <= min(step.started for step in ended.steps if step.started)
    assert pipelines.show("ci-1") == ended
    report = (project.root / ended.report).read_text(encoding="utf-8")
    assert "ci-1" in report
    # Those who follow the events hear of it as of any run.
    seen = progress.fold(project.events.read()[0])["ci-1"]
    assert (seen.status, [step.status for step in seen.steps]) == ("FINISHED", ["FINISHED"] * 2)
    with pytest.raises(Conflict, match="other parameters"):
        pipelines.close(file, run="ci-1", parameters={"n": 6})


def test_what_follows_a_failure(project: Project, write: Write) -> None:
    tell = project.root / "told.json"
    script = project.root / "tell.sh"
    script.write_text(f"#!/bin/sh\ncat >> {tell}\n")
    script.chmod(0o755)
    write_notebook(project.root / "clean.ipynb", "print(why)", parameters="why = ''")
    after = (
        'on_failure: {notebook: clean.ipynb, params: {why: "${{ run.error }}"}}\n'
        "notify: {on: failure, command: ./tell.sh}"
    )
    file = write("raise ValueError('no flights')", after)
    for step in ("make", "use"):
        pipelines.perform_step(file, step, run="ci-1")

    ended = pipelines.close(file, run="ci-1")
    assert ended.status == "FAILED"
    assert "no flights" in ended.error
    assert {step.name: step.status for step in ended.steps} == {
        "make": "FAILED",
        "use": "SKIPPED",
        "on_failure": "FINISHED",
    }
    assert "no flights" in json.loads(tell.read_text())["error"]
    clean = (project.root / ended.steps[-1].output).read_text(encoding="utf-8")
    assert "no flights" in clean

    without = pipelines.close(file, run="ci-1", without=("notify", "on_failure"))
    assert [step.name for step in without.steps] == ["make", "use"]
    assert len(tell.read_text().splitlines()) == 1


def test_a_step_whose_job_was_lost_fails_the_run(write: Write) -> None:
    file = write()
    pipelines.perform_step(file, "make", run="ci-1")
    ended = pipelines.close(file, run="ci-1")
    assert ended.status == "FAILED"
    assert ended.error.startswith("Step 'use' failed: No job has carried it out")

    pipelines.perform_step(file, "use", run="ci-1")  # the job was repeated
    assert pipelines.close(file, run="ci-1").status == "FINISHED"
    assert pipelines.show("ci-1").status == "FINISHED"


def test_a_run_of_which_nothing_is_heard_for_a_day_is_dead(project: Project, write: Write) -> None:
    file = write()
    pipelines.perform_step(file, "make", run="ci-1")
    state = results.find(project, "ci-1")
    made = results.last(project, "ci-1", "make.ipynb")
    assert state is not None
    assert made is not None
    before = now() - timedelta(days=2)
    results.put(project, "ci-1", "make.ipynb", replace(made, started=before, ended=before))
    seen = closing.as_far(project, replace(state, started=before))
    assert (seen.status, seen.ended) == ("KILLED", before)
    file.unlink()
    assert closing.as_far(project, state).status == "RUNNING"


def test_a_run_that_nobody_began_cannot_be_closed(project: Project, write: Write) -> None:
    file = write()
    with pytest.raises(BadInput, match="No step of a run 'ci-9' was carried out"):
        pipelines.close(file, run="ci-9")
    assert pipelines.runs() == []
    assert not (project.state / "runs" / "ci-9").exists()


def test_a_run_with_a_driver_is_told_of_by_its_events(project: Project, write: Write) -> None:
    ended = pipelines.run(write())
    assert [run.id for run in pipelines.runs()] == [ended.id]
