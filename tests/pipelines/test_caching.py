from pathlib import Path

import pytest

from mlnb import pipelines
from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult
from mlnb.testing.notebooks import write_notebook


def states(run: PipelineRun) -> dict[str, str]:
    return {step.name: "cached" if step.cached_from else step.status for step in run.steps}


def why(run: PipelineRun) -> dict[str, str]:
    return {step.name: step.why for step in run.steps}


def by_name(run: PipelineRun) -> dict[str, StepResult]:
    return {step.name: step for step in run.steps}


@pytest.fixture
def file(project: Project) -> Path:
    write_notebook(
        project.root / "make.ipynb",
        "# Title",
        "import mlnb",
        "mlnb.glue('n', n)",
        parameters="n = 1",
    )
    write_notebook(
        project.root / "add.ipynb", "import mlnb\nmlnb.glue('sum', n + 1)", parameters="n = 0"
    )
    file = project.root / "pipeline.yaml"
    file.write_text(
        """
        name: cached
        params: {n: 1}
        steps:
          make: {notebook: make.ipynb, params: {n: "${{ params.n }}"}}
          add: {notebook: add.ipynb, needs: make, params: {n: "${{ steps.make.n }}"}}
          always: {notebook: add.ipynb, cache: false}
        """,
        encoding="utf-8",
    )
    return file


def test_what_has_not_changed_is_not_run_again(project: Project, file: Path) -> None:
    first = pipelines.run(file)
    second = pipelines.run(file)

    assert states(first) == {"make": "FINISHED", "add": "FINISHED", "always": "FINISHED"}
    assert states(second) == {"make": "cached", "add": "cached", "always": "FINISHED"}
    assert why(first) == {
        "make": "it has no result yet",
        "add": "it has no result yet",
        "always": "it is not cached (cache: false)",
    }
    assert why(second)["add"] == "nothing it depends on has changed"
    for step in (by_name(second)["make"], by_name(second)["add"]):
        assert step.cached_from == first.id
        assert project.store.get(step.output_digest) == (project.root / step.output).read_bytes()
    assert [step.values for step in second.steps] == [step.values for step in first.steps]


def test_only_the_changed_step_and_what_depends_on_it_run(project: Project, file: Path) -> None:
    pipelines.run(file)
    write_notebook(
        project.root / "make.ipynb",
        "# Another title",
        "import   mlnb  # the library",
        "mlnb.glue('n', n + 1)",
        parameters="n = 1",
    )
    second = pipelines.run(file)
    assert states(second) == {"make": "FINISHED", "add": "FINISHED", "always": "FINISHED"}
    assert why(second)["make"] == "cell 4 changed"
    assert why(second)["add"] == "parameter n: 1 → 2"

    third = pipelines.run(file, parameters={"n": 0})
    assert why(third)["make"] == "parameter n: 1 → 0"
    assert states(third)["add"] == "cached", "its parameter is what it was in the first run"


def test_a_plan_says_what_would_run_and_why(project: Project, file: Path) -> None:
    def told() -> dict[str, tuple[bool | None, str]]:
        return {step.name: (step.fresh, step.why) for step in pipelines.foresee(file).steps}

    before = sorted(path for path in project.root.rglob("*") if path.is_file())
    assert told() == {
        "make": (False, "it has no result yet"),
        "add": (None, "it needs make, which runs before"),
        "always": (False, "it is not cached (cache: false)"),
    }
    assert sorted(path for path in project.root.rglob("*") if path.is_file()) == before
    pipelines.run(file)
    assert told()["make"] == told()["add"] == (True, "nothing it depends on has changed")
    write_notebook(project.root / "add.ipynb", "import mlnb", parameters="n = 0")
    assert told()["make"][0]
    assert told()["add"] == (False, "cell 2 changed")


def test_another_machine_uses_the_results(project: Project, file: Path, tmp_path: Path) -> None:
    shared = f'name = "shared"\nstore = "{tmp_path / "shared"}"\n'
    (project.root / "mlnb.toml").write_text(shared)
    first = pipelines.run(file)
    other = tmp_path / "elsewhere" / "clone"
    other.mkdir(parents=True)
    for path in [*project.root.glob("*.ipynb"), file, project.root / "mlnb.toml"]:
        (other / path.name).write_bytes(path.read_bytes())
    with projects.using(projects.current(other)):
        second = pipelines.run(other / file.name)
    assert states(second) == {"make": "cached", "add": "cached", "always": "FINISHED"}
    for step in second.steps:
        assert (other / step.output).is_file()
    assert by_name(second)["make"].cached_from == first.id
