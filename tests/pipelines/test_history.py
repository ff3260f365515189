from datetime import UTC, datetime, timedelta

import pytest

from mlnb import pipelines
from mlnb.core.errors import Interrupted, InvalidReference, StepFailed, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, Status, StepResult


def keep(project: Project, name: str, minute: int, status: Status = "FINISHED") -> PipelineRun:
    run = PipelineRun(
        id=f"{name}-2026-{minute:04d}",
        pipeline=name,
        status=status,
        started=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute),
        steps=[StepResult(name="s", notebook="s.ipynb", status=status, error="s.ipynb, cell 2: x")],
    )
    project.store.append(f"pipelines/{name}", lambda _number: run.to_dict())
    return run


def test_runs_are_listed_newest_first(project: Project) -> None:
    assert pipelines.runs() == []
    old, new = keep(project, "a", 1), keep(project, "b", 2)
    newest = keep(project, "a", 3)
    assert pipelines.runs() == [newest, new, old]
    assert pipelines.runs(limit=1) == [newest]


def test_a_run_is_found_by_id_beginning_name_or_as_the_latest(project: Project) -> None:
    first, second = keep(project, "a", 1), keep(project, "a", 12)
    other = keep(project, "b", 5)
    assert pipelines.show() == second
    assert pipelines.show("a") == second
    assert pipelines.show(first.id) == first
    assert pipelines.show("b-2026") == other
    with pytest.raises(InvalidReference, match="it fits"):
        pipelines.show("a-2026-00")
    with pytest.raises(UnknownName, match="Did you mean 'b-2026-0005'"):
        pipelines.show("b-2026-0006")


def test_without_any_run_there_is_no_latest(project: Project) -> None:
    with pytest.raises(UnknownName, match="no pipeline run 'latest'"):
        pipelines.show()


def test_what_a_run_amounts_to(project: Project) -> None:
    assert pipelines.failure(keep(project, "a", 1)) is None
    failed = pipelines.failure(keep(project, "a", 2, "FAILED"))
    assert isinstance(failed, StepFailed)
    assert failed.message == "Step 's' failed: s.ipynb, cell 2: x"
    assert isinstance(pipelines.failure(keep(project, "a", 3, "KILLED")), Interrupted)
