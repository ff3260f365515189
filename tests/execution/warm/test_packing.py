"""Messages are JSON, whoever writes or reads them."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mlnb.execution.warm import packing

TEXTS = some.text(some.characters(codec=None))
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False) | TEXTS,
    lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_it_is_json(value: object) -> None:
    text = packing.dumps(value)
    assert text == json.dumps(value, separators=(",", ":"))
    assert packing.loads(text) == value
    assert packing.loads(json.dumps(value)) == value


@pytest.mark.parametrize("text", ["", "hello", "{", '{"a":1}}', "[1", '"\\x"', " 1"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (as of json)
        packing.loads(text)


def test_what_json_does_not_have_is_refused() -> None:
    with pytest.raises(TypeError, match="set is nothing that JSON has"):
        packing.dumps({"a": {1}})


def test_the_client_imports_next_to_nothing() -> None:
    """What follows takes longer than all that the client does."""
    code = (
        "import sys\nbefore = set(sys.modules)\n"
        "from mlnb.execution.inprocess import program\n"
        "print(*(set(sys.modules) - before))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "mlnb.execution.warm.client" in said.stdout.split(), said.stderr
    slow = {"collections", "contextlib", "enum", "json", "re", "signal", "socket", "typing"}
    assert not slow & set(said.stdout.split())
