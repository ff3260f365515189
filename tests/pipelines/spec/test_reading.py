from pathlib import Path

import pytest

from mlnb.core.errors import InvalidPipeline, UnknownName
from mlnb.pipelines import spec


def load(folder: Path, text: str) -> spec.Pipeline:
    file = folder / "pipeline.yaml"
    file.write_text(text, encoding="utf-8")
    return spec.load(file)


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    pipeline = load(
        tmp_path,
        """
        name: flights
        description: what it is for
        params: {year: 2013, since: 2013-05-01}
        steps:
          ingest: {notebook: a.ipynb}
          train:
            notebook: b.ipynb
            needs: ingest
            matrix: {family: [logistic, boosting]}
            params: {seed: 1}
            when: ${{ params.year > 2000 }}
            trigger_rule: none_failed
            timeout: 600
            retries: 1
            kernel: python3
        """,
    )
    train = pipeline.steps["train"]
    assert pipeline.defaults == {"year": 2013, "since": "2013-05-01"}  # a date stays text
    assert train.needs == ["ingest"]
    assert train.matrix.axes == {"family": ["logistic", "boosting"]}
    assert (train.timeout, train.retries.limit, train.trigger_rule) == (600, 1, "none_failed")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nsteps: [", "pipeline.yaml, line 2: "),
        ("name: a\nname: b\nsteps: {s: {notebook: a}}", "line 2: the key 'name' is given twice"),
        (
            "name: a\nsteps:\n  s: {notebook: a}\n  s: {notebook: b}",
            "line 4: the key 's' is given twice",
        ),
        ("- a", "holds no mapping of names"),
        ("", "'name' is missing"),
        ("name: a", "'steps' is missing"),
        ("name: a\nsteps: {}", "steps: Dictionary should have at least 1 item"),
        (
            "name: a\nstesp: {}\nsteps: {s: {notebook: a}}",
            "has 'stesp', which is no key of it. Did you mean 'steps'?",
        ),
        (
            "name: a\nsteps: {s: {notebok: a}}",
            "Step 's' has 'notebok', which is no key of it. Did you mean 'notebook'?",
        ),
        (
            "name: a\nsteps: {s: {notebook: a, matrx: {}}}",
            "Step 's' has 'matrx', which is no key of it. Did you mean 'matrix'?",
        ),
        ("name: a\nsteps: {s: {notebook: a, timeout: -1}}", "steps.s.timeout: Input should be"),
        ("name: a\nsteps: {s: {notebook: a, matrix: {x: []}}}", "steps.s.matrix.x: List should"),
        ("name: a b\nsteps: {s: {notebook: a}}", "'a b' cannot name a pipeline"),
        ("name: a\nsteps: {a/b: {notebook: a}}", "'a/b' cannot name a step"),
        ("name: a\nparams: {a-b: 1}\nsteps: {s: {notebook: a}}", "'a-b' cannot name a parameter"),
        (
            "name: a\nsteps: {ingest: {notebook: a}, s: {notebook: a, needs: [ingst]}}",
            "step 's' needs 'ingst', which is no step. Did you mean 'ingest'?",
        ),
        (
            "name: a\nsteps: {s: {notebook: a, matrix: {x: [1]}, params: {x: 1}}}",
            "has 'x' in its matrix and in its params",
        ),
    ],
)
def test_whatever_is_wrong_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidPipeline) as caught:
        load(tmp_path, text)
    assert message in str(caught.value)
    assert caught.value.exit_code == 4


def test_a_notebook_is_told_from_a_pipeline(tmp_path: Path) -> None:
    notebook = tmp_path / "train.ipynb"
    notebook.write_text("{}", encoding="utf-8")
    with pytest.raises(InvalidPipeline, match=r"train\.ipynb is a notebook, not a pipeline"):
        spec.load(notebook)


def test_a_folder_means_its_pipeline_file(tmp_path: Path) -> None:
    file = tmp_path / "pipeline.yml"
    file.write_text("name: a", encoding="utf-8")
    assert spec.find(tmp_path) == file
    with pytest.raises(UnknownName, match=r"Did you mean '.*pipeline\.yml'"):
        spec.find(tmp_path / "pipelin.yml")
