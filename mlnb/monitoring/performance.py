"""What predictions were worth, once the truth is known, against what validation promised."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.records import DriftReport, SuiteResult
from mlnb.validation.intervals import measure, percentile, replicate
from mlnb.validation.metrics import METRICS, Array, Scored, Task, reported

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 400
SEED = 0
ENOUGH = 50
"""With fewer labelled rows, a bootstrap interval means little and none is given."""


@dataclass(frozen=True)
class Realised:
    """Metrics on the labelled rows of one period."""

    labelled: int
    metrics: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    note: str = ""


def realised(
    served: "pd.DataFrame",
    labels: "pd.Series[Any]",
    promised: SuiteResult | None,
    confidence: float = 0.95,
) -> Realised:
    """Compute metrics of the rows whose outcome is known.

    Parameters
    ----------
    served : DataFrame
        ``id``, ``prediction`` and ``score``. Of an id served several times the last row counts.
    labels : Series
        Outcomes by id.
    promised : SuiteResult, optional
        The verdict at validation: its task, positive class and metrics.
    confidence : float
        Of the percentile bootstrap intervals.
    """
    last = served.drop_duplicates("id", keep="last")
    truth = last["id"].astype("string").map(labels)
    there = truth.notna().to_numpy()
    count = int(there.sum())
    if count == 0:
        return Realised(0)
    if count < ENOUGH:
        return Realised(count, note=f"only {count} labelled rows: too few to judge")
    task, scored = scored_rows(last[there], truth[there], promised)
    names = [name for name in (promised.metrics if promised else ()) if name in METRICS]
    possible = reported(scored, task)
    names = [name for name in names if name in possible] or possible
    samples = replicate([scored], names, resamples=RESAMPLES, seed=SEED)[0]
    found = {name: percentile(samples[index], confidence) for index, name in enumerate(names)}
    return Realised(
        count,
        measure(scored, names),
        {name: (item.low, item.high) for name, item in found.items() if item is not None},
    )


def scored_rows(
    rows: "pd.DataFrame", truth: "pd.Series[Any]", promised: SuiteResult | None
) -> tuple[Task, Scored]:
    """Return labelled rows as numbers.

    The prediction log's score is the probability of the greater of two classes; of the other,
    when that is the positive one, it is one minus that. With more classes there is no score for
    one class against the rest.
    """
    task: Task = promised.task if promised and promised.task else _guess(rows)
    predictions = rows["prediction"].to_numpy()
    if task == "regression":
        return task, Scored(truth.to_numpy(dtype=float), predictions.astype(float))
    classes = sorted({*truth.tolist(), *rows["prediction"].tolist()})
    positive = promised.positive if promised and promised.task else classes[-1]
    actual: Array = np.asarray(truth.to_numpy(dtype=object) == positive, dtype=float)
    decided: Array = np.asarray(predictions == positive, dtype=float)
    score = rows["score"].to_numpy(dtype=float)
    if len(classes) > 2 or np.isnan(score).any():
        return task, Scored(actual, decided)
    return task, Scored(actual, decided, score if positive == classes[-1] else 1 - score, True)


def _guess(rows: "pd.DataFrame") -> Task:
    from pandas.api.types import is_float_dtype

    if rows["score"].notna().any():
        return "classification"
    return "regression" if is_float_dtype(rows["prediction"].dtype) else "classification"


def check(metric: str | None, tolerance: float) -> None:
    """Refuse what cannot be judged.

    Raises
    ------
    UnknownName
        If there is no such metric.
    BadInput
        If it has no better direction, or the tolerance is negative.
    """
    if metric is not None and metric not in METRICS:
        raise UnknownName("metric", metric, METRICS)
    if metric is not None and not METRICS[metric].better:
        raise BadInput(f"{metric} has no better direction.", "Choose another metric.")
    if not tolerance >= 0:
        raise BadInput(f"tolerance = {tolerance:g} is negative.", "Give a share such as 0.05.")


def drop(
    period: DriftReport, *, metric: str | None, tolerance: float
) -> tuple[str, float, float] | None:
    """Find a metric that fell behind what validation promised.

    A metric has fallen behind when the better end of its confidence interval is worse than the
    baseline by more than ``tolerance`` times the baseline.

    Parameters
    ----------
    period : DriftReport
        With performance, intervals and baseline.
    metric : str, optional
        The metric to judge; the suite's first by default.
    tolerance : float
        Share of the baseline.

    Returns
    -------
    tuple or None
        The metric's name, its realised value and the limit it broke.
    """
    comparable = [name for name in period.baseline if name in period.intervals]
    name = metric or (comparable[0] if comparable else "")
    if name not in comparable:
        return None
    low, high = period.intervals[name]
    baseline = period.baseline[name]
    slack = tolerance * abs(baseline)
    if METRICS[name].sign > 0:
        limit = baseline - slack
        fell = high < limit
    else:
        limit = baseline + slack
        fell = low > limit
    return (name, period.performance[name], limit) if fell else None


def comparable(promised: SuiteResult | None, found: Sequence[str]) -> dict[str, float]:
    """Return the promised values of the metrics that were realised, in the suite's order."""
    if promised is None:
        return {}
    return {name: value for name, value in promised.metrics.items() if name in found}
