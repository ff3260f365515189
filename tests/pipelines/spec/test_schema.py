import json
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from mlnb.pipelines.spec import schema

from .strategies import bodies

CHECK = jsonschema.Draft202012Validator(schema.schema())


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.schema())
    assert json.loads(schema.text()) == schema.schema()


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(bodies())
def test_it_accepts_whatever_can_be_read(body: dict[str, Any]) -> None:
    CHECK.validate(body)


STEP = {"notebook": "a.ipynb"}


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"steps": {"s": STEP}}, []),
        ({"name": "a"}, []),
        ({"name": "a", "steps": {}}, ["steps"]),
        ({"name": "a", "stesp": {}, "steps": {"s": STEP}}, []),
        ({"name": "a", "steps": {"s": {**STEP, "script": "b.py"}}}, ["steps", "s"]),
        ({"name": "a", "steps": {"s": {}}}, ["steps", "s"]),
        ({"name": "a", "steps": {"s": {**STEP, "matrx": {}}}}, ["steps", "s"]),
        ({"name": "a", "steps": {"s": {**STEP, "timeout": "soon"}}}, ["steps", "s", "timeout"]),
        ({"name": "a", "steps": {"s": {**STEP, "retries": -1}}}, ["steps", "s", "retries"]),
        (
            {"name": "a", "steps": {"s": {**STEP, "matrix": {"x": []}}}},
            ["steps", "s", "matrix", "x"],
        ),
        (
            {"name": "a", "steps": {"s": {**STEP, "trigger_rule": "never"}}},
            ["steps", "s", "trigger_rule"],
        ),
    ],
)
def test_it_marks_the_place_of_what_cannot_be_read(body: dict[str, Any], place: list[str]) -> None:
    places = [list(error.absolute_path) for error in CHECK.iter_errors(body)]
    assert place in places


def test_every_key_is_explained() -> None:
    found = schema.schema()
    for name, model in {"Pipeline": found, **found["$defs"]}.items():
        for key, node in model.get("properties", {}).items():
            assert node.get("description"), f"{name}.{key}"
