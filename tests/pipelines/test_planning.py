from pathlib import Path

import pytest

from mlnb.core.errors import (
    CyclicPipeline,
    InvalidNotebook,
    InvalidParameter,
    InvalidPipeline,
    MissingNotebook,
    MlnbError,
    UnknownParameter,
)
from mlnb.core.project import Project
from mlnb.pipelines.planning import plan
from mlnb.testing.notebooks import write_notebook


@pytest.fixture
def folder(project: Project) -> Path:
    """Make a folder with a notebook that takes ``x`` and ``label``, and one that takes nothing."""
    folder = project.root / "flights"
    write_notebook(folder / "a.ipynb", "x", parameters="x: int = 1\nlabel = ''")
    write_notebook(folder / "plain.ipynb", "1")
    return folder


def write(folder: Path, text: str) -> Path:
    file = folder / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_plan_says_what_would_run_with_what_in_which_order(folder: Path) -> None:
    file = write(
        folder,
        """
        name: flights
        params: {n: 3}
        steps:
          last: {notebook: plain.ipynb, needs: [train]}
          train:
            notebook: a.ipynb
            needs: [first]
            matrix: {x: [1, 2], label: [a/b, c]}
          first: {notebook: a.ipynb, params: {x: "${{ params.n }}"}}
          side: {notebook: a.ipynb, needs: [first], params: {label: "${{ steps.first.name }}"}}
        """,
    )
    planned = plan(file, {"n": 5})
    assert planned.path == "flights/pipeline.yaml"
    assert planned.parameters == {"n": 5}
    steps = {step.name: step for step in planned.steps}
    names = list(steps)
    assert names[0] == "first"
    assert set(names) == {
        "first", "side", "last", "train[1,a/b]", "train[1,c]", "train[2,a/b]", "train[2,c]",
    }  # fmt: skip
    assert steps["first"].parameters == {"x": 5}
    assert steps["train[2,c]"].parameters == {"x": 2, "label": "c"}
    assert steps["train[1,a/b]"].file == "train-1-a-b.ipynb"
    assert steps["side"].parameters == {"label": "${{ steps.first.name }}"}
    assert len(steps["last"].needs) == 4
    assert [steps[name].stage for name in ("first", "side", "train[1,c]", "last")] == [1, 2, 2, 3]
    assert steps["first"].notebook == "flights/a.ipynb"
    assert len({step.file for step in planned.steps}) == len(planned.steps)


def test_labels_and_files_that_would_be_the_same_are_told_apart(folder: Path) -> None:
    file = write(
        folder,
        """
        name: a
        steps:
          t: {notebook: a.ipynb, matrix: {label: [1, "1", "a b", "a-b"]}}
          t-1: {notebook: plain.ipynb}
        """,
    )
    steps = plan(file).steps
    assert {step.name for step in steps} == {"t[1]", "t[1]#2", "t[a b]", "t[a-b]", "t-1"}
    assert len({step.file.lower() for step in steps}) == 5


