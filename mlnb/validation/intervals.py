"""Bootstrap confidence intervals of a suite's metrics, fast enough for a gate.

Rows are drawn with replacement; the interval is the percentile interval (Efron and Tibshirani
1993, *An Introduction to the Bootstrap*, chapter 13). Several models are resampled together,
row by row, so that their differences are paired. Instead of drawing rows and calling
scikit-learn a thousand times, each resample is a vector of counts and every metric is computed
from counts: sums of per-row terms by one matrix product, rankings by cumulative sums over rows
sorted once. The values are those of scikit-learn with ``sample_weight``; a test holds that.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mlnb.validation.metrics import RANKING, Array, Scored

_CELLS = 250_000
"""Counts held at a time: 2 MB, so that they stay in the processor's cache."""


@dataclass(frozen=True)
class Interval:
    """A percentile interval."""

    low: float
    high: float


def percentile(samples: Array, confidence: float) -> Interval | None:
    """Return the central interval of bootstrap values; None when none is defined."""
    defined = samples[np.isfinite(samples)]
    if not len(defined):
        return None
    tail = (1.0 - confidence) / 2.0
    low, high = np.quantile(defined, [tail, 1.0 - tail])
    return Interval(float(low), float(high))


def replicate(
    models: Sequence[Scored], names: Sequence[str], *, resamples: int, seed: int
) -> Array:
    """Compute metrics of models on bootstrap resamples of their common rows.

    Parameters
    ----------
    models : sequence of Scored
        Of the same rows in the same order.
    names : sequence of str
        Metrics, of one task.
    resamples, seed : int
        How many resamples, and what makes them repeatable.

    Returns
    -------
    array of float, shape (models, metrics, resamples)
        NaN where a resample leaves a metric undefined.
    """
    rows = len(models[0])
    evaluators = [_evaluator(model, names) for model in models]
    values = np.empty((len(models), len(names), resamples))
    start = 0
    for counts in _resampled(rows, resamples, seed):
        stop = start + len(counts)
        for index, evaluate in enumerate(evaluators):
            values[index, :, start:stop] = evaluate(counts)
        start = stop
    return values


def measure(model: Scored, names: Sequence[str]) -> dict[str, float]:
    """Compute metrics of the rows as they are.

    The values are scikit-learn's, without what it spends on checking its arguments, which
    matters for hundreds of small periods.
    """
    values = _evaluator(model, names)(np.ones((1, len(model))))
    return dict(zip(names, map(float, values[:, 0]), strict=True))


