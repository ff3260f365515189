"""Names and references."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.core.errors import InvalidName, InvalidReference
from mlnb.core.names import check_name, split_reference

GOOD = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,97}[A-Za-z0-9_-])?", fullmatch=True)


@given(GOOD)
def test_good_names_are_given_back(name: str) -> None:
    assert check_name("dataset", name) == name
    assert split_reference("dataset", name) == (name, "latest")
    assert split_reference("dataset", f"{name}@{name}") == (name, name)


@given(st.text())
def test_whatever_is_accepted_is_safe_as_a_file_name(name: str) -> None:
    try:
        check_name("dataset", name)
    except InvalidName:
        return
    assert name.isascii()
    assert not set(name) & set('/\\@:*?"<>| \n\t\0')
    assert name not in (".", "..")
    assert 1 <= len(name) <= 100


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".a", "-a", "a.", "a b", "a/b", "a\n", "ü", "a" * 101, None, 3]
)
def test_bad_names_are_refused_with_the_rule(name: str) -> None:
    with pytest.raises(InvalidName, match=r"cannot name a pipeline.*letters, digits"):
        check_name("pipeline", name)


@pytest.mark.parametrize("reference", ["", "@", "@3", "a@", "a@b@c", "a@@b"])
def test_what_is_no_reference_is_refused_with_the_forms(reference: str) -> None:
    with pytest.raises(InvalidReference, match="name@version"):
        split_reference("dataset", reference)


def test_a_reference_with_a_bad_name_is_refused() -> None:
    with pytest.raises(InvalidName):
        split_reference("dataset", "../etc@3")
