"""Drift of features and periods: a planted drift is found, and only that one; few false alarms."""

import numpy as np
import pandas as pd
import pytest

from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.records import FeatureDrift
from mlnb.monitoring.drift import Rules, compare, drifted, in_words
from mlnb.validation.reference import prepare

RULES = Rules()


def frame(rows: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "temp": random.normal(15, 8, rows),
            "wind": random.gamma(2, 4, rows),
            "rain": np.where(random.random(rows) < 0.9, 0.0, random.exponential(0.1, rows)),
            "hour": random.integers(5, 24, rows),
            "age": np.where(random.random(rows) < 0.2, np.nan, random.integers(0, 30, rows)),
            "carrier": random.choice(list("ABCDE"), rows, p=[0.4, 0.3, 0.2, 0.09, 0.01]),
            "dest": random.choice([f"D{number}" for number in range(80)], rows),
            "night": random.random(rows) < 0.1,
        }
    )


REFERENCES = {name: prepare(frame(20_000, 0)[name]) for name in frame(1, 0)}


def moved(served: pd.DataFrame) -> list[str]:
    return [item.feature for item in compare(REFERENCES, served, RULES) if item.drifted]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("temp", lambda served: served["temp"] + 8),
        ("wind", lambda served: served["wind"] * 2),
        ("rain", lambda served: served["rain"] + (served.index % 3 == 0) * 0.05),
        ("hour", lambda served: served["hour"].clip(lower=12)),
        ("age", lambda served: served["age"].where(served.index % 2 == 0)),
        ("carrier", lambda served: served["carrier"].replace("A", "B")),
        ("dest", lambda served: served["dest"].where(served.index % 3 > 0, "elsewhere")),
        ("night", lambda served: ~served["night"]),
    ],
)
def test_a_planted_drift_is_found_and_only_that(name: str, change: object) -> None:
    served = frame(3000, 1)
    assert moved(served) == []
    assert callable(change)
    assert moved(served.assign(**{name: change(served)})) == [name]


def test_false_alarms_are_rarer_than_the_nominal_rate() -> None:
    draws, alpha = 200, 0.05
    rules = Rules(alpha=alpha)
    alarms = significant = 0
    for seed in range(draws):
        found = compare(REFERENCES, frame(1000, 100 + seed), rules)
        alarms += any(item.drifted for item in found)
        significant += any(item.p_adjusted < alpha for item in found)
    # the tests alone keep the family-wise rate (10 expected, 3 standard deviations are 9) …
    assert significant <= 19
    # … and with the size of the change nothing is left
    assert alarms == 0


def test_tiny_periods_raise_no_alarm_by_their_noise() -> None:
    large = alarms = 0
    for seed in range(100):
        found = compare(REFERENCES, frame(25, 1000 + seed), RULES)
        large += any(item.psi >= RULES.psi for item in found)
        alarms += any(item.drifted for item in found)
    assert large > 50  # the index alone would have cried wolf
    assert alarms <= 4  # 1 expected at this level


def feature(name: str, moved: bool, psi: float = 0.5) -> FeatureDrift:
    return FeatureDrift(
        feature=name,
        kind="numeric",
        psi=psi,
        test="ks",
        statistic=0.1,
        p_value=0.0,
        p_adjusted=0.0,
        drifted=moved,
    )


@pytest.mark.parametrize(
    ("count", "share", "important", "verdict"),
    [
        (0, 0.2, (), False),
        (1, 0.2, (), False),
        (2, 0.2, (), True),
        (1, 0.1, (), True),
        (1, 0.01, (), True),
        (0, 0.01, (), False),
        (1, 0.5, ("f0",), True),
        (1, 0.5, ("f9",), False),
    ],
)
def test_when_a_period_has_drifted(
    count: int, share: float, important: tuple[str, ...], verdict: bool
) -> None:
    features = [feature(f"f{number}", number < count) for number in range(10)]
    assert drifted(features, None, Rules(share=share, important=important)) is verdict


def test_drifted_predictions_make_a_period_drifted() -> None:
    features = [feature("f", False)]
    assert drifted(features, feature("score", True), RULES)
    assert not drifted(features, feature("score", False), RULES)


def test_the_words_name_the_furthest_first() -> None:
    features = [feature("a", True, 0.3), feature("b", True, 0.9), feature("c", False, 2.0)]
    assert in_words(features, None) == "2 of 3 features drifted: b (PSI 0.90), a (PSI 0.30)"
    assert "the predictions drifted (PSI 0.50)" in in_words(features, feature("score", True))


def test_rules_that_cannot_be_applied() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'temp'"):
        Rules(important=("tmep",)).check(["temp", "wind"])
    with pytest.raises(BadInput, match="is no share"):
        Rules(share=0).check(["temp"])
