"""Moments of pieces merge to the moments of all."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.datasets.moments import Moments, moments

NUMBERS = st.floats(-1e9, 1e9) | st.sampled_from([math.nan, math.inf, -math.inf])


@given(st.lists(NUMBERS), st.integers(0, 20))
def test_pieces_merge_to_the_whole(numbers: list[float], cut: int) -> None:
    found = Moments()
    for piece in (numbers[:cut], numbers[cut:]):
        found.merge(moments(np.array(piece, float)))
    check(found, numbers)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_have_exact_extremes(numbers: list[int]) -> None:
    check(moments(np.array(numbers, np.int64)), numbers)


def check(found: Moments, numbers: list[float] | list[int]) -> None:
    present = [one for one in numbers if not math.isnan(one)]
    finite = np.array([one for one in present if math.isfinite(one)], float)
    assert found.finite == len(finite)
    assert (found.low, found.high) == (min(present, default=None), max(present, default=None))
    if len(finite):
        scale = np.abs(finite).max() + 1
        assert found.mean == pytest.approx(finite.mean(), abs=1e-9 * scale)
        assert found.deviation == pytest.approx(finite.std(), abs=1e-6 * scale)
    if found.increasing:
        assert numbers == sorted(set(numbers))


def test_blocks_merge() -> None:
    numbers = np.random.default_rng(0).normal(1e9, 1, 100_000)
    found = moments(numbers)
    assert found.deviation == pytest.approx(numbers.std(), rel=1e-6)
    assert not found.increasing
    assert moments(np.arange(100_000)).increasing
    assert not moments(np.arange(100_000) % 60_000).increasing


def test_a_sum_beyond_what_floats_hold() -> None:
    found = moments(np.full(10, 1e308))
    assert found.mean == pytest.approx(1e308)
    assert found.deviation == pytest.approx(0, abs=1e300)
