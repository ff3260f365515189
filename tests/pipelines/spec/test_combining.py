import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.pipelines.spec.combining import combinations

FRUIT = {"fruit": ["apple", "pear"], "animal": ["cat", "dog"]}


def test_values_are_combined_in_the_order_in_which_they_are_listed() -> None:
    assert combinations({"x": [2, 1], "y": ["a", "b"]}) == [
        {"x": 2, "y": "a"},
        {"x": 2, "y": "b"},
        {"x": 1, "y": "a"},
        {"x": 1, "y": "b"},
    ]


def test_include_means_what_it_means_in_a_github_workflow() -> None:
    """The example of GitHub's documentation."""
    assert combinations(
        FRUIT,
        include=[
            {"color": "green"},
            {"color": "pink", "animal": "cat"},
            {"fruit": "apple", "shape": "circle"},
            {"fruit": "banana"},
            {"fruit": "banana", "animal": "cat"},
        ],
    ) == [
        {"fruit": "apple", "animal": "cat", "color": "pink", "shape": "circle"},
        {"fruit": "apple", "animal": "dog", "color": "green", "shape": "circle"},
        {"fruit": "pear", "animal": "cat", "color": "pink"},
        {"fruit": "pear", "animal": "dog", "color": "green"},
        {"fruit": "banana"},
        {"fruit": "banana", "animal": "cat"},
    ]


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        ([{"fruit": "apple"}], ["pear cat", "pear dog"]),
        ([{"fruit": "apple", "animal": "dog"}], ["apple cat", "pear cat", "pear dog"]),
        ([{"fruit": "apple"}, {"animal": "cat"}], ["pear dog"]),
        ([{"fruit": "kiwi"}], ["apple cat", "apple dog", "pear cat", "pear dog"]),
    ],
)
def test_part_of_a_combination_is_enough_to_exclude_it(
    exclude: list[dict[str, Any]], left: list[str]
) -> None:
    found = combinations(FRUIT, exclude=exclude)
    assert [f"{item['fruit']} {item['animal']}" for item in found] == left


def test_one_is_not_true() -> None:
    assert combinations({"x": [1, True]}, exclude=[{"x": True}]) == [{"x": 1}]


def test_a_matrix_may_be_nothing_but_what_it_includes() -> None:
    assert combinations({}, include=[{"x": 1}, {"x": 2, "y": 3}]) == [{"x": 1}, {"x": 2, "y": 3}]


AXES = st.dictionaries(
    st.sampled_from("abc"), st.lists(st.integers(0, 3), min_size=1, unique=True), max_size=3
)
PARTS = st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 3)), max_size=3)


@given(AXES, PARTS)
def test_what_is_left_is_all_that_nothing_excludes(
    axes: dict[str, list[int]], exclude: list[dict[str, int]]
) -> None:
    every = [dict(zip(axes, row, strict=True)) for row in itertools.product(*axes.values())]
    wanted = [
        item for item in every if item and not any(gone.items() <= item.items() for gone in exclude)
    ]
    assert combinations(axes, exclude=exclude) == wanted


@given(AXES, PARTS)
def test_including_never_changes_a_value_of_the_matrix(
    axes: dict[str, list[int]], include: list[dict[str, int]]
) -> None:
    plain = combinations(axes)
    made = combinations(axes, include)
    assert [{key: item[key] for key in axes} for item in made[: len(plain)]] == plain
    for more in include:
        assert any(more.items() <= item.items() for item in made) or any(
            set(other) & set(more) for other in include if other != more
        )
