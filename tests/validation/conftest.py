"""Flights with a known way to be late, and models of different skill."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

SUITE: dict[str, Any] = {
    "name": "gate",
    "label": "late",
    "positive": 1,
    "resamples": 400,
    "limits": {"roc_auc": {"min": 0.65}, "brier": {"max": 0.25}},
    "champion": {"metric": "roc_auc", "margin": 0.005},
    "fairness": {
        "slice": "origin",
        "metric": "selection_rate",
        "max_difference": 0.1,
        "min_rows": 50,
    },
}


def make_flights(rows: int, seed: int) -> pd.DataFrame:
    """Make flights that are late when it rains and blows."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": np.arange(rows),
            "rain": random.normal(size=rows),
            "wind": random.normal(size=rows),
            "noise": random.normal(size=rows),
            "origin": random.choice(["EWR", "JFK", "LGA"], rows),
        }
    )
    chance = 1 / (1 + np.exp(-(frame["rain"] + frame["wind"])))
    return frame.assign(late=(random.random(rows) < chance).astype(int))


def fit(*features: str) -> LogisticRegression:
    """Fit a model on some of the features."""
    train = make_flights(2000, seed=1)
    return LogisticRegression().fit(train[list(features)], train["late"])


@pytest.fixture
def test_flights() -> pd.DataFrame:
    """Held-out rows."""
    return make_flights(3000, seed=2)


@pytest.fixture
def suite() -> dict[str, Any]:
    """Every kind of check."""
    return deepcopy(SUITE)


@pytest.fixture
def flights() -> Callable[[int, int], pd.DataFrame]:
    """Give rows, by number and seed."""
    return make_flights


@pytest.fixture
def fitted() -> Callable[..., LogisticRegression]:
    """Give a model fitted on the named features."""
    return fit
