import json
from pathlib import Path

import pyarrow as pa
import pytest

import mlnb
from mlnb import datasets, pipelines
from mlnb.core.errors import BadInput
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult
from mlnb.pipelines import secret_files
from mlnb.testing.notebooks import write_notebook

SCRIPT = """
import argparse, json, os, sys
from pathlib import Path
import mlnb

parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int)
parser.add_argument("--title")
given = parser.parse_args()
assert __name__ == "__main__"
assert json.loads(os.environ["MLNB_PARAMS"]) == {"rows": given.rows, "title": given.title}
import beside
Path("out").mkdir(exist_ok=True)
for number in range(given.rows):
    Path(f"out/{number}.txt").write_text(f"{given.title} {number} {beside.WORD}")
mlnb.glue("wrote", given.rows)
"""
FUNCTION = """
from pathlib import Path
import mlnb


def count(*, prefix: str, token: mlnb.Secret = "") -> dict[str, object]:
    files = mlnb.inputs["out/*.txt"]
    assert mlnb.inputs["write"] == {"wrote": len(files)}
    print("the token is", token)
    text = "".join(path.read_text() for path in files)
    Path("all.txt").write_text(text)
    return {"files": [path.name for path in files], "text": prefix + text, "long": len(token)}
"""
PIPELINE = """
name: kinds
params: {rows: 2}
steps:
  write:
    script: tools/write.py
    params: {rows: "${{ params.rows }}", title: a b}
    outputs: out
  count:
    function: package.counting:count
    params: {prefix: "> "}
    inputs: out/*.txt
    outputs: [all.txt]
    secrets: token
  read:
    notebook: notebooks/read.ipynb
    inputs: [all.txt, "dataset:flights"]
    needs: count
  alone:
    notebook: notebooks/alone.ipynb
"""


def by_name(run: PipelineRun) -> dict[str, StepResult]:
    return {step.name: step for step in run.steps}


