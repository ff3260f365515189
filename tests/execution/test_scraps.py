from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.core.errors import UnsupportedData
from mlnb.core.project import Project
from mlnb.core.records import Column
from mlnb.execution import scraps
from mlnb.execution.executor import execute
from mlnb.testing.notebooks import write_notebook

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@settings(deadline=None)
@given(JSON)
def test_json_values_stay_as_they_are(value: Any) -> None:
    assert scraps.plain(value, "x") == value


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array([[1, 2]]), [[1, 2]]),
        (pd.Series([1.5, 2.0]), [1.5, 2.0]),
        (pd.Timestamp("2013-01-02"), "2013-01-02T00:00:00"),
        (date(2013, 1, 2), "2013-01-02"),
        (datetime(2013, 1, 2, tzinfo=UTC), "2013-01-02T00:00:00+00:00"),
        (Path("a/b"), "a/b"),
        ((1, {"a": {2}}), [1, {"a": [2]}]),
        (Column(name="a", type="int64"), {"format": 1, "name": "a", "type": "int64"}),
    ],
)
def test_values_of_the_field_become_json(value: Any, plain: Any) -> None:
    result = scraps.plain(value, "x")
    assert result == plain
    assert type(result) is type(plain)


@pytest.mark.parametrize("value", [float("nan"), np.float64("inf"), [1.0, float("-inf")], object()])
def test_what_json_has_not_is_refused(value: Any) -> None:
    with pytest.raises(UnsupportedData, match="'x' cannot be glued"):
        scraps.plain(value, "x")


def test_glued_values_are_read_back_and_the_last_one_counts(project: Project) -> None:
    source = write_notebook(
        project.root / "a.ipynb",
        "import mlnb\nmlnb.glue('score', 0.1)\nmlnb.glue('score', 0.2)",
        "mlnb.glue('table', {'a': [1, None]}, display=True)",
        "class Plot:\n    def _repr_html_(self): return '<b>plot</b>'\nmlnb.glue('plot', Plot())",
    )
    output = project.root / "out.ipynb"
    execute(source, output)
    assert scraps.read(output) == {"score": 0.2, "table": {"a": [1, None]}}
    assert "<b>plot</b>" in output.read_text(encoding="utf-8")


def test_the_format_is_that_of_scrapbook(project: Project) -> None:
    import json

    source = write_notebook(project.root / "a.ipynb", "import mlnb\nmlnb.glue('n', 3)")
    output = project.root / "out.ipynb"
    execute(source, output)
    [shown] = json.loads(output.read_text(encoding="utf-8"))["cells"][0]["outputs"]
    assert shown["data"] == {
        "application/scrapbook.scrap.json+json": {
            "name": "n",
            "data": 3,
            "encoder": "json",
            "version": 1,
        }
    }
    assert shown["metadata"]["scrapbook"] == {"name": "n", "data": True, "display": False}


def test_a_value_that_cannot_be_glued_fails_the_cell(project: Project) -> None:
    source = write_notebook(project.root / "a.ipynb", "import mlnb\nmlnb.glue('x', object())")
    with pytest.raises(Exception, match="UnsupportedData: 'x' cannot be glued: object has no"):
        execute(source, project.root / "out.ipynb")
