"""The metrics: scikit-learn's values, and what is refused."""

import numpy as np
import pytest
from sklearn import metrics as sk

from mlnb.core.errors import UnsupportedData
from mlnb.validation.metrics import METRICS, Scored, reported

TRUTH = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
SCORE = np.array([0.1, 0.6, 0.4, 0.8, 0.9])
SCORED = Scored(TRUTH, (SCORE >= 0.5).astype(float), SCORE, probability=True)


def test_rates_by_hand() -> None:
    assert METRICS["true_positive_rate"].value(SCORED) == pytest.approx(2 / 3)
    assert METRICS["false_positive_rate"].value(SCORED) == pytest.approx(1 / 2)
    assert METRICS["selection_rate"].value(SCORED) == pytest.approx(3 / 5)
    assert METRICS["accuracy"].value(SCORED) == pytest.approx(3 / 5)
    # of the 6 pairs of a positive and a negative, only 0.4 < 0.6 is in the wrong order
    assert METRICS["roc_auc"].value(SCORED) == pytest.approx(5 / 6)


def test_probability_metrics_are_scikit_learns() -> None:
    assert METRICS["brier"].value(SCORED) == pytest.approx(np.mean((SCORE - TRUTH) ** 2))
    assert METRICS["log_loss"].value(SCORED) == pytest.approx(sk.log_loss(TRUTH, SCORE))


def test_a_decision_function_has_a_ranking_but_no_probability() -> None:
    margin = Scored(TRUTH, SCORED.prediction, SCORE * 10 - 5)
    assert "roc_auc" in reported(margin, "classification")
    assert "brier" not in reported(margin, "classification")
    with pytest.raises(UnsupportedData, match="brier needs a probability"):
        METRICS["brier"].require(margin)


def test_a_ranking_of_one_class_is_refused() -> None:
    one = SCORED.rows(TRUTH == 1.0)
    assert "roc_auc" not in reported(one, "classification")
    with pytest.raises(UnsupportedData, match="one class"):
        METRICS["roc_auc"].require(one)
