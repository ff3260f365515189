import ast
import datetime
import json
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.core.errors import InvalidParameter, UnknownParameter
from mlnb.core.project import Project
from mlnb.execution import notebooks, parameters
from mlnb.execution.parameters.binding import Given, Text
from mlnb.execution.parameters.declared import Parameter, of_python
from mlnb.execution.parameters.secret import Secret
from mlnb.testing.notebooks import write_notebook

HIDDEN = "correct-horse-battery"


def bound(project: Project, cell: str, values: dict[str, Any], **variables: str) -> Given:
    source = write_notebook(project.root / "a.ipynb", parameters=cell)
    return parameters.bind(notebooks.read(source), values, environment=variables)


def executed(given: Given, cell: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    exec(cell, namespace)  # noqa: S102  (what the kernel would do)
    exec(given.source(), namespace)  # noqa: S102
    return namespace


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("int", "5", 5),
        ("float", "5", 5.0),
        ("float", "nan-free", None),
        ("str", "5", "5"),
        ("str", "True", "True"),
        ("str", "a: b", "a: b"),
        ("bool", "true", True),
        ("bool", "True", True),
        ("int | None", "None", None),
        ("date", "2024-02-29", datetime.date(2024, 2, 29)),
        ("datetime", "2024-02-29 12:30", datetime.datetime(2024, 2, 29, 12, 30)),
        ("timedelta", "PT90S", datetime.timedelta(seconds=90)),
        ("Path", "data/a b.csv", Path("data/a b.csv")),
        ("list[int]", "[1, 2]", [1, 2]),
        ("list[str]", "[a, b]", ["a", "b"]),
        ("dict[str, float]", "{a: 1.5}", {"a": 1.5}),
        ("tuple[int, str]", "[1, x]", (1, "x")),
        ("Literal['fast', 'slow']", "fast", "fast"),
        ("Literal[1, 2]", "2", 2),
        ("Decimal", "1.50", Decimal("1.50")),
        ("", "5", 5),
        ("", "text", "text"),
    ],
)
def test_typed_text_becomes_the_declared_type(
    project: Project, annotation: str, text: str, value: object
) -> None:
    cell = f"x: {annotation} = None" if annotation else "x = None"
    if text == "nan-free":
        with pytest.raises(InvalidParameter, match=r"x = 'nan-free': .*number.* \(x: float\)"):
            bound(project, cell, {"x": Text(text)})
        return
    found = bound(project, cell, {"x": Text(text)}).values["x"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("date", datetime.date(2024, 2, 29)),
        ("dt.datetime", datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=datetime.UTC)),
        ("Path | None", Path("data/ä.csv")),
        ("list", [datetime.date(2024, 1, 1), Decimal("0.1")]),
        ("tuple[int, ...]", (1,)),
        ("set[str]", {"a"}),
        ("timedelta", datetime.timedelta(days=-1, microseconds=5)),
        ("UUID", UUID(int=7)),
        ("dict[str, list[int]]", {"a\n\"b'": [1, -2]}),
        ("float", float("inf")),
    ],
)
def test_the_injected_cell_makes_the_value_that_was_given(
    project: Project, annotation: str, value: object
) -> None:
    cell = (
        "import datetime as dt\nfrom datetime import date, timedelta\n"
        f"from pathlib import Path\nfrom typing import Any\nUUID = Any\nx: {annotation} = None\n"
    )
    made = Given({"x": value}, declared={"x": of_python(cell)[-1]})
    if annotation == "UUID":
        made = Given({"x": value}, declared={"x": Parameter(name="x", default="")})
    assert executed(made, cell)["x"] == value


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    )
)
def test_any_json_value_survives_the_injected_cell(value: Any) -> None:
    made = Given({"x": value}, declared={"x": Parameter(name="x", default="")})
    assert executed(made, "")["x"] == value


def test_a_notebook_of_imports_keeps_its_names(project: Project) -> None:
    cell = "import datetime\nday: datetime.date = None\nanything = None\n"
    made = bound(project, cell, {"day": "2024-01-02", "anything": datetime.date(2024, 1, 3)})
    assert 'day = datetime.date.fromisoformat("2024-01-02")' in made.source()
    namespace = executed(made, cell)
    assert namespace["datetime"] is datetime
    assert namespace["anything"] == datetime.date(2024, 1, 3)


def test_comments_above_and_type_comments_are_read() -> None:
    cell = (
        "# Parameters\na = 1\n\n# how many rows\n# to read\nrows = 5\n"
        "rate = 0.1  # type: float how fast\nname = 'x'  # type: str\n"
        "late: int = 2  # wins\n"
    )
    found = {item.name: (item.annotation, item.help) for item in of_python(cell)}
    assert found == {
        "a": ("", ""),
        "rows": ("", "how many rows to read"),
        "rate": ("float", "how fast"),
        "name": ("str", ""),
        "late": ("int", "wins"),
    }


