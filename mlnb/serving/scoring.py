"""Predictions of a model, and for a classifier the probability behind them."""

from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, Any]
MOST_PROBABLE = frozenset(
    {"ExtraTreesClassifier", "HistGradientBoostingClassifier", "RandomForestClassifier"}
)
"""scikit-learn's classifiers that are slow to ask and always predict the most probable class."""


class Scorer:
    """Asks a model for predictions and scores.

    A classifier's score is the probability of the positive class (the second of ``classes_``)
    when there are two classes, and of the predicted class when there are more. What can be had
    once is not asked for twice: the transformers of a scikit-learn pipeline, and the trees of
    ensembles that predict the most probable class.

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
        kind = type(self._final)
        self._derived = kind.__module__.startswith("sklearn.") and kind.__name__ in MOST_PROBABLE

    def __call__(self, frame: pd.DataFrame) -> tuple[Array, Array | None]:
        """Return one prediction and, for a classifier, one score per row."""
        features = self._transform(frame) if self._transform is not None else frame
        if not self._scored:
            return np.asarray(self._final.predict(features)), None
        found = self._final.predict_proba(features)
        if isinstance(found, list):  # one array per output
            return np.asarray(self._final.predict(features)), None
        probabilities = np.asarray(found, dtype=float)
        if self._derived:
            predictions = self._most_probable(features, probabilities)
        else:
            predictions = np.asarray(self._final.predict(features))
        return predictions, self._scores(predictions, probabilities)

    def _most_probable(self, features: Any, probabilities: Array) -> Array:
        """Return what ``predict`` would; how it settles a tie is its own affair, so ask it."""
        highest = probabilities.max(axis=1, keepdims=True)
        if ((probabilities == highest).sum(axis=1) > 1).any():
            return np.asarray(self._final.predict(features))
        chosen: Array = np.asarray(self._final.classes_)[probabilities.argmax(axis=1)]
        return chosen

    def _scores(self, predictions: Array, probabilities: Array) -> Array:
        if probabilities.shape[1] == 2:
            return np.ascontiguousarray(probabilities[:, 1])
        classes = np.asarray(self._final.classes_)
        order = np.argsort(classes)
        positions = order[np.searchsorted(classes, predictions, sorter=order)]
        scores: Array = probabilities[np.arange(len(predictions)), positions]
        return scores


def _is_pipeline(model: Any) -> bool:
    return any(
        kind.__module__ == "sklearn.pipeline" and kind.__name__ == "Pipeline"
        for kind in type(model).__mro__
    )


def plain(predictions: Array) -> Any:
    """Return predictions as JSON can carry them: numbers as they are, everything else as a list."""
    if predictions.dtype.kind in "biuf":
        return np.ascontiguousarray(predictions)
    return predictions.tolist()
