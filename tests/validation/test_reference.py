"""Bins and the population stability index, against values computed by hand."""

from math import log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.validation.reference import (
    FLOOR,
    CategoricalReference,
    NumericReference,
    numbers,
    prepare,
    psi,
)


def test_psi_by_hand() -> None:
    expected, actual = np.array([50.0, 30.0, 20.0]), np.array([20.0, 30.0, 50.0])
    # (0.2 − 0.5)·ln(0.2/0.5) + 0 + (0.5 − 0.2)·ln(0.5/0.2)
    assert psi(expected, actual) == pytest.approx(0.6 * log(2.5))
    assert psi(expected, expected * 7) == 0


def test_an_empty_bin_counts_as_the_floor() -> None:
    found = psi(np.array([90.0, 10.0]), np.array([100.0, 0.0]))
    assert found == pytest.approx((1 - 0.9) * log(1 / 0.9) + (FLOOR - 0.1) * log(FLOOR / 0.1))


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=12).filter(any), st.data())
def test_psi_is_symmetric_and_never_negative(counts: list[int], data: st.DataObject) -> None:
    others = data.draw(
        st.lists(st.integers(0, 1000), min_size=len(counts), max_size=len(counts)).filter(any)
    )
    first, second = np.array(counts, dtype=float), np.array(others, dtype=float)
    assert psi(first, second) >= 0
    assert psi(first, second) == pytest.approx(psi(second, first))


def test_numbers_fall_into_the_references_deciles() -> None:
    reference = prepare(pd.Series(np.arange(1.0, 101.0)))
    assert isinstance(reference, NumericReference)
    assert list(reference.edges) == [10, 20, 30, 40, 50, 60, 70, 80, 90]
    assert list(reference.counts) == [10.0] * 10 + [0.0]
    # everything in the lowest decile: one bin of share 1, nine of the floor
    served = pd.Series(np.full(40, 3.0))
    expected = 0.9 * log(10) + 9 * (FLOOR - 0.1) * log(FLOOR / 0.1)
    assert reference.compare(served).psi == pytest.approx(expected)


def test_few_values_are_a_bin_each() -> None:
    reference = prepare(pd.Series([0] * 97 + [1] * 3))
    assert isinstance(reference, NumericReference)
    assert list(reference.counts) == [97.0, 3.0, 0.0]
    served = pd.Series([0, 1] * 50)
    expected = (0.5 - 0.97) * log(0.5 / 0.97) + (0.5 - 0.03) * log(0.5 / 0.03)
    assert reference.compare(served).psi == pytest.approx(expected)


@pytest.mark.parametrize("spread", [np.linspace(-1, -0.01, 20), np.linspace(1.01, 2, 20)])
def test_a_mass_at_either_end_is_a_bin_of_its_own(spread: np.ndarray) -> None:
    mass = np.full(400, 0.0 if spread[0] < 0 else 1.0)
    reference = prepare(pd.Series(np.concatenate([mass, spread])))
    assert isinstance(reference, NumericReference)
    assert 400.0 in reference.counts
    assert reference.compare(pd.Series(spread)).psi > 1


def test_missing_is_a_bin() -> None:
    reference = prepare(pd.Series([1.0, 2.0, 3.0, None]))
    assert isinstance(reference, NumericReference)
    assert list(reference.counts) == [1.0, 1.0, 1.0, 1.0]
    gone = reference.compare(pd.Series([None, None, None], dtype=float))
    assert gone.psi > 3
    assert gone.statistic == pytest.approx(0.75)


def test_rare_and_new_categories_are_taken_together() -> None:
    reference = prepare(pd.Series(["a"] * 600 + ["b"] * 395 + ["c"] * 5))
    assert isinstance(reference, CategoricalReference)
    assert reference.common == ["a", "b"]
    assert list(reference.counts) == [600.0, 395.0, 5.0, 0.0]
    served = pd.Series(["a"] * 60 + ["new"] * 30 + [None] * 10)
    expected = [(0.6, 0.6), (FLOOR, 0.395), (0.3, 0.005), (0.1, FLOOR)]
    assert reference.compare(served).psi == pytest.approx(
        sum((a - e) * log(a / e) for a, e in expected)
    )


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pd.Series([1, 2, 3]), "numeric"),
        (pd.Series([1, None], dtype="Int64"), "numeric"),
        (pd.Series(pd.to_datetime(["2013-01-01", "2013-02-01"])), "numeric"),
        (pd.Series([True, False]), "categorical"),
        (pd.Series(["a", None]), "categorical"),
        (pd.Series(["a", "b"], dtype="category"), "categorical"),
        (pd.Series([None, None], dtype=object), "categorical"),
    ],
)
def test_the_kind_follows_from_the_type(values: "pd.Series[object]", kind: str) -> None:
    reference = prepare(values)
    assert reference.kind == kind
    same = reference.compare(values)
    assert same.psi == 0
    assert same.p_value == pytest.approx(1)


def test_times_are_seconds_in_any_unit() -> None:
    text = pd.Series(["2013-01-01", None])
    for unit in ("s", "ns"):
        naive = pd.to_datetime(text).astype(f"datetime64[{unit}]")
        assert numbers(naive)[0] == 1356998400.0
        assert np.isnan(numbers(naive.dt.tz_localize("UTC"))[1])
