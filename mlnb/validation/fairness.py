"""One metric, group by group of one column: how far the groups lie apart.

The difference is fairlearn's ``MetricFrame(...).difference("between_groups")``, the largest
minus the smallest group value (for ``selection_rate`` that is the demographic parity
difference, for ``true_positive_rate`` the equal opportunity difference; Hardt, Price and Srebro
2016). Its interval is a percentile bootstrap that draws within each group.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from mlnb.core.errors import UnsupportedData
from mlnb.core.extras import require
from mlnb.core.records import Check
from mlnb.validation.intervals import percentile, replicate
from mlnb.validation.metrics import METRICS, RANKING, Scored
from mlnb.validation.suite import FairnessRule, Suite

if TYPE_CHECKING:
    import pandas as pd

MISSING = "(missing)"


def check(suite: Suite, rule: FairnessRule, scored: Scored, groups: "pd.Series[Any]") -> Check:
    """Judge the fairness rule; skipped, with the reason, when there are no two groups."""
    METRICS[rule.metric].require(scored)
    title = f"{rule.metric} by {rule.slice}, gap ≤ {rule.max_difference:g}"
    names = groups.astype("string").fillna(MISSING).to_numpy(dtype=object)
    counts = dict(zip(*np.unique(names, return_counts=True), strict=True))
    small = sorted(name for name, rows in counts.items() if rows < rule.min_rows)
    kept = sorted(name for name in counts if name not in small)
    if rule.metric in RANKING:
        one_class = [name for name in kept if len(np.unique(scored.truth[names == name])) < 2]
        if one_class:
            raise UnsupportedData(
                f"{rule.metric} is undefined for {rule.slice} = {one_class[0]}: "
                "its labels are all of one class.",
                "Raise min_rows, or choose a metric such as selection_rate.",
            )
    left_out = f"; left out with fewer than {rule.min_rows:,} rows: {_some(small)}" if small else ""
    if len(kept) < 2:
        return Check(
            name=title,
            kind="fairness",
            metric=rule.metric,
            value=None,
            limit=rule.max_difference,
            skipped=True,
            detail=f"fewer than two groups are large enough{left_out}",
        )
    values, difference = _by_group(rule.metric, scored, names, kept)
    samples = _resampled_difference(suite, rule.metric, scored, names, kept)
    interval = percentile(samples, suite.confidence)
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    return Check(
        name=title,
        kind="fairness",
        metric=rule.metric,
        value=difference,
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        limit=rule.max_difference,
        passed=bool(difference <= rule.max_difference),
        detail=f"{low} {values[low]:.4g}, {high} {values[high]:.4g}{left_out}",
    )


def _by_group(
    name: str, scored: Scored, names: Any, kept: list[str]
) -> tuple[dict[str, float], float]:
    metric = METRICS[name]
    rows = np.isin(names, kept)
    part = scored.rows(rows)
    frame = require("fairlearn.metrics", "validation").MetricFrame(
        metrics=metric.function,
        y_true=part.truth,
        y_pred=part.prediction if metric.needs == "prediction" else part.score,
        sensitive_features=names[rows],
    )
    values = {str(group): float(value) for group, value in frame.by_group.items()}
    return values, float(frame.difference(method="between_groups"))


def _resampled_difference(
    suite: Suite, metric: str, scored: Scored, names: Any, kept: list[str]
) -> Any:
    per_group = np.stack(
        [
            replicate(
                [scored.rows(names == name)],
                [metric],
                resamples=suite.resamples,
                seed=suite.seed + 1 + index,  # groups are drawn independently of each other
            )[0, 0]
            for index, name in enumerate(kept)
        ]
    )
    return per_group.max(axis=0) - per_group.min(axis=0)


def _some(names: list[str], listed: int = 5) -> str:
    more = f" and {len(names) - listed} more" if len(names) > listed else ""
    return ", ".join(names[:listed]) + more
