"""Retries, what runs on failure, jobs that are known late, limits and executors, in real runs."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from mlnb import pipelines
from mlnb.core.errors import BadInput, InvalidPipeline, InvalidSetting
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, Record, StepResult
from mlnb.pipelines.executors import _in_worker
from mlnb.pipelines.progress import PipelineProgress
from mlnb.pipelines.stopping import StopRequest
from mlnb.pipelines.triggers.firings import Firing
from mlnb.testing.notebooks import write_notebook

FLAKY = (
    "import pathlib\nseen = pathlib.Path('seen.txt')\n"
    "tries = len(seen.read_text()) + 1 if seen.exists() else 1\nseen.write_text('x' * tries)\n"
    "assert tries >= good, tries\nimport mlnb; mlnb.glue('tries', tries)"
)


def write(project: Project, text: str) -> Path:
    file = project.root / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def by_name(run: PipelineRun) -> dict[str, StepResult]:
    return {step.name: step for step in run.steps}


def wait_for(condition: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)
    return found


def test_a_step_is_tried_again_after_a_pause(project: Project) -> None:
    write_notebook(project.root / "s.ipynb", FLAKY, parameters="good: int = 3")
    file = write(
        project,
        "name: a\nsteps: {s: {notebook: s.ipynb, retries: {limit: 3, backoff: 0.3, factor: 2}}}",
    )
    run = pipelines.run(file)
    step = run.steps[0]
    assert (run.status, step.attempts, step.values) == ("FINISHED", 3, {"tries": 3})
    assert step.ended is not None
    assert step.started is not None
    assert step.ended - step.started > timedelta(seconds=0.9)
    kinds = [event.kind for event in project.events.read()[0] if event.kind.startswith("step.")]
    assert kinds == [*["step.started", "step.delayed"] * 2, "step.started", "step.finished"]


def test_a_time_out_is_not_tried_again_when_only_failures_are(project: Project) -> None:
    write_notebook(project.root / "s.ipynb", "import time\ntime.sleep(60)")
    retries = "retries: {limit: 2, on: [failed]}"
    file = write(project, f"name: a\nsteps: {{s: {{notebook: s.ipynb, timeout: 0.3, {retries}}}}}")
    step = pipelines.run(file).steps[0]
    assert (step.status, step.cause, step.attempts) == ("FAILED", "timeout", 1)


def test_what_runs_on_failure_is_told_of_it(project: Project) -> None:
    write_notebook(project.root / "bad.ipynb", "1 / 0")
    write_notebook(
        project.root / "clean.ipynb",
        "import mlnb\nmlnb.glue('seen', [run, error, failed])",
        parameters="run: str = ''\nerror: str = ''\nfailed: list[str] = []",
    )
    file = write(
        project,
        """
        name: a
        steps: {bad: {notebook: bad.ipynb, matrix: {n: [1, 2]}}}
        on_failure:
          notebook: clean.ipynb
          params:
            run: ${{ run.id }}
            error: ${{ run.error }}
            failed: ${{ run.failed }}
        """,
    )
    write_notebook(project.root / "bad.ipynb", "1 / 0", parameters="n: int = 0")
    run = pipelines.run(file)
    assert run.status == "FAILED"
    assert run.error.startswith("Step 'bad[1]' failed:")
    after = by_name(run)["on_failure"]
    assert after.status == "FINISHED"
    seen = after.values["seen"]
    assert seen[0] == run.id
    assert "ZeroDivisionError" in seen[1]
    assert seen[2] == ["bad[1]", "bad[2]"]


def test_nothing_runs_on_failure_when_nothing_failed_and_its_own_failure_is_a_warning(
    project: Project,
) -> None:
    write_notebook(project.root / "s.ipynb", "1")
    write_notebook(project.root / "clean.ipynb", "raise RuntimeError('no broom')")
    file = write(
        project,
        "name: a\nsteps: {s: {notebook: s.ipynb}}\non_failure: {notebook: clean.ipynb}",
    )
    assert list(by_name(pipelines.run(file))) == ["s"]
    write_notebook(project.root / "s.ipynb", "1 / 0")
    with pytest.warns(UserWarning, match="on_failure failed, too: .*no broom"):
        run = pipelines.run(file)
    assert run.error.startswith("Step 's' failed")


def test_jobs_of_a_list_that_an_earlier_step_made(project: Project) -> None:
    write_notebook(
        project.root / "make.ipynb",
        "import mlnb\nmlnb.glue('items', list(range(n)))",
        parameters="n: int = 0",
    )
    write_notebook(
        project.root / "each.ipynb",
        "import mlnb\nmlnb.glue('twice', 2 * item)",
        parameters="item: int = 0",
    )
    write_notebook(
        project.root / "sum.ipynb",
        "import mlnb\nmlnb.glue('sum', sum(parts))",
        parameters="parts: list[int] = [99]",
    )
    file = write(
        project,
        """
        name: a
        params: {n: 3}
        steps:
          make: {notebook: make.ipynb, params: {n: "${{ params.n }}"}}
          each: {notebook: each.ipynb, needs: make, foreach: {item: "${{ steps.make.items }}"}}
          sum: {notebook: sum.ipynb, needs: each, params: {parts: "${{ steps.each.twice }}"}}
        """,
    )
    shown: list[list[str]] = []

    def look(progress: PipelineProgress) -> None:
        shown.append([step.name for step in progress.steps])

    run = pipelines.run(file, on_progress=look)
    assert list(by_name(run)) == ["make", "each[0]", "each[1]", "each[2]", "sum"]
    assert run.steps[-1].values == {"sum": 6}
    assert shown[0] == ["make", "each", "sum"]
    assert shown[-1] == list(by_name(run))

    empty = pipelines.run(file, parameters={"n": 0})
    assert [step.status for step in empty.steps] == ["FINISHED", "SKIPPED", "FINISHED"]
    assert empty.status == "FINISHED"
    assert empty.steps[-1].values == {"sum": 0}
    assert "nothing to do" in empty.steps[1].error


def test_a_matrix_may_be_kept_to_some_jobs_at_a_time(project: Project) -> None:
    write_notebook(
        project.root / "s.ipynb", "import time\ntime.sleep(0.2)", parameters="n: int = 0"
    )
    file = write(
        project,
        "name: a\nsteps:\n"
        "  s: {notebook: s.ipynb, matrix: {n: [1, 2, 3], max_parallel: 1}, cache: false}\n"
        "  t: {notebook: s.ipynb, matrix: {n: [4]}, cache: false}",
    )
    together: list[set[str]] = []

    def look(progress: PipelineProgress) -> None:
        together.append({step.name for step in progress.steps if step.status == "RUNNING"})

    assert pipelines.run(file, workers=3, on_progress=look).status == "FINISHED"
    assert max(len([name for name in names if name.startswith("s")]) for names in together) == 1
    assert max(len(names) for names in together) == 2


def test_a_step_that_wants_more_than_a_limit_is_refused_before_anything_runs(
    project: Project,
) -> None:
    write_notebook(project.root / "s.ipynb", "1")
    file = write(
        project,
        "name: a\nlimits: {gpu: 1}\nsteps: {s: {notebook: s.ipynb, resources: {gpu: 2}}}",
    )
    with pytest.raises(InvalidPipeline, match="takes 2 of gpu"):
        pipelines.run(file)
    assert not (project.state / "runs").exists()


def test_a_step_has_as_many_threads_as_cores(project: Project) -> None:
    write_notebook(
        project.root / "s.ipynb",
        "import os, mlnb\nmlnb.glue('threads', os.environ['OMP_NUM_THREADS'])",
    )
    file = write(project, "name: a\nsteps: {s: {notebook: s.ipynb, resources: {cpus: 5}}}")
    assert pipelines.run(file).steps[0].values == {"threads": "5"}


# -- executors ------------------------------------------------------------------------------------


def test_any_executor_performs_steps(project: Project) -> None:
    write_notebook(
        project.root / "s.ipynb", "import mlnb\nmlnb.glue('n', n)", parameters="n: int = 0"
    )
    file = write(project, "name: a\nsteps: {s: {notebook: s.ipynb, matrix: {n: [1, 2]}}}")
    names = set()

    class Noting(ThreadPoolExecutor):
        def submit(self, *arguments: Any, **more: Any) -> Any:
            names.add(arguments[0].__name__)
            return super().submit(*arguments, **more)

    with Noting(2) as pool:
        run = pipelines.run(file, executor=pool)
        assert pool.submit(len, "it is left open").result() == 15
    assert [step.values for step in run.steps] == [{"n": 1}, {"n": 2}]
    assert "_perform_beside" in names


def test_steps_of_a_killed_process_run_again_in_another(project: Project) -> None:
    code = (
        "import mlnb, pathlib, time\npathlib.Path(f'begun-{n}').touch()\n"
        "while not pathlib.Path('go').exists():\n    time.sleep(0.02)\nmlnb.glue('n', n)"
    )
    write_notebook(project.root / "s.ipynb", code, parameters="n: int = 0")
    file = write(project, "name: a\nsteps: {s: {notebook: s.ipynb, matrix: {n: [1, 2]}}}")
    made: list[PipelineRun] = []
    driver = threading.Thread(
        target=lambda: made.append(pipelines.run(file, executor="processes", workers=2))
    )
    driver.start()
    wait_for(lambda: len(list(project.root.glob("begun-*"))) == 2)
    os.kill(_workers()[0], signal.SIGKILL)
    (project.root / "go").touch()
    driver.join(60)
    assert made[0].status == "FINISHED"
    assert [step.values for step in made[0].steps] == [{"n": 1}, {"n": 2}]


def _workers() -> list[int]:
    import psutil

    children = psutil.Process().children()
    return [child.pid for child in children if "spawn_main" in " ".join(child.cmdline())]


def test_ctrl_c_is_left_to_the_driver() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        _in_worker()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("executor", "error", "told"),
    [
        ("thread", InvalidSetting, "must be threads, processes or dask://"),
        ("dask://127.0.0.1:1", BadInput, "No Dask scheduler answers at 127.0.0.1:1"),
    ],
)
def test_an_executor_that_is_not_there_is_one_clear_error(
    executor: str, error: type[Exception], told: str, project: Project
) -> None:
    write_notebook(project.root / "s.ipynb", "1")
    file = write(project, "name: a\nsteps: {s: {notebook: s.ipynb}}")
    with pytest.raises(error, match=told):
        pipelines.run(file, executor=executor)
    assert not (project.state / "runs").exists()


# -- what is stored -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Firing, StopRequest])
def test_stored_records_of_old_formats_are_read(kind: type[Record]) -> None:
    file = Path(__file__).parent / "formats" / f"{kind.__name__}-1.json"
    body = json.loads(file.read_text(encoding="utf-8"))
    assert kind.from_dict(body).to_dict() == body
