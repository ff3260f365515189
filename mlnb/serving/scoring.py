"""Predictions of a model, and for a classifier the probability behind them."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from mlnb.serving.batches import Batch, merged
from mlnb.serving.batching import Scored
from mlnb.serving.casting import Columns, Schema

Array = np.ndarray[Any, Any]
MOST_PROBABLE = frozenset(
    {"ExtraTreesClassifier", "HistGradientBoostingClassifier", "RandomForestClassifier"}
)
"""scikit-learn's classifiers that are slow to ask and always predict the most probable class."""
SCORE_TOLERANCE = 1e-12
"""What a score (never a prediction) may differ by from the model's own, in ``predict_proba``."""
SAMPLE = 32
"""Rows that `independent` tries."""


class Engine(Protocol):
    """Answers checked columns; called by one thread at a time."""

    merges: bool
    """Whether a row's answer is the same whatever rows are beside it."""

    def answer(self, schema: Schema, columns: Columns) -> tuple[Array, Array | None]:
        """Return one prediction and, for a classifier, one score per row."""


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
        self.merges = False
        self._transform: Any = None
        self._final = model
        if _is_pipeline(model) and len(model.steps) > 1:
            self._transform = model[:-1].transform
            self._final = model[-1]
        self._scored = hasattr(self._final, "predict_proba") and hasattr(self._final, "classes_")
        kind = type(self._final)
        self._derived = kind.__module__.startswith("sklearn.") and kind.__name__ in MOST_PROBABLE

    def answer(self, schema: Schema, columns: Columns) -> tuple[Array, Array | None]:
        """Return one prediction and, for a classifier, one score per row."""
        return self(schema.frame(columns))

    def __call__(self, frame: Any) -> tuple[Array, Array | None]:
        """Return the same of a pandas frame."""
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


def plain(predictions: Any) -> Any:
    """Return predictions as JSON can carry them: numbers as they are, everything else as a list."""
    if isinstance(predictions, list):
        return predictions
    if predictions.dtype.kind in "biuf":
        return np.ascontiguousarray(predictions)
    return predictions.tolist()


def independent(engine: Engine, schema: Schema, batches: Sequence[Batch]) -> bool:
    """Tell whether a row's answer is the same whatever rows are beside it.

    A model may look at other rows (to standardise them together, say), and the libraries below it
    may add up numbers in another order when there are more rows. Predictions have to be equal bit
    for bit, and scores to `SCORE_TOLERANCE`.
    """
    rows = [row for batch in batches for row in zip(*batch.columns, strict=True)][:SAMPLE]
    if len(rows) < 2:
        return False
    together = engine.answer(schema, list(zip(*rows, strict=True)))
    for place, row in enumerate(rows):
        if not _same(engine.answer(schema, [(value,) for value in row]), together, place):
            return False
    return True


def _same(one: Any, together: Any, place: int) -> bool:
    predictions = np.array_equal(one[0][0], together[0][place], equal_nan=_is_number(one[0]))
    if one[1] is None or together[1] is None:
        return predictions and one[1] is together[1]
    return predictions and np.isclose(
        one[1][0], together[1][place], rtol=SCORE_TOLERANCE, atol=SCORE_TOLERANCE, equal_nan=True
    )


def _is_number(array: Array) -> bool:
    return array.dtype.kind in "iuf"


def answers(engine: Engine, schema: Schema, batches: Sequence[Batch]) -> Scored:
    """Predict for several requests at once."""
    columns = merged(batches)
    found, probable = engine.answer(schema, columns)
    predictions = np.asarray(found).tolist()
    scores = None if probable is None else probable.tolist()
    if len(batches) == 1:
        return Scored([(predictions, scores)], columns, predictions, scores)
    outcomes, start = [], 0
    for batch in batches:
        end = start + batch.rows
        outcomes.append((predictions[start:end], None if scores is None else scores[start:end]))
        start = end
    return Scored(outcomes, columns, predictions, scores)
