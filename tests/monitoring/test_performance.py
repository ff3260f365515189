"""Realised performance: the right class's score, and when a metric fell behind."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from mlnb.core.records import DriftReport, SuiteResult, now
from mlnb.monitoring.performance import drop, realised

RANDOM = np.random.default_rng(0)
ROWS = 400
LATE = RANDOM.random(ROWS) < 0.4
SCORE = np.clip(0.4 + 0.3 * (LATE - 0.5) + RANDOM.normal(0, 0.2, ROWS), 0, 1)
IDS = [str(number) for number in range(ROWS)]


def served(prediction: Any, score: Any = SCORE) -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, "prediction": prediction, "score": score})


def promise(task: Any, positive: Any, **metrics: float) -> SuiteResult:
    return SuiteResult(
        id="x",
        suite="gate",
        model="m@1",
        champion=None,
        data="",
        rows=1,
        checks=[],
        passed=True,
        created=now(),
        metrics=metrics,
        task=task,
        positive=positive,
    )


def labels(values: Any, ids: list[str] = IDS) -> Any:
    return pd.Series(list(values), index=ids, dtype=object)


@pytest.mark.parametrize(("positive", "truth"), [("late", LATE), ("early", ~LATE)])
def test_the_score_is_turned_to_the_positive_class(positive: str, truth: Any) -> None:
    words = np.where(LATE, "late", "early")  # the log's score is that of "late", the greater
    answers = np.where(SCORE > 0.5, "late", "early")
    found = realised(served(answers), labels(words), promise("classification", positive, roc_auc=1))
    score = SCORE if positive == "late" else 1 - SCORE
    assert found.metrics == {"roc_auc": pytest.approx(roc_auc_score(truth, score))}
    low, high = found.intervals["roc_auc"]
    assert low < found.metrics["roc_auc"] < high


def test_more_classes_leave_no_score_for_one() -> None:
    words = RANDOM.choice(["late", "early", "cancelled"], ROWS)
    found = realised(served(words), labels(words), promise("classification", "late", roc_auc=1))
    assert "roc_auc" not in found.metrics
    assert found.metrics["recall"] == 1


def test_a_regressor() -> None:
    truth = RANDOM.normal(size=ROWS)
    found = realised(served(truth + 1.0, np.nan), labels(truth), promise("regression", None, mae=1))
    assert found.metrics == {"mae": pytest.approx(1.0)}
    assert realised(served(truth + 1.0, np.nan), labels(truth), None).metrics[
        "rmse"
    ] == pytest.approx(1.0)


def test_only_labelled_rows_count_and_of_an_id_the_last() -> None:
    answers = LATE.astype(int)
    twice = pd.concat([served(1 - answers), served(answers)])
    found = realised(twice, labels(answers[:300], IDS[:300]), None)
    assert found.labelled == 300
    assert found.metrics["accuracy"] == 1


def test_few_labels_are_no_judgement() -> None:
    found = realised(served(1), labels([1] * 20, IDS[:20]), None)
    assert (found.labelled, found.metrics) == (20, {})
    assert "only 20 labelled rows" in found.note
    assert realised(served(1), labels([], []), None).note == ""


PERIOD = DriftReport(
    endpoint="e",
    model="m@1",
    period="2013-04",
    rows=1,
    reference="",
    features=[],
    drifted=False,
    performance={"roc_auc": 0.7, "brier": 0.2},
    intervals={"roc_auc": (0.68, 0.72), "brier": (0.19, 0.21)},
)


@pytest.mark.parametrize(
    ("baseline", "metric", "tolerance", "fell"),
    [
        ({"roc_auc": 0.75}, None, 0.05, False),  # 0.7125 lies within the interval
        ({"roc_auc": 0.76}, None, 0.05, True),  # 0.722 lies above it
        ({"roc_auc": 0.76}, None, 0.06, False),
        ({"roc_auc": 0.73}, None, 0.0, True),
        ({"brier": 0.185}, None, 0.05, False),  # 0.19425 lies within
        ({"brier": 0.18}, None, 0.05, True),  # 0.189 lies below
        ({"roc_auc": 0.9, "brier": 0.2}, None, 0.05, True),  # the first is judged …
        ({"roc_auc": 0.9, "brier": 0.2}, "brier", 0.05, False),  # … unless another is named
        ({}, None, 0.05, False),
        ({"log_loss": 0.1}, None, 0.05, False),
    ],
)
def test_when_a_metric_fell_behind(
    baseline: dict[str, float], metric: str | None, tolerance: float, fell: bool
) -> None:
    period = replace(PERIOD, baseline=baseline)
    assert (drop(period, metric=metric, tolerance=tolerance) is not None) is fell
