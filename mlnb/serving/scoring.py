"""Predictions of a model, and for a classifier the probability behind them."""

from typing import Any

import numpy as np
import pandas as pd

Answer = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any] | None]


class Scorer:
    """Asks a model for predictions and scores.

    A classifier's score is the probability of the positive class (the second of ``classes_``)
    when there are two classes, and of the predicted class when there are more. The transformers
    of a scikit-learn pipeline run once for both answers.

    Parameters
    ----------
    model : object
        With ``predict``, and for scores ``predict_proba`` and ``classes_``.
    """

    def __init__(self, model: Any) -> None:
        self._transform: Any = None
        self._final = model
        if _is_pipeline(model) and len(model.steps) > 1:
            self._transform = model[:-1].transform
            self._final = model[-1]
        self._scored = hasattr(self._final, "predict_proba") and hasattr(self._final, "classes_")

    def __call__(self, frame: pd.DataFrame) -> Answer:
        """Return one prediction and, for a classifier, one score per row."""
        features = self._transform(frame) if self._transform is not None else frame
        predictions = np.asarray(self._final.predict(features))
        if not self._scored:
            return predictions, None
        probabilities = np.asarray(self._final.predict_proba(features), dtype=float)
        if probabilities.shape[1] == 2:
            return predictions, np.ascontiguousarray(probabilities[:, 1])
        classes = np.asarray(self._final.classes_)
        order = np.argsort(classes)
        positions = order[np.searchsorted(classes, predictions, sorter=order)]
        return predictions, probabilities[np.arange(len(predictions)), positions]


def _is_pipeline(model: Any) -> bool:
    return any(
        kind.__module__ == "sklearn.pipeline" and kind.__name__ == "Pipeline"
        for kind in type(model).__mro__
    )


def plain(predictions: np.ndarray[Any, Any]) -> Any:
    """Return predictions as JSON can carry them: numbers as they are, everything else as a list."""
    if predictions.dtype.kind in "biuf":
        return np.ascontiguousarray(predictions)
    return predictions.tolist()
