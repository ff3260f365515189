"""Plans of steps that are many jobs, scripts or functions, or that hold secrets."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlnb.core.errors import InvalidPipeline, MlnbError
from mlnb.core.project import Project
from mlnb.pipelines.planning import PlannedStep, Prepared, expand, plan, prepare
from mlnb.testing.notebooks import write_notebook


@pytest.fixture
def folder(project: Project) -> Path:
    """Make a folder with a notebook that takes ``x``, ``label`` and a secret, and other things."""
    folder = project.root / "flow"
    write_notebook(
        folder / "a.ipynb", "x", parameters="x: int = 1\nlabel = ''\ntoken: Secret = None"
    )
    (folder / "train.py").write_text("print(1)")
    (folder / "lab.py").write_text("def clean(rows: int, floor: float = 0.5): ...")
    return folder


def write(folder: Path, text: str) -> Path:
    file = folder / "pipeline.yaml"
    file.write_text(f"name: a\nparams: {{n: 3, months: [1, 2], key: {{secret: true}}}}\n{text}")
    return file


def steps(file: Path) -> dict[str, PlannedStep]:
    return {step.name: step for step in plan(file).steps}


def test_a_matrix_with_include_exclude_and_a_parameter(folder: Path) -> None:
    file = write(
        folder,
        """
steps:
  s:
    notebook: a.ipynb
    matrix:
      x: ${{ params.months }}
      label: [a, b]
      exclude: [{x: 2, label: a}]
      include: [{x: 9, label: c}]
    outputs: ["out/${{ matrix.label }}-${{ matrix.x }}.csv"]
    env: {LABEL: "${{ matrix.label }}", N: "${{ params.n }}"}
    resources: {memory: 1GB}
env: {N: "0", ALL: "1"}
""",
    )
    found = steps(file)
    assert list(found) == ["s[1,a]", "s[1,b]", "s[2,b]", "s[9,c]"]
    assert found["s[2,b]"].outputs == ["out/b-2.csv"]
    assert found["s[2,b]"].environment == {"N": "3", "ALL": "1", "LABEL": "b"}
    assert found["s[2,b]"].resources == {"memory": 1e9}


def test_a_foreach_that_is_known_is_planned_as_jobs(folder: Path) -> None:
    file = write(
        folder,
        "steps: {s: {notebook: a.ipynb, foreach: {x: '${{ params.months }}'}, "
        "params: {label: 'm${{ matrix.x }}'}}}",
    )
    found = steps(file)
    assert list(found) == ["s[1]", "s[2]"]
    assert found["s[2]"].matrix == {"x": 2}
    assert found["s[2]"].parameters == {"x": 2, "label": "m2"}
    assert found["s[2]"].foreach == ""


LATE = """
steps:
  list: {notebook: a.ipynb}
  s:
    notebook: a.ipynb
    needs: list
    foreach: {x: "${{ steps.list.months }}", max_parallel: 2}
    when: ${{ matrix.x > 1 }}
    params: {label: "${{ steps.list.name }}-${{ matrix.x }}"}
    outputs: ["out/${{ matrix.x }}.csv"]
  after: {notebook: a.ipynb, needs: s, params: {label: "${{ steps.s.names }}"}}
"""


def late(folder: Path) -> tuple[Prepared, PlannedStep]:
    prepared = prepare(write(folder, LATE))
    return prepared, next(step for step in prepared.plan.steps if step.name == "s")


def test_a_foreach_that_waits_stands_for_its_jobs(folder: Path) -> None:
    prepared, waiting = late(folder)
    assert [step.name for step in prepared.plan.steps] == ["list", "s", "after"]
    assert (waiting.foreach, waiting.each) == ("${{ steps.list.months }}", "x")
    assert waiting.needs == ["list"]
    made = expand(prepared, waiting, [3, 4, 3])
    assert [job.name for job in made] == ["s[3]", "s[4]", "s[3]#2"]
    assert [job.matrix for job in made] == [{"x": 3}, {"x": 4}, {"x": 3}]
    assert made[1].outputs == ["out/4.csv"]
    assert made[1].when == "${{ matrix.x > 1 }}"
    assert made[1].parameters == {"x": 4, "label": "${{ steps.list.name }}-${{ matrix.x }}"}
    assert (made[1].needs, made[1].stage, made[1].step) == (["list"], 2, "s")
    assert len({job.file for job in (*made, *prepared.plan.steps)}) == 6
    assert made == expand(prepared, waiting, [3, 4, 3]), "whoever expands it finds the same jobs"
    assert expand(prepared, waiting, []) == []


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ("abc", "its foreach has become 'abc', which is no list"),
        (None, "its foreach has become None, which is no list"),
        ([1, "b"], "parameter x = 'b': Input should be a valid integer"),
        ([float("nan")], "is no value that can be recorded"),
    ],
)
def test_items_that_do_not_fit_are_said(folder: Path, items: Any, message: str) -> None:
    prepared, waiting = late(folder)
    with pytest.raises(MlnbError) as caught:
        expand(prepared, waiting, items)
    assert message in str(caught.value)
    assert "'s'" in str(caught.value)


def test_an_empty_list_waits_to_be_found_empty(folder: Path) -> None:
    file = write(folder, "steps: {s: {notebook: a.ipynb, foreach: {x: []}}}")
    assert [(step.name, step.foreach) for step in plan(file).steps] == [("s", "${{ [] }}")]


def test_scripts_and_functions_are_planned(folder: Path) -> None:
    file = write(
        folder,
        """