HEAD = "name: a\nparams: {n: 3, rate: 0.5, none: null}\nsteps:\n"


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (
            "  s: {notebook: a.ipynb, needs: [t]}\n  t: {notebook: a.ipynb, needs: [s]}",
            CyclicPipeline,
            "s → t → s",
        ),
        ("  s: {notebook: a.ipynb, needs: [s]}", CyclicPipeline, "s → s"),
        (
            "  s: {notebook: b.ipynb}",
            MissingNotebook,
            "Step 's': There is no notebook 'flights/b.ipynb'. Did you mean 'flights/a.ipynb'?",
        ),
        (
            "  s: {notebook: pipeline.yaml}",
            InvalidNotebook,
            "'flights/pipeline.yaml' cannot be read as a notebook",
        ),
        (
            "  s: {notebook: a.ipynb, kernel: julia}",
            InvalidNotebook,
            "its kernel 'julia' is not installed",
        ),
        (
            "  s: {notebook: a.ipynb, params: {lable: 1}}",
            UnknownParameter,
            "flights/a.ipynb has no parameter 'lable'. Did you mean 'label'?",
        ),
        (
            "  s: {notebook: a.ipynb, params: {y: '${{ params.n }}'}}",
            UnknownParameter,
            "has no parameter 'y'",
        ),
        (
            "  s: {notebook: a.ipynb, matrix: {family: [1]}}",
            UnknownParameter,
            "has no parameter 'family'",
        ),
        (
            "  f: {notebook: a.ipynb}\n"
            "  s: {notebook: a.ipynb, needs: f, params: {y: '${{ steps.f.v }}'}}",
            UnknownParameter,
            "has no parameter 'y'",
        ),
        (
            "  s: {notebook: plain.ipynb, params: {x: 1}}",
            UnknownParameter,
            "It has no cell tagged 'parameters'",
        ),
        (
            "  s: {notebook: a.ipynb, params: {x: many}}",
            InvalidParameter,
            "parameter x = 'many': Input should be a valid integer",
        ),
        (
            "  s: {notebook: a.ipynb, params: {x: '${{ params.m }}'}}",
            UnknownParameter,
            "Step 's', params.x: the pipeline has no parameter 'm'",
        ),
        (
            "  s: {notebook: a.ipynb, params: {x: '${{ params.n + }}'}}",
            InvalidPipeline,
            "Step 's', params.x: The expression ${{ params.n + }} cannot be read",
        ),
        (
            "  s: {notebook: a.ipynb}\n  t: {notebook: a.ipynb, params: {x: '${{ steps.s.v }}'}}",
            InvalidPipeline,
            "uses a value of 's', which is no step it needs. Add 's' to its `needs`.",
        ),
        (
            "  ingest: {notebook: a.ipynb}\n"
            "  t: {notebook: a.ipynb, needs: ingest, when: '${{ steps.ingst.v }}'}",
            InvalidPipeline,
            "Did you mean 'ingest'?",
        ),
        (
            "  s: {notebook: a.ipynb, when: '${{ params.n }} == 3'}",
            InvalidPipeline,
            "Step 's', when: '${{ params.n }} == 3' is no single expression",
        ),
        (
            "  s: {notebook: a.ipynb, when: '${{ matrix.x }}'}",
            InvalidPipeline,
            "the step's matrix has no 'x'",
        ),
        (
            "  s: {notebook: a.ipynb, params: {x: .nan}}",
            InvalidPipeline,
            "params.x = nan is no value that can be recorded",
        ),
    ],
)
def test_everything_wrong_is_found_before_anything_is_written(
    folder: Path, project: Project, steps: str, error: type[MlnbError], message: str
) -> None:
    file = write(folder, HEAD + steps)
    with pytest.raises(error) as caught:
        plan(file)
    assert message in str(caught.value)
    assert caught.value.exit_code == 4
    assert not (project.root / ".mlnb" / "runs").exists()
    assert not (project.root / ".mlnb" / "events.jsonl").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"m": 1}, "Pipeline 'a' has no parameter 'm'"),
        ({"n": "x"}, "parameter n = 'x': it must be of type int, as 3"),
        ({"n": True}, "it must be of type int"),
        ({"rate": "x"}, "it must be of type float"),
    ],
)
def test_parameters_given_to_the_pipeline_are_checked(
    folder: Path, given: dict[str, object], message: str
) -> None:
    file = write(folder, HEAD + "  s: {notebook: plain.ipynb}")
    with pytest.raises((UnknownParameter, InvalidParameter)) as caught:
        plan(file, given)
    assert message in str(caught.value)
    assert plan(file, {"rate": 1, "none": [2]}).parameters == {"n": 3, "rate": 1, "none": [2]}


def test_a_pipeline_without_parameters_says_so(folder: Path) -> None:
    file = write(folder, "name: a\nsteps: {s: {notebook: plain.ipynb}}")
    with pytest.raises(UnknownParameter, match="It declares no `params`"):
        plan(file, {"x": 1})


def test_the_project_is_the_one_that_the_file_belongs_to(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(folder, "name: a\nsteps: {s: {notebook: plain.ipynb}}")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert plan(file).steps[0].notebook == "flights/plain.ipynb"
    monkeypatch.setenv("MLNB_PROJECT", str(folder))
    assert plan(file).steps[0].notebook == "plain.ipynb"