@pytest.fixture
def file(project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("token", "tell-nobody-9315")
    (project.root / "tools").mkdir()
    (project.root / "tools/write.py").write_text(SCRIPT)
    (project.root / "tools/beside.py").write_text("WORD = 'hello;'")
    (project.root / "package").mkdir()
    (project.root / "package/counting.py").write_text(FUNCTION)
    write_notebook(
        project.root / "notebooks/read.ipynb",
        "import mlnb\nmlnb.glue('text', mlnb.inputs['all.txt'].read_text())",
        "mlnb.glue('version', mlnb.inputs['dataset:flights'])",
        "mlnb.glue('given', sorted(mlnb.inputs))",
    )
    write_notebook(
        project.root / "notebooks/alone.ipynb", "import mlnb\nmlnb.glue('given', len(mlnb.inputs))"
    )
    datasets.save(pa.table({"a": [1]}), "flights")
    file = project.root / "pipeline.yaml"
    file.write_text(PIPELINE, encoding="utf-8")
    return file


def test_scripts_and_functions_run_as_notebooks_do(project: Project, file: Path) -> None:
    run = pipelines.run(file)
    steps = by_name(run)
    assert run.status == "FINISHED", [step.error for step in run.steps]
    assert steps["write"].values == {"wrote": 2}
    assert set(steps["write"].outputs) == {"out/0.txt", "out/1.txt"}
    text = "a b 0 hello;a b 1 hello;"
    assert steps["count"].values == {
        "files": ["0.txt", "1.txt"],
        "text": f"> {text}",
        "long": len("tell-nobody-9315"),
    }
    assert steps["read"].values == {
        "text": text,
        "version": "flights@1",
        "given": ["all.txt", "count", "dataset:flights"],
    }
    assert steps["read"].inputs["dataset:flights"] == "flights@1"
    assert steps["alone"].values == {"given": 0}, "it declares nothing, so it is given nothing"

    kept = [path for path in project.state.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"tell-nobody" in path.read_bytes()]

    again = pipelines.run(file)
    assert [step.name for step in again.steps if not step.cached_from] == []


FOLDERS = """
name: folders
steps:
  script: {script: tools/here.py, cwd: tools, outputs: tools/out.txt}
  function: {function: "package.here:here", cwd: tools, params: {name: beside.py}}
  notebook: {notebook: notebooks/here.ipynb, cwd: .}
"""
HERE = (
    "from pathlib import Path\n\ndef here(name):\n    return {'size': Path(name).stat().st_size}\n"
)


def test_a_step_runs_in_the_folder_that_it_says(project: Project, file: Path) -> None:
    (project.root / "tools/here.py").write_text(
        "from pathlib import Path\nPath('out.txt').write_text(Path('beside.py').read_text())\n"
    )
    (project.root / "package/here.py").write_text(HERE)
    write_notebook(
        project.root / "notebooks/here.ipynb",
        "import mlnb\nfrom pathlib import Path",
        "mlnb.glue('is_here', Path('pipeline.yaml').exists())",
    )
    file.write_text(FOLDERS)
    run = pipelines.run(file)
    steps = by_name(run)
    assert run.status == "FINISHED", [step.error for step in run.steps]
    assert (project.root / "tools/out.txt").read_text() == "WORD = 'hello;'"
    assert steps["function"].values == {"size": 15}
    assert steps["notebook"].values == {"is_here": True}

    (project.root / "tools/beside.py").write_text("WORD = 'bye;'")
    fresh = {step.name: step.fresh for step in pipelines.foresee(file).steps}
    assert fresh["script"] is False, "it names the file, relative to where it runs"
    file.write_text(FOLDERS.replace("cwd: .", "cwd: tools"))
    why = {step.name: step.why for step in pipelines.foresee(file).steps}
    assert why["notebook"] == "cwd . → tools"


def test_what_a_script_or_function_depends_on_runs_it_again(project: Project, file: Path) -> None:
    pipelines.run(file)

    def told() -> dict[str, tuple[bool | None, str]]:
        return {step.name: (step.fresh, step.why) for step in pipelines.foresee(file).steps}

    assert {fresh for fresh, _ in told().values()} == {True}
    (project.root / "tools/beside.py").write_text("WORD = 'hello;'  # a comment\n")
    assert told()["write"][0]
    (project.root / "tools/beside.py").write_text("WORD = 'bye;'")
    assert told()["write"] == (False, "module tools/beside.py changed")
    assert told()["count"] == (None, "it needs write, which runs before")
    run = by_name(pipelines.run(file))
    assert run["count"].why == "input out/0.txt changed; input out/1.txt changed"
    datasets.save(pa.table({"a": [2]}), "flights")
    assert told()["read"] == (False, "input dataset:flights: flights@1 → flights@2")


def test_files_come_from_the_store_wherever_they_were_made(project: Project, file: Path) -> None:
    pipelines.run(file)
    for path in ("out/0.txt", "out/1.txt", "all.txt"):
        (project.root / path).write_text("somebody's own")
    (project.root / "out/stale.txt").write_text("not of this run")
    run = pipelines.run(file)
    assert by_name(run)["read"].values["text"] == "a b 0 hello;a b 1 hello;"
    assert all(step.cached_from for step in run.steps)
    assert (project.root / "all.txt").read_text() == "a b 0 hello;a b 1 hello;"


def test_an_output_that_is_not_made_is_a_failure(project: Project) -> None:
    write_notebook(project.root / "a.ipynb", "1")
    file = project.root / "pipeline.yaml"
    file.write_text("name: a\nsteps: {s: {notebook: a.ipynb, outputs: [made.csv]}}")
    [step] = pipelines.run(file).steps
    assert step.status == "FAILED"
    assert step.error.startswith("Step 's' has not made 'made.csv', which it declares as an output")
    file.write_text("name: a\nsteps: {s: {notebook: a.ipynb, inputs: [raw.csv]}}")
    [step] = pipelines.run(file).steps
    assert step.error.startswith("Step 's' reads 'raw.csv', which is not there.")


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("from pathlib import Path\nPath('raw.csv').write_text('b')", "raw.csv"),
        (
            "import mlnb, pyarrow as pa\nmlnb.datasets.save(pa.table({'a': [7]}), 'flights')",
            "dataset:flights",
        ),
    ],
)
def test_a_step_that_changes_its_own_input_fails(project: Project, code: str, reads: str) -> None:
    (project.root / "raw.csv").write_text("a")
    datasets.save(pa.table({"a": [1]}), "flights")
    write_notebook(project.root / "a.ipynb", code)
    file = project.root / "pipeline.yaml"
    file.write_text(f"name: a\nsteps: {{s: {{notebook: a.ipynb, inputs: ['{reads}']}}}}")
    [step] = pipelines.run(file).steps
    assert step.status == "FAILED"
    assert "changed its own input" in step.error


