"""The tests, against scipy's; the correction, against hand computation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency, ks_2samp

from mlnb.validation.reference import prepare
from mlnb.validation.significance import chi_squared, corrected, kolmogorov_smirnov

values = st.lists(st.integers(-5, 5).map(float), min_size=2, max_size=60)


@given(values, values)
def test_kolmogorov_smirnov_is_scipys(first: list[float], second: list[float]) -> None:
    expected = ks_2samp(first, second, method="asymp")
    found = kolmogorov_smirnov(np.sort(first), 0, np.sort(second), 0)
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)


@given(values, values, st.integers(0, 20), st.integers(0, 20))
def test_missing_values_lie_above_all_others(
    first: list[float], second: list[float], missing: int, served_missing: int
) -> None:
    expected = ks_2samp(first + [99.0] * missing, second + [99.0] * served_missing, method="asymp")
    reference = prepare(pd.Series(first + [None] * missing, dtype=float))
    found = reference.compare(pd.Series(second + [None] * served_missing, dtype=float))
    assert found.statistic == pytest.approx(expected.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_nothing_to_compare_is_no_evidence() -> None:
    assert kolmogorov_smirnov(np.empty(0), 0, np.ones(3), 0).p_value == 1
    assert kolmogorov_smirnov(np.zeros(1), 0, np.zeros(1), 0).p_value == 1
    assert chi_squared(np.zeros(3), np.array([1.0, 2.0, 3.0])).p_value == 1
    assert chi_squared(np.array([5.0, 0.0]), np.array([9.0, 0.0])).p_value == 1


def test_chi_squared_is_scipys() -> None:
    first, second = np.array([300.0, 200.0, 100.0]), np.array([40.0, 40.0, 20.0])
    expected = chi2_contingency([first, second], correction=False)
    found = chi_squared(first, second)
    assert found.statistic == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue)


def test_thin_categories_are_taken_together() -> None:
    first = np.array([500.0, 300.0, 20.0, 15.0])
    second = np.array([50.0, 30.0, 1.0, 2.0])
    expected = chi2_contingency([[500, 300, 35], [50, 30, 3]], correction=False)
    assert chi_squared(first, second).p_value == pytest.approx(expected.pvalue)


def test_the_correction_by_hand() -> None:
    # sorted 0.01, 0.02, 0.04, 0.5: times 4/rank gives 0.04, 0.04, 0.0533, 0.5
    assert corrected([0.5, 0.01, 0.04, 0.02]) == pytest.approx([0.5, 0.04, 0.16 / 3, 0.04])
    assert corrected([]) == []
