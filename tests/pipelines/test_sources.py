from pathlib import Path

import pytest

from mlnb.core.errors import InvalidPipeline, MlnbError, UnknownName
from mlnb.core.project import Project
from mlnb.pipelines import sources
from mlnb.pipelines.sources import Source
from mlnb.pipelines.spec import Step


@pytest.fixture
def folder(project: Project) -> Path:
    """Make a folder with a script and modules in the three places where they are looked for."""
    folder = project.root / "flow"
    for path, text in {
        "flow/train.py": "import sys\nprint(sys.argv)",
        "flow/broken.py": "def f(:",
        "flow/tools.py": "def score(x: int, *, label: str = 'a', **rest): ...",
        "lab/__init__.py": "raise RuntimeError('imported')",
        "lab/steps.py": (
            "from functools import partial\n"
            "from os.path import *\n"
            "def clean(rows: list[int], floor: float = 0.5): ...\n"
            "def only(x, /): ...\n"
        ),
        "lab/named.py": "from lab.steps import clean as tidy\nalias = tidy\ndef clean(): ...",
        "src/models/fit.py": "def fit(): ...",
    }.items():
        (project.root / path).parent.mkdir(parents=True, exist_ok=True)
        (project.root / path).write_text(text)
    return folder


def look(project: Project, folder: Path, **step: str) -> Source:
    return sources.look(project, folder, Step.model_validate(step))


def test_a_function_is_read_and_its_package_is_not_imported(project: Project, folder: Path) -> None:
    source = look(project, folder, function="lab.steps:clean")
    assert source.path == project.root / "lab" / "steps.py"
    assert source.declared is not None
    assert [(item.name, item.annotation, item.default) for item in source.declared] == [
        ("rows", "list[int]", ""),
        ("floor", "float", "0.5"),
    ]
    assert source.required == ("rows",)
    assert source.shown == "lab.steps:clean"


@pytest.mark.parametrize(
    ("function", "place"),
    [
        ("tools:score", "flow/tools.py"),
        ("lab.named:clean", "lab/named.py"),
        ("models.fit:fit", "src/models/fit.py"),
    ],
)
def test_modules_are_looked_for_beside_the_file_in_the_project_and_in_src(
    project: Project, folder: Path, function: str, place: str
) -> None:
    assert look(project, folder, function=function).path == project.root / place


@pytest.mark.parametrize(
    "function", ["tools:score", "lab.named:tidy", "lab.named:alias", "lab.steps:join", "json:dumps"]
)
def test_what_takes_anything_or_is_made_otherwise_is_not_checked(
    project: Project, folder: Path, function: str
) -> None:
    assert look(project, folder, function=function).declared is None


@pytest.mark.parametrize("function", ["math:sqrt", "builtins:dict"])
def test_a_module_without_source_is_not_checked(
    project: Project, folder: Path, function: str
) -> None:
    assert look(project, folder, function=function).path is None


def test_a_script_takes_anything(project: Project, folder: Path) -> None:
    source = look(project, folder, script="train.py")
    assert (source.shown, source.declared, source.cells) == ("flow/train.py", None, 1)


@pytest.mark.parametrize(
    ("step", "error", "message"),
    [
        ({"script": "trian.py"}, UnknownName, "Did you mean 'flow/train.py'?"),
        (
            {"script": "train.py", "cwd": "nowhere"},
            InvalidPipeline,
            "cwd flow/nowhere is no folder",
        ),
        ({"script": "train.py", "cwd": "../.."}, InvalidPipeline, "is outside the project"),
        ({"script": "broken.py"}, InvalidPipeline, "flow/broken.py cannot be read as Python"),
        ({"function": "lab.step:clean"}, InvalidPipeline, "There is no module 'lab.step'"),
        ({"function": "lab.named:cleen"}, InvalidPipeline, "no function 'cleen'. Did you mean"),
        ({"function": "lab.steps:only"}, InvalidPipeline, "takes 'x' by position only"),
        ({"function": "broken:f"}, InvalidPipeline, "flow/broken.py cannot be read as Python"),
    ],
)
def test_what_cannot_run_is_said(
    project: Project, folder: Path, step: dict[str, str], error: type[MlnbError], message: str
) -> None:
    with pytest.raises(error) as caught:
        look(project, folder, **step)
    assert message in str(caught.value)