def test_names_are_those_that_papermill_makes_out_of_its_own_examples(project: Project) -> None:
    from papermill.inspection import inspect_notebook

    folder = Path(str(files("papermill"))) / "tests" / "notebooks"
    compared = 0
    for example in sorted(folder.rglob("*.ipynb")):
        try:
            theirs = list(inspect_notebook(example))
        except Exception:  # noqa: S112  (examples that papermill itself cannot read)
            continue
        assert [item.name for item in parameters.describe(example).parameters] == theirs, example
        compared += bool(theirs)
    assert compared >= 5


def test_an_unknown_name_is_an_error_with_the_nearest(project: Project) -> None:
    with pytest.raises(UnknownParameter, match=r"Did you mean 'rate'\?"):
        bound(project, "rate: float = 0.1", {"rat": 1})


def test_the_schema_describes_types_defaults_and_help(project: Project) -> None:
    cell = (
        "year: int = 2013  # first\nmode: Literal['a', 'b'] = 'a'\nday: date | None = None\n"
        "token: Secret = 'dummy'\nfree = [1]\n"
    )
    source = write_notebook(project.root / "a.ipynb", parameters=cell)
    found = parameters.describe(source)
    schema = found.schema()
    assert schema["additionalProperties"] is False
    assert schema["properties"] == {
        "year": {"type": "integer", "description": "first", "default": 2013},
        "mode": {"enum": ["a", "b"], "type": "string", "default": "a"},
        "day": {"anyOf": [{"format": "date", "type": "string"}, {"type": "null"}], "default": None},
        "token": {"type": "string", "format": "password", "writeOnly": True},
        "free": {"default": [1]},
    }
    assert "dummy" not in json.dumps(found.to_dict())


# -- secrets -------------------------------------------------------------------------------------

CELL = 'from mlnb import Secret\ntoken: Secret = ""\nn: int = 1\n'


def test_a_secret_comes_from_its_own_variable_or_the_one_named(project: Project) -> None:
    assert bound(project, CELL, {}).secrets == {}
    for given_, variables in (
        ({}, {"MLNB_SECRET_TOKEN": HIDDEN}),
        ({"token": "env:CI_TOKEN"}, {"CI_TOKEN": HIDDEN}),
        ({"token": Text("env:CI_TOKEN")}, {"CI_TOKEN": HIDDEN, "MLNB_SECRET_TOKEN": "other"}),
    ):
        made = bound(project, CELL, given_, **variables)
        assert made.environment() == {"MLNB_SECRET_TOKEN": HIDDEN}
        assert HIDDEN not in made.source() + repr(made) + json.dumps(made.shown())
        ast.parse(made.source())


def test_the_injected_cell_reads_the_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = bound(project, CELL, {"n": 2}, MLNB_SECRET_TOKEN=HIDDEN)
    monkeypatch.setenv("MLNB_SECRET_TOKEN", HIDDEN)
    namespace = executed(made, CELL)
    assert (namespace["token"], namespace["n"]) == (HIDDEN, 2)
    assert HIDDEN not in repr(namespace["token"])
    assert f"{namespace['token']}" == HIDDEN
    assert isinstance(namespace["token"], Secret)


@pytest.mark.parametrize("value", [HIDDEN, Text(HIDDEN), 5, Secret(HIDDEN), f"env:{HIDDEN} x"])
def test_a_secret_in_the_clear_is_refused_and_not_repeated(project: Project, value: Any) -> None:
    with pytest.raises(InvalidParameter, match="MLNB_SECRET_TOKEN") as caught:
        bound(project, CELL, {"token": value})
    assert HIDDEN not in str(caught.value)
    with pytest.raises(InvalidParameter):
        parameters.check(project.root / "a.ipynb", {"token": value})


def test_a_variable_that_is_not_set_is_named(project: Project) -> None:
    with pytest.raises(InvalidParameter, match="no variable CI_TOKEN"):
        bound(project, CELL, {"token": "env:CI_TOKEN"})


def test_secrets_are_no_settings(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlnb.core import project as projects

    monkeypatch.setenv("MLNB_SECRET_TOKEN", HIDDEN)
    assert projects.current().root == project.root
    assert HIDDEN not in repr(list(projects._open))


def test_literal_is_found_in_the_type() -> None:
    from mlnb.execution.parameters import types

    assert types.of("Literal['a', -1]") == Literal["a", -1]
    assert types.is_secret("Secret | None")
    assert types.is_secret("mlnb.Secret")
    assert not types.is_secret("SecretSanta")
