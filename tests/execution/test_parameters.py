import json
from pathlib import Path

import pytest

from mlnb.core.errors import InvalidNotebook, InvalidParameter, UnknownParameter
from mlnb.core.project import Project
from mlnb.execution import parameters
from mlnb.execution.parameters import Parameter
from mlnb.testing.notebooks import write_notebook

CELL = """
# the years to train on
year: int = 2013  # first year
late = "a=b"
months: list[int] = [
    1,
    2,
]  # of that year
%matplotlib inline
a = b = None
limit: float | None = None
undeclared: str
print(year)
"""


@pytest.fixture
def notebook(project: Project) -> Path:
    return write_notebook(project.root / "a.ipynb", "# Title", parameters=CELL)


def test_every_assignment_is_a_parameter(notebook: Path) -> None:
    found = {item.name: item for item in parameters.read(notebook)}
    assert list(found) == ["year", "late", "months", "a", "b", "limit"]
    assert found["year"] == Parameter(
        name="year", default="2013", annotation="int", help="first year"
    )
    assert found["late"].default == '"a=b"'
    assert found["months"].help == "of that year"
    assert found["limit"].annotation == "float | None"


def test_a_notebook_without_the_cell_has_none(project: Project) -> None:
    plain = write_notebook(project.root / "a.ipynb", "x = 1")
    assert parameters.read(plain) == []
    with pytest.raises(UnknownParameter, match="no cell tagged 'parameters'"):
        parameters.check(plain, {"x": 2})


def test_values_that_fit_are_accepted(notebook: Path) -> None:
    parameters.check(notebook, {"year": 2014, "months": [3], "limit": 1, "late": 5, "a": {}})
    parameters.check(notebook, {"limit": None})


@pytest.mark.parametrize(
    ("annotation", "good", "bad"),
    [
        ("int", 1, "1"),
        ("int", 1, 1.5),
        ("int", 1, True),
        ("float", 1, "x"),
        ("bool", False, 0),
        ("str", "a", 1),
        ("list", [1, "a"], "a"),
        ("list[str]", ["a"], [1]),
        ("dict[str, float]", {"a": 1.0}, {"a": "b"}),
        ("Optional[int]", None, "x"),
        ("int | str", "x", 1.5),
        ("'int'", 1, "x"),
        ("Literal['a', 'b']", "a", "c"),
        ("Literal[1, 2] | None", 2, 3),
        ("date", "2024-02-29", "2023-02-29"),
        ("datetime.date", "2024-02-29", "yesterday"),
        ("datetime", "2024-02-29T12:00", "noon"),
        ("Path", "data/a.csv", 1),
        ("pathlib.Path | None", None, 1),
        ("tuple[int, str]", [1, "a"], ["a", 1]),
        ("tuple[int, ...]", [1, 2, 3], [1, "a"]),
        ("set[int]", [1, 2], [1.5]),
        ("Decimal", "1.50", "x"),
        ("list[date]", ["2024-01-01"], ["x"]),
        ("dict[str, list[int]]", {"a": [1]}, {"a": 1}),
    ],
)
def test_annotations_are_checked(
    project: Project, annotation: str, good: object, bad: object
) -> None:
    source = write_notebook(project.root / "a.ipynb", parameters=f"x: {annotation} = None")
    parameters.check(source, {"x": good})
    with pytest.raises(InvalidParameter) as caught:
        parameters.check(source, {"x": bad})
    assert caught.value.message.startswith("a.ipynb: parameter x = ")


@pytest.mark.parametrize(
    "annotation", ["np.ndarray", "Model | int", "Callable[[], int]", "Literal[Mode.A]"]
)
def test_annotations_of_types_that_are_not_known_are_not_checked(
    project: Project, annotation: str
) -> None:
    source = write_notebook(project.root / "a.ipynb", parameters=f"x: {annotation} = None")
    parameters.check(source, {"x": 1})


def test_an_unreadable_cell_is_named(project: Project) -> None:
    source = write_notebook(project.root / "a.ipynb", parameters="x = = 1")
    with pytest.raises(InvalidNotebook, match="parameters cell \\(cell 1\\) is no valid Python"):
        parameters.read(source)


def test_cells_of_other_languages_are_left_to_papermill(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlnb.execution import notebooks

    spec = tmp_path / "jupyter" / "kernels" / "scala"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps({"argv": ["scala"], "display_name": "Scala", "language": "scala"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    notebooks._language_of_kernel.cache_clear()
    source = write_notebook(project.root / "a.ipynb", parameters="val x = 1")
    body = json.loads(source.read_text(encoding="utf-8"))
    body["metadata"]["kernelspec"] = {"name": "scala", "language": "scala"}
    source.write_text(json.dumps(body), encoding="utf-8")
    assert parameters.read(source) == []  # papermill knows how to write Scala, not how to read it
