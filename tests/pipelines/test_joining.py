from pathlib import Path

import pytest

from mlnb import pipelines
from mlnb.core.errors import BadInput, Conflict, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import StepResult
from mlnb.pipelines import results
from mlnb.testing.notebooks import write_notebook


@pytest.fixture
def file(project: Project) -> Path:
    write_notebook(
        project.root / "make.ipynb", "import mlnb\nmlnb.glue('n', n)", parameters="n = 1"
    )
    write_notebook(
        project.root / "add.ipynb",
        "import mlnb\nmlnb.glue('sum', n + extra)",
        parameters="n = 0\nextra = 0",
    )
    file = project.root / "pipeline.yaml"
    file.write_text(
        """
        name: shared
        params: {n: 1}
        steps:
          make: {notebook: make.ipynb, params: {n: "${{ params.n }}"}}
          add:
            notebook: add.ipynb
            needs: make
            matrix: {extra: [10, 20]}
            params: {n: "${{ steps.make.n }}"}
          never: {notebook: make.ipynb, needs: add, when: "${{ steps.make.n > 100 }}"}
        """,
        encoding="utf-8",
    )
    return file


def test_steps_of_a_run_are_carried_out_one_by_one(project: Project, file: Path) -> None:
    with pytest.raises(BadInput, match="'make', which has no result in run 'ci-7'"):
        pipelines.perform_step(file, "add", run="ci-7")
    assert results.find(project, "ci-7") is None

    [make] = pipelines.perform_step(file, "make", run="ci-7", parameters={"n": 5})
    [first] = pipelines.perform_step(file, "add[10]", run="ci-7")
    both = pipelines.perform_step(file, "add", run="ci-7")
    [never] = pipelines.perform_step(file, "never", run="ci-7")

    assert (make.values, first.values) == ({"n": 5}, {"sum": 15})
    assert [result.values for result in both] == [{"sum": 15}, {"sum": 25}]
    assert both[0] == first, "what has finished is not executed again"
    assert (never.status, never.error) == (
        "SKIPPED",
        "Its condition is false: ${{ steps.make.n > 100 }}",
    )
    with pytest.raises(Conflict, match="other parameters"):
        pipelines.perform_step(file, "make", run="ci-7", parameters={"n": 6})
    with pytest.raises(UnknownName, match="add"):
        pipelines.perform_step(file, "ad", run="ci-7")


def test_a_step_that_failed_is_tried_again(project: Project, file: Path) -> None:
    write_notebook(project.root / "make.ipynb", "1 / 0", parameters="n = 1")
    [failed] = pipelines.perform_step(file, "make", run="ci-8")
    assert failed.status == "FAILED"
    [skipped] = pipelines.perform_step(file, "add[10]", run="ci-8")
    assert (skipped.status, skipped.error) == ("SKIPPED", "make failed.")
    write_notebook(
        project.root / "make.ipynb", "import mlnb\nmlnb.glue('n', n)", parameters="n = 1"
    )
    [made] = pipelines.perform_step(file, "make", run="ci-8")
    assert (made.status, made.values) == ("FINISHED", {"n": 1})


def test_two_attempts_leave_two_results(project: Project, file: Path) -> None:
    result = StepResult(name="make", notebook="make.ipynb", status="FAILED", error="no")
    results.put(project, "r", "make.ipynb", result)
    done = StepResult(name="make", notebook="make.ipynb", status="FINISHED")
    results.put(project, "r", "make.ipynb", done)
    assert results.last(project, "r", "make.ipynb") == done
    assert project.store.numbers("pipelines/runs/r/steps/make") == [1, 2]
