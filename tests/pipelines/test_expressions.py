from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.core.errors import InvalidPipeline
from mlnb.pipelines import expressions
from mlnb.pipelines.expressions import Reference, Scope

STEPS = ["train", "train-model", "a.b", "validate"]
VALUES = {
    ("train", "score"): 0.9,
    ("train-model", "version"): "m@1",
    ("a.b", "list"): [1, 2],
    ("validate", "passed"): True,
}
SCOPE = Scope(
    {"x": 3, "text": "hello", "months": [1, 2], "table": {"a": {"b": 1}}},
    {"family": "logistic"},
    lambda step, value: VALUES[step, value],
)


def value_of(text: Any) -> Any:
    return expressions.evaluate(text, SCOPE, STEPS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ params.x }}", 3),
        (" ${{params.months}} ", [1, 2]),
        ("${{ steps.train.score }}", 0.9),
        ("${{ steps.train-model.version }}", "m@1"),
        ("${{ steps.a.b.list }}", [1, 2]),
        ("${{ matrix.family }}", "logistic"),
        ("model-${{ matrix.family }}-${{ params.x }}", "model-logistic-3"),
        ("is ${{ steps.validate.passed }}", "is true"),
        ("${{ params.table['a']['b'] }}", 1),
        ("${{ params.months[-1] }}", 2),
        ("${{ steps.train.score > 0.5 and not steps.validate.passed }}", False),
        ("${{ 0 < params.x <= 3 }}", True),
        ("${{ params.text == 'hello' or params.x == 9 }}", True),
        ("${{ 2 in params.months }}", True),
        ("${{ params.x not in [1, 2] }}", True),
        ("${{ true }}", True),
        ("${{ null }}", None),
        ("plain", "plain"),
        (5, 5),
        ({"a": ["${{ params.x }}", "b"]}, {"a": [3, "b"]}),
    ],
)
def test_values(text: Any, value: Any) -> None:
    assert value_of(text) == value


@settings(deadline=None)
@given(st.text().filter(lambda text: "${{" not in text))
def test_text_without_an_expression_stays_as_it_is(text: str) -> None:
    assert value_of(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "${{ }}",
        "${{ params }}",
        "${{ params.x + 1 }}",
        "${{ open('x') }}",
        "${{ params.x.__class__ }}",
        "${{ steps.train }}",
        "${{ steps }}",
        "${{ x }}",
        "${{ (lambda: 1)() }}",
        "${{ params.x if 1 else 2 }}",
        "${{ [i for i in params.months] }}",
        "${{ f'{params.x}' }}",
    ],
)
def test_anything_else_is_refused_when_it_is_checked(text: str) -> None:
    with pytest.raises(InvalidPipeline):
        expressions.references(text, STEPS)


@pytest.mark.parametrize("text", ["${{ params.text < 1 }}", "${{ params.months[7] }}"])
def test_what_cannot_be_computed_is_said(text: str) -> None:
    with pytest.raises(InvalidPipeline, match="cannot be computed"):
        value_of(text)


def test_references_are_found_however_deep() -> None:
    value = {"a": ["${{ params.x }} ${{ steps.train-model.version }}"], "b": "${{ not matrix.y }}"}
    assert expressions.references(value, STEPS) == [
        Reference("params", "x"),
        Reference("steps", "train-model", "version"),
        Reference("matrix", "y"),
    ]


def test_the_braces_around_a_condition_may_be_left_out() -> None:
    assert value_of(expressions.condition("steps.train.score > 0.5")) is True
    assert expressions.condition(False) is False


@pytest.mark.parametrize(
    "text", ["${{ params.x }} == 4", "${{ params.x }} and ${{ false }}", "a ${{ 1 }}"]
)
def test_a_condition_that_would_always_be_true_is_refused(text: str) -> None:
    with pytest.raises(InvalidPipeline, match="no single expression"):
        expressions.condition(text)


@pytest.mark.parametrize("text", ["params.x == 4", " ${{ params.x == 4 }} "])
def test_a_condition_may_leave_the_braces_out(text: str) -> None:
    assert value_of(expressions.condition(text)) is False
