"""Errors: one tree, clear sentences, honest codes."""

import copy
import errno
import inspect
import pickle
from typing import Any

import pytest

from mlnb.core import errors
from mlnb.core.errors import (
    EXIT_FAILED,
    EXIT_USAGE,
    BadInput,
    CellFailed,
    Failed,
    GateRefused,
    InvalidName,
    MlnbError,
    SignatureMismatch,
    UnknownName,
    of_disk,
    suggestion,
)

TREE = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, MlnbError) and kind.__module__ == errors.__name__
]


def example(kind: type[MlnbError]) -> MlnbError:
    """Make an error of a kind, with a word for every fact it takes."""
    facts: dict[str, Any] = {}
    for name, parameter in inspect.signature(kind).parameters.items():
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            facts[name] = f"the {name}"
            if parameter.annotation in (int, float, int | None):
                facts[name] = 3
            elif "Iterable" in str(parameter.annotation):
                facts[name] = ["one", "two"]
    return kind(**facts)


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_is_drawn_at_the_top_of_the_file(kind: type[MlnbError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_says_something_and_has_its_codes(kind: type[MlnbError]) -> None:
    error = example(kind)
    assert error.message.strip()
    assert str(error).startswith(error.message)
    assert error.to_dict()["error"] == kind.__name__
    assert error.exit_code in (1, 2, 4)
    assert 400 <= error.http_status < 600


@pytest.mark.parametrize("kind", TREE, ids=lambda kind: kind.__name__)
def test_every_error_survives_the_way_from_a_worker_process(kind: type[MlnbError]) -> None:
    error = example(kind)
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301  (its own)
        assert type(copied) is kind
        assert str(copied) == str(error)
        assert vars(copied) == vars(error)


def test_bad_input_and_failures_have_the_exit_codes_of_pytest() -> None:
    assert all(kind.exit_code == EXIT_USAGE for kind in TREE if issubclass(kind, BadInput))
    assert all(kind.exit_code == EXIT_FAILED for kind in TREE if issubclass(kind, Failed))


def test_a_suggestion_names_the_nearest_else_what_there_is() -> None:
    assert suggestion("fligths", ["flights", "planes"]) == "Did you mean 'flights'?"
    assert suggestion("xyz", ["b", "a"]) == "There is 'a', 'b'."
    assert suggestion("xyz", []) == ""
    many = [f"name{number:02}" for number in range(20)]
    assert suggestion("xyz", many, listed=2) == "There is 'name00', 'name01' and 18 more."


def test_an_unknown_name_joins_suggestion_and_fix() -> None:
    error = UnknownName("dataset", "fligths", ["flights"], fix="Or save it.")
    assert str(error) == "There is no dataset 'fligths'. Did you mean 'flights'? Or save it."
    assert (error.kind, error.name) == ("dataset", "fligths")


def test_facts_are_kept_for_programs() -> None:
    assert CellFailed("a.ipynb", 3, "ValueError", "no").cell == 3
    assert GateRefused("m@1", iter(["low", "unfair"])).reasons == ["low", "unfair"]
    assert SignatureMismatch("age", "is missing", 2).to_dict() == {
        "error": "SignatureMismatch",
        "message": "Field 'age' (row 2): is missing.",
        "fix": "",
        "field": "age",
        "row": 2,
    }


def test_what_the_disk_refuses_is_told_from_a_bug() -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "/data/a.parquet")
    refused = of_disk(full)
    assert refused is not None
    assert refused.message == "The disk refuses for /data/a.parquet: No space left on device."
    assert refused.exit_code == 1
    assert of_disk(OSError("without a number")) is None
    assert of_disk(FileNotFoundError(errno.ENOENT, "No such file", "a")) is None
    assert of_disk(ValueError("a bug")) is None


def test_the_article_fits_what_is_named() -> None:
    assert InvalidName("endpoint", "a b").message == "'a b' cannot name an endpoint."
    assert InvalidName("model", "a b").message == "'a b' cannot name a model."