def _resampled(rows: int, resamples: int, seed: int) -> Iterator[Array]:
    """Yield blocks of how often each row was drawn, shape (block, rows)."""
    random = np.random.default_rng(seed)
    block = max(1, min(resamples, _CELLS // max(rows, 1)))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        counts = np.empty((size, rows))
        for line in range(size):
            drawn = random.integers(0, rows, size=rows, dtype=np.int32)
            counts[line] = np.bincount(drawn, minlength=rows)
        yield counts


def _evaluator(model: Scored, names: Sequence[str]) -> Callable[[Array], Array]:
    """Return a function from counts (block, rows) to metrics (metrics, block)."""
    terms = _row_terms(model, names)
    matrix = np.column_stack(list(terms.values())) if terms else np.empty((len(model), 0))
    ranking = _Ranking(model) if RANKING.intersection(names) else None

    def evaluate(counts: Array) -> Array:
        sums = dict(zip(terms, (counts @ matrix).T, strict=True))
        ranked = ranking(counts, names) if ranking else {}
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.stack(
                [
                    ranked[name] if name in RANKING else _FROM_SUMS[name](sums, len(model))
                    for name in names
                ]
            )

    return evaluate


# -- metrics that are functions of sums ----------------------------------------------------------


def _row_terms(model: Scored, names: Sequence[str]) -> dict[str, Array]:
    truth, predicted = model.truth, model.prediction
    wanted = set(names)
    terms: dict[str, Array] = {}
    if wanted & {"accuracy"}:
        terms["correct"] = (truth == predicted).astype(float)
    if wanted & {"f1", "precision", "recall", "true_positive_rate"}:
        terms["hits"] = truth * predicted
    if wanted & {"f1", "precision", "selection_rate", "mean_prediction"}:
        terms["predicted"] = predicted
    if wanted & {"f1", "recall", "true_positive_rate", "false_positive_rate"}:
        terms["truth"] = truth
    if wanted & {"false_positive_rate"}:
        terms["false"] = (1.0 - truth) * predicted
    if model.score is not None and wanted & {"brier"}:
        terms["squared"] = (model.score - truth) ** 2
    if model.score is not None and wanted & {"log_loss"}:
        tiny = np.finfo(np.float64).eps
        certain = np.clip(np.where(truth == 1.0, model.score, 1.0 - model.score), tiny, 1.0 - tiny)
        terms["surprise"] = -np.log(certain)
    if wanted & {"mae"}:
        terms["absolute"] = np.abs(truth - predicted)
    if wanted & {"rmse", "r2"}:
        terms["residual"] = (truth - predicted) ** 2
    if wanted & {"r2"}:
        centred = truth - truth.mean()  # keeps the variance's two sums of one size
        terms["centred"], terms["spread"] = centred, centred**2
    return terms


_Sums = dict[str, Array]


def _or_zero(above: Array, below: Array) -> Array:
    return np.divide(above, below, out=np.zeros_like(above), where=below != 0)


_FROM_SUMS: dict[str, Callable[[_Sums, int], Array]] = {
    "accuracy": lambda sums, rows: sums["correct"] / rows,
    "precision": lambda sums, rows: _or_zero(sums["hits"], sums["predicted"]),
    "recall": lambda sums, rows: _or_zero(sums["hits"], sums["truth"]),
    "true_positive_rate": lambda sums, rows: _or_zero(sums["hits"], sums["truth"]),
    "false_positive_rate": lambda sums, rows: _or_zero(sums["false"], rows - sums["truth"]),
    "f1": lambda sums, rows: _or_zero(2.0 * sums["hits"], sums["predicted"] + sums["truth"]),
    "selection_rate": lambda sums, rows: sums["predicted"] / rows,
    "mean_prediction": lambda sums, rows: sums["predicted"] / rows,
    "brier": lambda sums, rows: sums["squared"] / rows,
    "log_loss": lambda sums, rows: sums["surprise"] / rows,
    "mae": lambda sums, rows: sums["absolute"] / rows,
    "rmse": lambda sums, rows: np.sqrt(sums["residual"] / rows),
    "r2": lambda sums, rows: (
        1.0 - sums["residual"] / (sums["spread"] - sums["centred"] ** 2 / rows)
    ),
}


# -- metrics of a ranking ------------------------------------------------------------------------


class _Ranking:
    """Area under the ROC curve and average precision of counted rows.

    Rows are sorted by score, highest first, once; rows of equal score form one threshold, as in
    scikit-learn.
    """

    def __init__(self, model: Scored) -> None:
        if model.score is None:
            raise ValueError("a ranking needs scores")
        self.order: NDArray[np.intp] = np.argsort(-model.score, kind="stable")
        score = model.score[self.order]
        self.starts = np.append(0, np.flatnonzero(np.diff(score)) + 1)
        self.truth = model.truth[self.order]

    def __call__(self, counts: Array, names: Sequence[str]) -> dict[str, Array]:
        rows = counts[:, self.order]
        hits = rows * self.truth
        if len(self.starts) < len(self.order):
            rows = np.add.reduceat(rows, self.starts, axis=1)
            hits = np.add.reduceat(hits, self.starts, axis=1)
        above, won = np.cumsum(rows, axis=1), np.cumsum(hits, axis=1)
        positive, drawn = won[:, -1], above[:, -1]
        found: dict[str, Array] = {}
        with np.errstate(divide="ignore", invalid="ignore"):
            if "roc_auc" in names:
                # of all pairs, those where a negative ranks above the positive; a tie counts half
                lost = np.einsum("ij,ij->i", hits, above - won - 0.5 * (rows - hits))
                found["roc_auc"] = 1.0 - lost / (positive * (drawn - positive))
            if "average_precision" in names:
                precision = np.divide(won, above, out=won, where=above != 0)
                gain = np.einsum("ij,ij->i", hits, precision)
                found["average_precision"] = gain / hits.sum(axis=1)
        return found
