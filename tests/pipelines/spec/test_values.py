from typing import Any

import pytest

from mlnb.core.errors import InvalidParameter, UnknownParameter
from mlnb.execution.parameters.binding import Text
from mlnb.pipelines.spec import Pipeline, parse
from mlnb.pipelines.spec.values import values_of


@pytest.fixture
def pipeline() -> Pipeline:
    return parse(
        """
name: a
params:
  year: 2013
  label: all
  months: [1, 2]
  any: null
  floor: {type: float, min: 0, max: 1, default: 0.6}
  family: {choices: [logistic, boosting], default: logistic}
  since: {type: date, default: 2013-05-01}
  name: {type: str, max: 3, default: abc}
  token: {secret: true}
steps: {s: {notebook: a.ipynb}}
""",
        "p.yaml",
    )


def test_defaults_and_the_reference_of_a_secret(pipeline: Pipeline) -> None:
    assert values_of(pipeline, {}) == {
        "year": 2013,
        "label": "all",
        "months": [1, 2],
        "any": None,
        "floor": 0.6,
        "family": "logistic",
        "since": "2013-05-01",
        "name": "abc",
        "token": "env:MLNB_SECRET_TOKEN",
    }


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("year", Text("2014"), 2014),
        ("label", Text("2014"), "2014"),
        ("label", "2014", "2014"),
        ("months", Text("[3, 4]"), [3, 4]),
        ("any", Text("3"), 3),
        ("any", [1], [1]),
        ("floor", Text("1"), 1.0),
        ("floor", 1, 1),
        ("since", Text("2013-08-01"), "2013-08-01"),
        ("since", "2013-08-01", "2013-08-01"),
        ("token", "env:OTHER", "env:OTHER"),
        ("token", Text("env:OTHER"), "env:OTHER"),
        ("year", None, None),
    ],
)
def test_what_is_given_is_brought_to_its_type(
    pipeline: Pipeline, name: str, given: Any, value: Any
) -> None:
    found = values_of(pipeline, {name: given})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("year", Text("soon"), "parameter year = 'soon': it must be of type int, as 2013"),
        ("year", "2014", "it must be of type int, as 2013"),
        ("year", 1.5, "it must be of type int, as 2013"),
        ("floor", 1.5, "floor = 1.5: it must be at most 1"),
        ("floor", Text("-1"), "floor = -1.0: it must be at least 0"),
        ("floor", float("nan"), "it must be at least 0"),
        ("floor", None, "Input should be a valid number"),
        ("family", "forest", "it must be one of 'logistic', 'boosting'"),
        ("since", "yesterday", "Input should be a valid date"),
        ("name", "abcd", "its length must be at most 3"),
        ("token", "hunter2", "a secret is not given as it is"),
    ],
)
def test_what_does_not_fit_is_said(pipeline: Pipeline, name: str, given: Any, message: str) -> None:
    with pytest.raises(InvalidParameter) as caught:
        values_of(pipeline, {name: given})
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_what_has_no_default_must_be_given() -> None:
    pipeline = parse(
        "name: a\nparams: {n: {type: int, help: how many}}\nsteps: {s: {notebook: a.ipynb}}", "p"
    )
    with pytest.raises(InvalidParameter, match=r"n must be given.*-p n VALUE \(how many\)"):
        values_of(pipeline, {})
    assert values_of(pipeline, {"n": 3}) == {"n": 3}


def test_an_unknown_parameter_comes_with_a_suggestion(pipeline: Pipeline) -> None:
    with pytest.raises(UnknownParameter, match="Did you mean 'floor'"):
        values_of(pipeline, {"flor": 1})
