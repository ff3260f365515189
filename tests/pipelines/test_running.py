import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from mlnb import pipelines, tracking
from mlnb.core.errors import BadInput, InvalidSetting, StoreUnavailable
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult
from mlnb.execution import scraps
from mlnb.pipelines import progress
from mlnb.pipelines.progress import PipelineProgress
from mlnb.testing.notebooks import write_notebook


def write(project: Project, text: str) -> Path:
    file = project.root / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def by_name(run: PipelineRun) -> dict[str, StepResult]:
    return {step.name: step for step in run.steps}


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    """Wait for another process to get somewhere."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def test_values_flow_from_step_to_step_with_their_types(project: Project) -> None:
    write_notebook(
        project.root / "make.ipynb",
        "import mlnb\nmlnb.glue('data', f'flights@{n}')\nmlnb.glue('good', n > 1)",
        parameters="n: int = 1",
    )
    write_notebook(
        project.root / "train.ipynb",
        "import mlnb\nassert data == 'flights@3'\nmlnb.glue('score', len(family) / 10)",
        parameters="family = ''\ndata: str = ''",
    )
    write_notebook(
        project.root / "pick.ipynb",
        "import mlnb\nmlnb.glue('best', max(scores))\nmlnb.glue('text', text)",
        parameters="scores: list[float] = []\ntext: str = ''",
    )
    file = write(
        project,
        """
        name: flow
        params: {n: 1}
        steps:
          make: {notebook: make.ipynb, params: {n: "${{ params.n }}"}}
          train:
            notebook: train.ipynb
            needs: make
            matrix: {family: [logistic, boosting]}
            params: {data: "${{ steps.make.data }}"}
          pick:
            notebook: pick.ipynb
            needs: train
            when: ${{ steps.make.good and params.n == 3 }}
            params:
              scores: ${{ steps.train.score }}
              text: from ${{ steps.make.data }}
        """,
    )
    sources = {path: path.read_bytes() for path in project.root.glob("*.ipynb")}

    run = pipelines.run(file, parameters={"n": 3}, workers=2)

    steps = by_name(run)
    assert run.status == "FINISHED"
    assert pipelines.failure(run) is None
    assert steps["pick"].values == {"best": 0.8, "text": "from flights@3"}
    assert steps["pick"].parameters == {"scores": [0.8, 0.8], "text": "from flights@3"}
    assert steps["train[boosting]"].parameters == {"family": "boosting", "data": "flights@3"}
    assert {path: path.read_bytes() for path in project.root.glob("*.ipynb")} == sources
    for step in run.steps:
        output = project.root / step.output
        assert output == project.state / "runs" / run.id / output.name
        assert project.store.get(step.output_digest) == output.read_bytes()
        assert scraps.read(output) == step.values
    assert (project.root / run.report).is_file()
    assert [entry.data for entry in project.store.entries("pipelines/flow")] == [run.to_dict()]


def test_two_steps_run_at_a_time_and_no_more(project: Project) -> None:
    write_notebook(project.root / "a.ipynb", "import time\ntime.sleep(0.3)", parameters="n = 0")
    file = write(project, "name: a\nsteps: {s: {notebook: a.ipynb, matrix: {n: [1, 2, 3, 4]}}}")
    most = 0

    def look(seen: PipelineProgress) -> None:
        nonlocal most
        most = max(most, sum(step.status == "RUNNING" for step in seen.steps))

    assert pipelines.run(file, workers=2, on_progress=look).status == "FINISHED"
    assert most == 2


def test_a_failure_skips_what_needs_it_and_nothing_else(project: Project) -> None:
    write_notebook(project.root / "ok.ipynb", "1")
    write_notebook(project.root / "bad.ipynb", "# Title", "1 / 0")
    write_notebook(project.root / "glue.ipynb", "import mlnb\nmlnb.glue('yes', False)")
    file = write(
        project,
        """
        name: a
        steps:
          bad: {notebook: bad.ipynb}
          after: {notebook: ok.ipynb, needs: bad}
          later: {notebook: ok.ipynb, needs: after}
          cleanup: {notebook: ok.ipynb, needs: [bad, later], trigger_rule: all_done}
          other: {notebook: glue.ipynb}
          guarded: {notebook: ok.ipynb, needs: other, when: "${{ steps.other.yes }}"}
          never: {notebook: ok.ipynb, when: false}
          anyway: {notebook: ok.ipynb, needs: [guarded], trigger_rule: none_failed}
          hopeless: {notebook: ok.ipynb, needs: [later, anyway], trigger_rule: none_failed}
          missing: {notebook: ok.ipynb, needs: other, when: "${{ steps.other.no }}"}
        """,
    )
    run = pipelines.run(file)
    steps = by_name(run)
    assert run.status == "FAILED"
    assert {name: step.status for name, step in steps.items()} == {
        "bad": "FAILED",
        "after": "SKIPPED",
        "later": "SKIPPED",
        "cleanup": "FINISHED",
        "other": "FINISHED",
        "guarded": "SKIPPED",
        "never": "SKIPPED",
        "anyway": "FINISHED",
        "hopeless": "SKIPPED",
        "missing": "FAILED",
    }
    assert steps["bad"].failed_cell == 2
    assert steps["bad"].cells_done == 1
    assert steps["bad"].error == "bad.ipynb, cell 2: ZeroDivisionError: division by zero"
    assert (project.root / steps["bad"].output).is_file()
    assert steps["after"].error == "bad failed."
    assert steps["later"].error == "after was skipped."
    assert steps["hopeless"].error == "bad failed."
    assert steps["guarded"].error == "Its condition is false: ${{ steps.other.yes }}"
    assert "step 'other' glued no 'no' (it glued yes)" in steps["missing"].error
    failure = pipelines.failure(run)
    assert failure is not None
    assert failure.exit_code == 1
    assert "bad.ipynb, cell 2: ZeroDivisionError" in str(failure)
    assert "(1 more failed)" in str(failure)


def test_a_step_that_fails_is_tried_again_and_every_attempt_is_kept(project: Project) -> None:
    write_notebook(
        project.root / "flaky.ipynb",
        "from pathlib import Path\nmark = Path('tries')\n"
        "mark.write_text(mark.read_text() + '.' if mark.exists() else '.')\n"
        "assert len(mark.read_text()) == 2, 'not yet'",
    )
    file = write(project, "name: a\nsteps: {s: {notebook: flaky.ipynb, retries: 3}}")
    run = pipelines.run(file)
    assert run.status == "FINISHED"
    assert run.steps[0].attempts == 2
    folder = project.state / "runs" / run.id
    assert sorted(path.name for path in folder.glob("*.ipynb")) == [
        "s.attempt-1.ipynb",
        "s.ipynb",
    ]
    assert "not yet" in (folder / "s.attempt-1.ipynb").read_text(encoding="utf-8")


def test_a_run_keeps_the_notebook_of_the_attempt_that_opened_it(project: Project) -> None:
    write_notebook(
        project.root / "flaky.ipynb",
        "from pathlib import Path\nimport mlnb\nmlnb.tracking.start('try')\nmlnb.tracking.end()",
        "first = not Path('tried').exists()\nPath('tried').touch()\nassert not first",
    )
    file = write(project, "name: a\nsteps: {s: {notebook: flaky.ipynb, retries: 1}}")
    step = pipelines.run(file).steps[0]
    assert (step.status, len(step.runs)) == ("FINISHED", 2)
    client = tracking.store.client()
    kept = [client.download_artifacts(run, "notebook.ipynb") for run in step.runs]
    failed = ["AssertionError" in Path(path).read_text(encoding="utf-8") for path in kept]
    assert failed == [True, False]


def test_a_run_whose_record_cannot_be_kept_has_ended_all_the_same(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(project.root / "a.ipynb", "1")
    file = write(project, "name: a\nsteps: {s: {notebook: a.ipynb}}")
    with monkeypatch.context() as patch:
        patch.setattr(type(project.store), "append", _away)
        with pytest.raises(StoreUnavailable):
            pipelines.run(file)
    [run] = pipelines.runs()
    assert (run.status, run.ended is not None) == ("FINISHED", True)


def _away(*_arguments: object) -> None:
    raise StoreUnavailable("s3://bucket", "no network")


def test_a_value_that_does_not_fit_a_later_notebook_fails_that_step(project: Project) -> None:
    write_notebook(project.root / "a.ipynb", "import mlnb\nmlnb.glue('n', 'many')")
    write_notebook(project.root / "b.ipynb", "n", parameters="n: int = 1")
    file = write(
        project,
        """
        name: a
        steps:
          a: {notebook: a.ipynb}
          b: {notebook: b.ipynb, needs: a, params: {n: "${{ steps.a.n }}"}}
        """,
    )
    step = by_name(pipelines.run(file))["b"]
    assert step.status == "FAILED"
    assert "parameter n = 'many'" in step.error
    assert step.output == ""


def test_a_full_disk_fails_the_step_and_is_no_bug(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_notebook(project.root / "a.ipynb", "1")
    file = write(project, "name: full\nsteps: {a: {notebook: a.ipynb}}")
    monkeypatch.setattr("mlnb.execution.outputs.write", full)
    run = pipelines.run(file)
    assert run.status == "FAILED"
    assert run.steps[0].error.startswith("The disk refuses: No space left on device.")


def test_a_step_may_take_only_so_long(project: Project) -> None:
    write_notebook(project.root / "slow.ipynb", "import time\ntime.sleep(60)")
    file = write(project, "name: a\nsteps: {s: {notebook: slow.ipynb, timeout: 3}}")
    [step] = pipelines.run(file).steps
    assert step.status == "FAILED"
    assert step.error == "slow.ipynb took longer than 3 s. It was stopped in cell 1."


def test_a_dead_kernel_fails_the_step(project: Project) -> None:
    write_notebook(project.root / "dead.ipynb", "import os\nos.kill(os.getpid(), 9)")
    file = write(project, "name: a\nsteps: {s: {notebook: dead.ipynb}}")
    [step] = pipelines.run(file).steps
    assert step.status == "FAILED"
    assert "the kernel died: its process was killed by SIGKILL" in step.error


def test_runs_opened_by_a_step_get_the_notebook_as_it_was_executed(project: Project) -> None:
    from mlnb.tracking import runs as tracked

    write_notebook(
        project.root / "train.ipynb",
        "%load_ext mlnb",
        "%%track fit\nimport mlnb\nmlnb.log(metrics={'auc': 0.7})",
        "import os\nos.environ['MLNB_STEP']",
        "import mlnb\nopened = mlnb.tracking.start('left open')\nos.kill(os.getpid(), 9)",
    )
    file = write(project, "name: a\nsteps: {train: {notebook: train.ipynb}}")
    run = pipelines.run(file)
    [step] = run.steps
    assert step.status == "FAILED"
    assert len(step.runs) == 2
    done, left = (tracked.show(ref) for ref in step.runs)
    assert (done.name, done.status, done.metrics["auc"]) == ("fit", "FINISHED", 0.7)
    assert (left.name, left.status) == ("left open", "KILLED")
    assert any(name.endswith("notebook.ipynb") for name in done.artifacts)


def test_bad_input_starts_and_writes_nothing(project: Project) -> None:
    write_notebook(project.root / "a.ipynb", "1")
    file = write(project, "name: a\nsteps: {s: {notebook: a.ipynb}}")
    with pytest.raises(BadInput):
        pipelines.run(file, parameters={"x": 1})
    with pytest.raises(InvalidSetting):
        pipelines.run(file, workers=0)
    assert not (project.root / ".mlnb" / "runs").exists()


def test_a_display_that_breaks_does_not_break_the_run(project: Project) -> None:
    write_notebook(project.root / "a.ipynb", "1")
    file = write(project, "name: a\nsteps: {s: {notebook: a.ipynb}}")

    def broken(_seen: PipelineProgress) -> None:
        raise RuntimeError("no such colour")

    with pytest.warns(UserWarning, match="no such colour"):
        assert pipelines.run(file, on_progress=broken).status == "FINISHED"


SLOW = (
    "import os, time\nopen('pid', 'w').write(str(os.getpid()))\n"
    "try:\n    time.sleep(120)\nfinally:\n    print('closed well')"
)


def start_slow(project: Project) -> tuple["subprocess.Popen[str]", int]:
    """Start a pipeline in a process of its own; returns it and its kernel's pid."""
    write_notebook(project.root / "slow.ipynb", SLOW)
    write_notebook(project.root / "a.ipynb", "1")
    write(
        project,
        "name: a\nsteps: {slow: {notebook: slow.ipynb}, next: {notebook: a.ipynb, needs: slow}}",
    )
    driver = subprocess.Popen(
        [sys.executable, "-m", "mlnb", "run", "."],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    mark = project.root / "pid"
    wait_for(lambda: mark.exists() and mark.read_text(encoding="utf-8"))
    return driver, int(mark.read_text(encoding="utf-8"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_is_closed_as_killed(project: Project, number: signal.Signals) -> None:
    driver, kernel = start_slow(project)
    driver.send_signal(number)
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 2
    assert "was stopped" in errors
    assert "Traceback" not in errors
    assert not psutil.pid_exists(kernel)
    run = pipelines.show("a")
    steps = by_name(run)
    assert run.status == "KILLED"
    assert (steps["slow"].status, steps["next"].status) == ("KILLED", "SKIPPED")
    assert steps["slow"].failed_cell == 1
    assert "closed well" in (project.root / steps["slow"].output).read_text(encoding="utf-8")
    assert (project.root / run.report).is_file()


def test_a_vanished_driver_leaves_no_run_running_and_no_kernel(project: Project) -> None:
    driver, kernel = start_slow(project)
    [running] = pipelines.runs()
    assert running.status == "RUNNING"
    assert by_name(running)["slow"].status == "RUNNING"
    os.kill(driver.pid, signal.SIGKILL)
    driver.communicate(timeout=60)
    wait_for(lambda: not psutil.pid_exists(kernel), 30)
    [gone] = pipelines.runs()
    assert gone.status == "KILLED"
    assert gone.error == progress.VANISHED
    assert {step.name: step.status for step in gone.steps} == {
        "slow": "KILLED",
        "next": "SKIPPED",
    }
    partial = project.state / "runs" / gone.id / "slow.ipynb"
    assert json.loads(partial.read_text(encoding="utf-8"))["cells"]


def test_notebooks_share_the_cores(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    source = f"import os, mlnb\nmlnb.glue('seen', [os.environ[n] for n in {names}])"
    write_notebook(project.root / "a.ipynb", source)
    file = write(project, "name: a\nsteps: {s: {notebook: a.ipynb}}")
    step = by_name(pipelines.run(file, workers=10_000))["s"]
    assert step.values["seen"] == ["1", "7"], "a user's own limit stays"