steps:
  train: {script: train.py, params: {alpha: 0.1}, inputs: rows.csv}
  clean: {function: "lab:clean", params: {rows: "${{ params.n }}"}, outputs: rows.csv}
""",
    )
    found = steps(file)
    assert list(found) == ["clean", "train"]
    assert found["train"].needs == ["clean"]
    assert (found["train"].kind, found["train"].notebook) == ("script", "flow/train.py")
    assert (found["clean"].kind, found["clean"].notebook) == ("function", "lab:clean")
    assert found["clean"].parameters == {"rows": 3}
    assert found["clean"].cells == 1


def test_a_secret_is_planned_as_where_it_comes_from(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLNB_SECRET_KEY", "hunter2")
    file = write(folder, "steps: {s: {notebook: a.ipynb, params: {token: '${{ params.key }}'}}}")
    planned = plan(file)
    assert planned.steps[0].parameters == {"token": "env:MLNB_SECRET_KEY"}
    assert "hunter2" not in str(planned.to_dict())
    assert plan(file, {"key": "env:OTHER"}).steps[0].parameters == {"token": "env:OTHER"}


def test_a_function_need_not_be_given_what_is_a_secret_of_its_step(folder: Path) -> None:
    (folder / "send.py").write_text("def send(token, text): ...")
    text = "steps: {s: {function: 'send:send', params: {text: a}, secrets: [TOKEN]}}"
    assert plan(write(folder, text)).steps[0].parameters == {"text": "a"}


def test_what_runs_on_failure_is_planned_apart(folder: Path) -> None:
    file = write(
        folder,
        """
steps: {s: {notebook: a.ipynb}}
on_failure: {notebook: a.ipynb, params: {label: "${{ run.error }} ${{ steps.s.v }}"}}
""",
    )
    planned = plan(file)
    assert planned.on_failure is not None
    assert [step.name for step in planned.steps] == ["s"]
    assert (planned.on_failure.name, planned.on_failure.needs) == ("on_failure", [])
    assert planned.on_failure.file not in {step.file for step in planned.steps}
    assert type(planned).from_dict(planned.to_dict()) == planned


def test_a_plan_of_an_older_mlnb_reads(folder: Path) -> None:
    planned = plan(write(folder, "steps: {s: {notebook: a.ipynb}}")).steps[0]
    body = planned.to_dict()
    for key in ("kind", "foreach", "each", "inputs", "outputs", "environment", "resources", "why"):
        del body[key]
    assert PlannedStep.from_dict(body) == replace(planned)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("notebook: a.ipynb, params: {label: '${{ params.key }}'}", "must be declared as label: m"),
        ("notebook: a.ipynb, params: {token: 'x${{ params.key }}'}", "only be the whole value"),
        ("notebook: a.ipynb, env: {A: '${{ params.key }}'}", "Name it in the step's `secrets`"),
        ("notebook: a.ipynb, when: \"${{ params.key == 'x' }}\"", "a secret can only be the whole"),
        ("script: train.py, params: {a: '${{ params.key }}'}", "a secret can only be the whole"),
        ("function: 'lab:clean'", "lab:clean must be given 'rows', for it has no default"),
        ("function: 'lab:clean', params: {row: 1}", "lab:clean has no parameter 'row'. Did you"),
        ("function: 'lab:clean', params: {rows: x}", "rows = 'x': Input should be a valid integer"),
        ("notebook: a.ipynb, foreach: {x: '${{ params.n }}'}", "become 3, which is no list"),
        ("notebook: a.ipynb, foreach: {y: [1]}", "has no parameter 'y'"),
        ("notebook: a.ipynb, foreach: {y: []}", "has no parameter 'y'"),
        ("notebook: a.ipynb, matrix: {x: '${{ params.n }}'}", "become 3, which is no list of val"),
        ("notebook: a.ipynb, matrix: {x: [1], exclude: [{x: 1}]}", "excludes every combination"),
        ("notebook: a.ipynb, matrix: {x: ['${{ matrix.label }}']}", "'label' of the matrix is not"),
        ("notebook: a.ipynb, params: {label: '${{ run.error }}'}", "only on_failure can ask how"),
        (
            "notebook: a.ipynb, needs: t, outputs: '${{ steps.t.v }}.csv'",
            "must be known before any",
        ),
        ("notebook: a.ipynb, needs: t, foreach: {x: [1, '${{ steps.t.v }}']}", "is not known yet"),
    ],
)
def test_whatever_is_wrong_is_found_by_the_plan(folder: Path, text: str, message: str) -> None:
    file = write(folder, f"steps:\n  t: {{notebook: a.ipynb}}\n  s: {{{text}}}")
    with pytest.raises(MlnbError) as caught:
        plan(file)
    assert message in str(caught.value)
    assert "'s'" in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_run_has_only_so_many_names(folder: Path) -> None:
    file = write(
        folder,
        "steps: {s: {notebook: a.ipynb}}\n"
        "on_failure: {notebook: a.ipynb, params: {label: '${{ run.eror }}'}}",
    )
    with pytest.raises(InvalidPipeline, match="Did you mean 'error'"):
        plan(file)
