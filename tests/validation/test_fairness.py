"""The fairness check, against differences computed by hand."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlnb.core.errors import UnsupportedData
from mlnb.validation import Suite, fairness
from mlnb.validation.metrics import Scored


def suite(metric: str, limit: float, rows: int = 1) -> Suite:
    rule = {"slice": "group", "metric": metric, "max_difference": limit, "min_rows": rows}
    return Suite.read({"name": "gate", "label": "y", "resamples": 200, "fairness": rule})


def judge(chosen: Suite, scored: Scored, groups: list[Any]) -> Any:
    assert chosen.fairness is not None
    return fairness.check(chosen, chosen.fairness, scored, pd.Series(groups, name="group"))


# group a: positives 4, found 3; selected 4 of 8. group b: positives 4, found 1; selected 1 of 6.
GROUPS = ["a"] * 8 + ["b"] * 6
TRUTH = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0], dtype=float)
PREDICTED = np.array([1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0], dtype=float)
SCORED = Scored(TRUTH, PREDICTED, PREDICTED * 0.8 + 0.1, probability=True)


@pytest.mark.parametrize(
    ("metric", "difference"),
    [
        ("true_positive_rate", 3 / 4 - 1 / 4),
        ("recall", 3 / 4 - 1 / 4),
        ("selection_rate", 4 / 8 - 1 / 6),
        ("false_positive_rate", 1 / 4 - 0),
        ("accuracy", 6 / 8 - 3 / 6),
        # pairs in the right order, ties half: a has 9 and 6 ties of 16, b has 2 and 6 ties of 8
        ("roc_auc", (9 + 3) / 16 - (2 + 3) / 8),
    ],
)
def test_the_difference_by_hand(metric: str, difference: float) -> None:
    check = judge(suite(metric, 0.2), SCORED, GROUPS)
    assert check.value == pytest.approx(difference)
    assert check.passed == (difference <= 0.2)
    assert not check.skipped
    assert check.low <= check.high


def test_the_limit_itself_passes() -> None:
    assert judge(suite("true_positive_rate", 0.5), SCORED, GROUPS).passed
    assert not judge(suite("true_positive_rate", 0.49), SCORED, GROUPS).passed


def test_small_groups_are_left_out_and_named() -> None:
    check = judge(suite("selection_rate", 0.4, rows=7), SCORED, GROUPS)
    assert check.skipped
    assert "fewer than two groups" in check.detail
    assert "fewer than 7 rows: b" in check.detail


def test_missing_groups_are_a_group() -> None:
    check = judge(suite("selection_rate", 1.0), SCORED, ["a"] * 8 + [None] * 6)
    assert check.value == pytest.approx(4 / 8 - 1 / 6)
    assert "(missing)" in check.detail


def test_a_ranking_in_a_group_of_one_class_is_refused() -> None:
    one = Scored(np.array([1.0, 0.0, 1.0, 1.0]), np.ones(4), np.arange(4) / 4, True)
    with pytest.raises(UnsupportedData, match="group = b"):
        judge(suite("roc_auc", 0.1), one, ["a", "a", "b", "b"])


def test_the_interval_of_equal_groups_is_narrow_and_holds_the_gap() -> None:
    random = np.random.default_rng(0)
    predicted = (random.random(20_000) < 0.5).astype(float)
    scored = Scored(predicted, predicted)
    check = judge(suite("selection_rate", 0.05), scored, ["a", "b"] * 10_000)
    assert check.passed
    assert check.high < 0.05
