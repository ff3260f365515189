from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult
from mlnb.pipelines import history
from mlnb.pipelines.progress import PipelineProgress, StepProgress
from mlnb.pipelines.reading import estimates

START = datetime(2026, 1, 1, tzinfo=UTC)


def progress(*steps: StepProgress) -> PipelineProgress:
    return PipelineProgress(
        id="p-1", pipeline="p", status="RUNNING", started=START, steps=list(steps)
    )


def pending(name: str, *needs: str) -> StepProgress:
    return StepProgress(name=name, needs=list(needs))


def keep(project: Project, number: int, **steps: tuple[float, str]) -> None:
    """Keep a run whose steps took so many seconds; the text is where they are cached from."""
    results = [
        StepResult(
            name=name.replace("_", "["),
            notebook="a.ipynb",
            status="FINISHED",
            started=START,
            ended=START + timedelta(seconds=seconds),
            cached_from=cached,
        )
        for name, (seconds, cached) in steps.items()
    ]
    run = PipelineRun(
        id=f"p-{number}", pipeline="p", status="FINISHED", started=START, steps=results
    )
    project.store.append(f"{history.LOG}/p", lambda _number: run.to_dict())


def test_steps_take_what_they_took_when_they_were_executed(project: Project) -> None:
    assert estimates.expected("p") == {}
    keep(project, 1, a=(3, ""), b_x=(10, ""))
    keep(project, 2, a=(5, ""), b_x=(20, ""), b_y=(40, ""))
    keep(project, 3, a=(0.01, "p-2"))
    seconds = estimates.expected("p")
    assert seconds["a"] == 4
    assert seconds["b[x"] == 15
    assert seconds["b["] == 20


@pytest.mark.parametrize(
    ("steps", "workers", "left"),
    [
        ([pending("a"), pending("b"), pending("c")], 1, 60),
        ([pending("a"), pending("b"), pending("c")], 2, 40),  # a and b, then c beside b
        ([pending("a"), pending("b"), pending("c")], 3, 30),
        ([pending("a"), pending("b", "a"), pending("c", "b")], 3, 60),
        ([pending("a"), pending("m[1]", "a"), pending("m[2]", "a")], 2, 15),
        ([], 2, 0),
    ],
)
def test_what_is_left_is_laid_out_on_the_workers(
    steps: list[StepProgress], workers: int, left: float
) -> None:
    seconds = {"a": 10.0, "b": 20.0, "c": 30.0, "m[": 5.0}
    assert estimates.remaining(progress(*steps), seconds, workers, START) == left


def test_a_running_step_has_done_a_part_and_an_ended_one_all() -> None:
    def step(name: str, status: Any, seconds_ago: float) -> StepProgress:
        started = START - timedelta(seconds=seconds_ago)
        return StepProgress(name=name, status=status, started=started)

    seconds = {"a": 10.0, "b": 20.0, "c": 30.0}
    now = progress(step("a", "FINISHED", 50), step("b", "RUNNING", 12), pending("c", "a", "b"))
    assert estimates.remaining(now, seconds, 2, START) == 38
    late = progress(step("b", "RUNNING", 100))
    assert estimates.remaining(late, seconds, 2, START) == 0


def test_a_step_that_never_ran_cannot_be_told() -> None:
    assert estimates.remaining(progress(pending("a"), pending("new")), {"a": 1.0}, 1, START) is None
