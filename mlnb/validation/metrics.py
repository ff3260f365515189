"""The metrics a suite may name: their scikit-learn functions and what they need.

A binary classifier is judged for its positive class against the rest; the labels are 0 and 1.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mlnb.core.errors import UnsupportedData

Task = Literal["classification", "regression"]
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """True and predicted values of the same rows.

    Attributes
    ----------
    truth : array of float, shape (rows,)
        0 and 1 for a classifier (1 is the positive class), the target for a regressor.
    prediction : array of float, shape (rows,)
        The model's decision (0 or 1), or the predicted value.
    score : array of float, shape (rows,), optional
        The positive class's probability, or a decision function where there is none.
    probability : bool
        Whether the score is a probability.
    """

    truth: Array
    prediction: Array
    score: Array | None = None
    probability: bool = False

    def __len__(self) -> int:
        return len(self.truth)

    def rows(self, chosen: NDArray[Any]) -> "Scored":
        """Return some of the rows, by mask or position."""
        score = None if self.score is None else self.score[chosen]
        return Scored(self.truth[chosen], self.prediction[chosen], score, self.probability)


@dataclass(frozen=True)
class Metric:
    """One metric: what it takes, and which way is better."""

    name: str
    task: Task
    needs: Literal["prediction", "score", "probability"]
    better: Literal["higher", "lower", ""]
    """Empty when neither is, as for a selection rate."""
    function: Callable[..., float]
    """Takes true and predicted (or scored) values; scikit-learn or fairlearn."""
    reported: bool = True
    """Whether it is computed without being asked for."""

    def possible(self, scored: Scored) -> bool:
        """Tell whether the model gives what the metric needs."""
        if self.needs == "prediction":
            return True
        return scored.score is not None and (self.needs == "score" or scored.probability)

    def require(self, scored: Scored) -> None:
        """Refuse what cannot be computed.

        Raises
        ------
        UnsupportedData
            If the model gives no score or probability, or a ranking has only one class.
        """
        if not self.possible(scored):
            raise UnsupportedData(
                f"{self.name} needs a {self.needs} for each row, and the model gives none.",
                "Use a metric of its predictions, such as accuracy or f1, "
                "or a model with predict_proba.",
            )
        if self.name in RANKING and len(np.unique(scored.truth)) < 2:
            raise UnsupportedData(
                f"{self.name} is undefined: the labels are all of one class.",
                "Validate on data that has both.",
            )

    def value(self, scored: Scored) -> float:
        """Compute the metric on all rows."""
        predicted = scored.prediction if self.needs == "prediction" else scored.score
        return float(self.function(scored.truth, predicted))

    @property
    def sign(self) -> float:
        """Return 1 when higher is better, else -1."""
        return -1.0 if self.better == "lower" else 1.0


RANKING = frozenset({"roc_auc", "average_precision"})


def _sklearn(name: str, **options: Any) -> Callable[..., float]:
    def function(truth: Array, predicted: Array) -> float:
        from mlnb.core.extras import require

        return float(
            getattr(require("sklearn.metrics", "validation"), name)(truth, predicted, **options)
        )

    function.__name__ = name
    return function


def _rate(truth_is: float) -> Callable[..., float]:
    """Return the share predicted positive among rows of one class; 0 when there are none."""

    def function(truth: Array, predicted: Array) -> float:
        among = predicted[truth == truth_is]
        return float(among.mean()) if len(among) else 0.0

    return function


def _mean(_truth: Array, predicted: Array) -> float:
    return float(predicted.mean())


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("roc_auc", "classification", "score", "higher", _sklearn("roc_auc_score")),
        Metric(
            "average_precision",
            "classification",
            "score",
            "higher",
            _sklearn("average_precision_score"),
        ),
        Metric("brier", "classification", "probability", "lower", _sklearn("brier_score_loss")),
        Metric(
            "log_loss",
            "classification",
            "probability",
            "lower",
            _sklearn("log_loss", labels=[0.0, 1.0]),
        ),
        Metric("accuracy", "classification", "prediction", "higher", _sklearn("accuracy_score")),
        Metric(
            "f1", "classification", "prediction", "higher", _sklearn("f1_score", zero_division=0.0)
        ),
        Metric(
            "precision",
            "classification",
            "prediction",
            "higher",
            _sklearn("precision_score", zero_division=0.0),
        ),
        Metric(
            "recall",
            "classification",
            "prediction",
            "higher",
            _sklearn("recall_score", zero_division=0.0),
        ),
        Metric("true_positive_rate", "classification", "prediction", "higher", _rate(1.0), False),
        Metric("false_positive_rate", "classification", "prediction", "lower", _rate(0.0), False),
        Metric("selection_rate", "classification", "prediction", "", _mean, False),
        Metric("mae", "regression", "prediction", "lower", _sklearn("mean_absolute_error")),
        Metric("rmse", "regression", "prediction", "lower", _sklearn("root_mean_squared_error")),
        Metric("r2", "regression", "prediction", "higher", _sklearn("r2_score")),
        Metric("mean_prediction", "regression", "prediction", "", _mean, False),
    )
}


def reported(scored: Scored, task: Task) -> list[str]:
    """Return the metrics that are computed without being asked for."""
    one_class = len(np.unique(scored.truth)) < 2
    return [
        name
        for name, metric in METRICS.items()
        if metric.reported
        and metric.task == task
        and metric.possible(scored)
        and not (name in RANKING and one_class)
    ]