def test_a_result_counts_only_while_what_it_made_is_there(project: Project) -> None:
    write_notebook(
        project.root / "a.ipynb",
        "import mlnb, pyarrow as pa\nmlnb.datasets.save(pa.table({'a': [1]}), 'made')",
    )
    file = project.root / "pipeline.yaml"
    file.write_text("name: a\nsteps: {s: {notebook: a.ipynb}}")
    pipelines.run(file)
    assert pipelines.run(file).steps[0].cached_from
    datasets.remove("made@1")
    [step] = pipelines.run(file).steps
    assert not step.cached_from
    assert step.why == "the dataset made@1 that it made is not there any more"


def test_what_a_step_reads_without_saying_so_counts(project: Project) -> None:
    (project.root / "raw.json").write_text(json.dumps([1, 2]))
    datasets.save(pa.table({"a": [1]}), "flights")
    write_notebook(
        project.root / "a.ipynb",
        "import json\nnumbers = json.load(open('raw.json'))",
        "import mlnb\nframe = mlnb.datasets.load('flights')",
    )
    file = project.root / "pipeline.yaml"
    file.write_text("name: a\nsteps: {s: {notebook: a.ipynb}}")
    pipelines.run(file)
    assert pipelines.run(file).steps[0].cached_from
    (project.root / "raw.json").write_text(json.dumps([1, 2, 3]))
    assert pipelines.run(file).steps[0].why == "raw.json, which it reads, changed"
    datasets.save(pa.table({"a": [2]}), "flights")
    assert pipelines.run(file).steps[0].why == "dataset flights has another version now than 1"
    assert pipelines.run(file).steps[0].cached_from


def test_inputs_are_empty_outside_a_pipeline() -> None:
    assert dict(mlnb.inputs) == {}
    with pytest.raises(KeyError, match="this step is given no 'a'"):
        mlnb.inputs["a"]


def test_a_step_sees_its_own_secrets_only(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MLNB_SECRET_MINE", "MLNB_SECRET_YOURS"):
        monkeypatch.setenv(name, "unset")
        monkeypatch.delenv(name)
    (project.root / "team.env").write_text(
        "# of the team\nexport MINE='sesame-441'\nYOURS=sesame-442 # other\n"
    )
    write_notebook(
        project.root / "a.ipynb",
        "import os, mlnb\nprint(os.environ['MINE'])",
        "mlnb.glue('long', len(os.environ['MINE']))",
        "mlnb.glue('others', [n for n in os.environ if 'YOURS' in n])",
    )
    write_notebook(project.root / "b.ipynb", "import os\nassert len(os.environ['YOURS']) == 10")
    file = project.root / "pipeline.yaml"
    file.write_text(
        "name: a\nsteps: {a: {notebook: a.ipynb, secrets: MINE}, b: {notebook: b.ipynb,"
        " secrets: YOURS}}"
    )
    steps = by_name(pipelines.run(file))
    assert steps["a"].error.startswith("Step 'a' needs the secret 'MINE'")
    assert secret_files.load(project.root / "team.env") == ["MINE", "YOURS"]
    run = pipelines.run(file)
    assert run.status == "FINISHED", [step.error for step in run.steps]
    assert by_name(run)["a"].values == {"long": len("sesame-441"), "others": []}
    kept = [path for path in project.state.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"sesame-44" in path.read_bytes()]
    (project.root / "team.env").write_text("MINE")
    with pytest.raises(BadInput, match=r"team.env, line 1: it is no NAME=value"):
        secret_files.load(project.root / "team.env")
