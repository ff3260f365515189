"""The form of a notebook's parameters, and the line that runs it."""

import json
import shlex
from pathlib import Path

import nbformat
import pytest

from mlnb.core.errors import BadInput, UnknownParameter
from mlnb.core.project import Project, using
from mlnb.ui.server import jobs
from mlnb.ui.server.jobs import lines
from mlnb.ui.server.routes import notebooks
from mlnb.ui.server.routes.notebooks import HeadlessRun, ParameterForm
from mlnb.ui.server.sources import Sources

CELL = """
alpha: float = 0.5  # How strong.
steps: int = 3
name = "x"
flag = False
kind: Literal["a", "b"] = "a"
level: Literal[1, 2] = 1
day: date = date(2013, 1, 2)
depth: int | None = None
columns: list[str] = ["a"]
token: Secret = "never shown"
"""


def write(path: Path, source: str = CELL) -> None:
    notebook = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell(source)
    cell.metadata["tags"] = ["parameters"]
    notebook.cells = [cell]
    nbformat.write(notebook, path)


@pytest.fixture
def source(project: Project):
    write(project.root / "train.ipynb")
    found = Sources(project.root).at("")
    with using(found.project):
        yield found


def form(source) -> ParameterForm:
    return notebooks.form(source, path="train.ipynb")


def test_each_type_has_its_field(source):
    kinds = {item.name: item.kind for item in form(source).fields}
    assert kinds == {
        "alpha": "number",
        "steps": "integer",
        "name": "text",
        "flag": "boolean",
        "kind": "choice",
        "level": "choice",
        "day": "date",
        "depth": "integer",
        "columns": "value",
        "token": "secret",
    }
    fields = {item.name: item for item in form(source).fields}
    assert (fields["alpha"].default, fields["alpha"].help) == ("0.5", "How strong.")
    assert fields["kind"].choices == ["a", "b"]
    assert (fields["level"].choices, fields["level"].default) == (["1", "2"], "1")
    assert (fields["depth"].optional, fields["depth"].default) == (True, "")
    assert fields["columns"].default == '["a"]'
    assert "never shown" not in json.dumps(form(source).to_dict())


def test_a_cell_that_is_no_python_is_a_problem_and_no_failure(source, project):
    write(project.root / "train.ipynb", "alpha = = 1")
    assert "no valid Python" in form(source).problem


def line(source, output="runs/out.ipynb", path="train.ipynb", **values):
    return notebooks.line(source, body=HeadlessRun(path=path, output=output, values=values))


def test_the_line_is_one_that_a_job_takes_and_gives_the_values_back(source, project):
    from mlnb.execution import parameters
    from mlnb.execution.parameters.binding import Text

    typed = {
        "alpha": "0.75",
        "name": "42",
        "kind": "b",
        "level": "2",
        "day": "2014-05-06",
        "depth": "None",
        "columns": '["x; y", "z"]',
        "flag": "True",
    }
    found = line(source, **typed)
    assert found.problems == {}
    words = lines.words(found.line)
    assert words[:4] == ["notebook", "run", "train.ipynb", "runs/out.ipynb"]
    given = {}
    for at, word in enumerate(words):
        if word in ("-p", "-r"):
            given[words[at + 1]] = words[at + 2] if word == "-r" else Text(words[at + 2])
    bound = parameters.bind(parameters.declared.notebooks.read(project.root / "train.ipynb"), given)
    assert bound.values["name"] == "42"
    assert bound.values["columns"] == ["x; y", "z"]
    assert bound.values["depth"] is None
    assert (bound.values["flag"], bound.values["level"]) == (True, 2)
    assert str(bound.values["day"]) == "2014-05-06"


def test_what_is_wrong_is_said_by_parameter(source):
    found = line(source, alpha="much", steps="3", kind="c", output="train.ipynb")
    assert set(found.problems) == {"alpha", "kind", "output"}
    assert "valid number" in found.problems["alpha"]
    with pytest.raises(UnknownParameter, match="alpha"):
        line(source, alhpa="1")


@pytest.mark.parametrize("path", ["../x.ipynb", "/etc/passwd", "mlnb.toml", "a/../../x.ipynb"])
def test_only_notebooks_of_the_file_browser_are_read(source, path):
    with pytest.raises(BadInput):
        notebooks.form(source, path=path)


def test_hostile_values_stay_one_word_each(source):
    value = "'; rm -rf / #\n--help"
    with pytest.raises(BadInput, match="one line"):
        lines.words(line(source, name=value).line)
    value = "'; $(rm -rf /) `x` --engine kernel"
    assert shlex.split(line(source, name=value).line).count(value) == 1


@pytest.mark.parametrize("name", ["PATH=x", "a b", "", "LD_PRELOAD\0"])
def test_a_secret_cannot_be_another_variable(project, name):
    with pytest.raises(BadInput):
        jobs.start(project, "%runs list", {name: "x"})
    assert not (project.root / ".mlnb" / "local" / "jobs").exists()
