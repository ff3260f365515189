"""What a canary has to keep: rules such as ``errors<=2%``, ``p95<=1.5x``, ``psi<=0.2``.

A limit that ends in ``x`` is a multiple of what the current release shows in the same time. A rule
is broken when chance is no excuse: the better end of a wide interval (three standard errors, as a
canary is looked at again and again) is beyond the limit. It is kept when the value itself is
within it, on enough requests.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mlnb.core.errors import BadInput, suggestion

Array = NDArray[np.float64]

ENOUGH = 50
"""Requests (for outcomes: labelled rows) of either release before anything is judged."""
STANDARD_ERRORS = 3.0
RESAMPLES = 200
_FORM = re.compile(r"\s*([a-z_0-9]+)\s*(<=|>=|<|>)\s*([0-9.]+)\s*(%|ms|s|x)?\s*")
_DURATION = re.compile(r"\s*([0-9.]+)\s*(s|m|h|d)?\s*")
_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}


@dataclass(frozen=True)
class Rule:
    """A limit.

    Attributes
    ----------
    metric : str
        ``errors`` (share of requests), ``p50``, ``p95``, ``p99`` (ms), ``psi`` (of the scores
        against the current release's), ``label_mean``, or a metric of validation suites on rows
        whose outcome is known.
    most : bool
        Whether the limit is an upper one.
    limit : float
        In the metric's unit, or a multiple.
    relative : bool
        Whether it is a multiple of the current release's value.
    """

    metric: str
    most: bool
    limit: float
    relative: bool = False

    def __str__(self) -> str:
        unit = "x" if self.relative else "ms" if self.metric in _QUANTILES else ""
        return f"{self.metric}{'<=' if self.most else '>='}{self.limit:g}{unit}"


@dataclass
class Seen:
    """What was seen of one release."""

    requests: int = 0
    failures: int = 0
    latencies: Array = field(default_factory=lambda: np.empty(0))
    """Milliseconds."""
    scores: Any = ()
    """Scores, or predictions where there are none."""
    predictions: Any = ()
    """Of labelled rows."""
    truth: Any = ()
    """Their outcomes."""
    labelled_scores: Any = ()


class Finding(NamedTuple):
    """What a rule says now."""

    state: Literal["broken", "kept", "open"]
    reason: str


class _Value(NamedTuple):
    """A value with the ends of its interval."""

    value: float
    low: float
    high: float


def parse(text: str) -> Rule:
    """Read a rule.

    Raises
    ------
    BadInput
        If it is none.
    """
    from mlnb.validation.metrics import METRICS

    found = _FORM.fullmatch(text)
    known = ["errors", *_QUANTILES, "psi", "label_mean", *METRICS]
    if found is None:
        raise BadInput(f"{text!r} is no rule.", "Write errors<=2%, p95<=1.5x or psi<=0.2.")
    name, sign, number, unit = found.groups()
    if name not in known:
        raise BadInput(f"There is no metric {name!r} for rules.", suggestion(name, known))
    try:
        limit = float(number)
    except ValueError:
        raise BadInput(f"{text!r} has no number.", "Write errors<=2% for example.") from None
    if unit == "%":
        limit /= 100
    elif unit == "s":
        limit *= 1000
    if unit in ("ms", "s") and name not in _QUANTILES:
        raise BadInput(f"{name} is no time.", f"Write {name}{sign}{number}.")
    if name == "psi" and unit == "x":
        raise BadInput("psi compares with the current release already.", "Write psi<=0.2.")
    return Rule(name, sign.startswith("<"), limit, unit == "x")


def seconds(text: str | float) -> float:
    """Read ``90``, ``90s``, ``10m``, ``2h`` or ``1d``.

    Raises
    ------
    BadInput
        If it is no duration.
    """
    found = _DURATION.fullmatch(str(text))
    try:
        if found is None:
            raise ValueError(text)
        return float(found[1]) * _SECONDS[found[2]]
    except ValueError:
        raise BadInput(f"{text!r} is no duration.", "Write 10m for example.") from None


def judge(rule: Rule, tried: Seen, present: Seen) -> Finding:
    """Tell whether a release keeps a rule."""
    if rule.metric == "psi":
        found, beside = _psi(tried, present), None
    else:
        measure = _measure(rule.metric)
        found, beside = measure(tried), measure(present) if rule.relative else None
    if found is None or (rule.relative and beside is None):
        return Finding("open", f"{rule}: too little seen yet")
    limit = rule.limit * beside.value if beside is not None else rule.limit
    generous = limit
    if beside is not None:
        generous = rule.limit * (beside.high if rule.most else beside.low)
    broken = found.low > generous if rule.most else found.high < generous
    within = found.value <= limit if rule.most else found.value >= limit
    against = f" (now {_shown(rule.metric, beside.value)})" if beside is not None else ""
    text = f"{rule}: {_shown(rule.metric, found.value)}{against}"
    return Finding("broken" if broken else "kept" if within else "open", text)


def _shown(metric: str, value: float) -> str:
    if metric == "errors":
        return f"{value:.1%}"
    return f"{value:.0f} ms" if metric in _QUANTILES else f"{value:.3g}"


def _measure(metric: str) -> Callable[[Seen], _Value | None]:
    if metric == "errors":
        return _errors
    if metric in _QUANTILES:
        return lambda seen: _quantile(seen.latencies, _QUANTILES[metric])
    return lambda seen: _outcome(metric, seen)


def _errors(seen: Seen) -> _Value | None:
    """Return the share of failures with Wilson's interval (1927)."""
    count = seen.requests
    if count < ENOUGH:
        return None
    share, square = seen.failures / count, STANDARD_ERRORS**2
    centre = (share + square / (2 * count)) / (1 + square / count)
    spread = STANDARD_ERRORS * np.sqrt(share * (1 - share) / count + square / (4 * count**2))
    half = float(spread / (1 + square / count))
    return _Value(share, max(0.0, centre - half), min(1.0, centre + half))


def _quantile(values: Array, share: float) -> _Value | None:
    """Return a quantile; its interval are order statistics, binomial, whatever the shape."""
    count = len(values)
    if count < ENOUGH:
        return None
    ordered = np.sort(values)
    half = STANDARD_ERRORS * np.sqrt(count * share * (1 - share))
    low = int(np.clip(np.floor(count * share - half), 0, count - 1))
    high = int(np.clip(np.ceil(count * share + half), 0, count - 1))
    middle = int(np.clip(np.ceil(count * share) - 1, 0, count - 1))
    return _Value(float(ordered[middle]), float(ordered[low]), float(ordered[high]))


def _psi(tried: Seen, present: Seen) -> _Value | None:
    """Return the population stability index of the scores, less what chance alone makes of it.

    Between two samples of the same, the index times ``1 / (1/n + 1/m)`` is distributed like chi
    squared with one degree of freedom less than there are bins (Yurdakul 2018).
    """
    import pandas as pd

    from mlnb.validation.reference import prepare

    if min(len(tried.scores), len(present.scores)) < ENOUGH:
        return None
    reference = prepare(pd.Series(present.scores))
    found = reference.compare(pd.Series(tried.scores)).psi
    freedom = max(1, int((reference.counts > 0).sum()) - 1)
    unit = 1 / len(tried.scores) + 1 / len(present.scores)
    chance = unit * (freedom + STANDARD_ERRORS * float(np.sqrt(2 * freedom)))
    return _Value(found, max(0.0, found - chance), found + chance)


def _outcome(metric: str, seen: Seen) -> _Value | None:
    """Return a metric of rows whose outcome is known, with a bootstrap interval."""
    count = len(seen.truth)
    if count < ENOUGH:
        return None
    value = _outcome_of(metric, seen)
    random = np.random.default_rng(0)
    samples = [value(random.integers(0, count, count)) for _ in range(RESAMPLES)]
    found, half = value(np.arange(count)), STANDARD_ERRORS * float(np.nanstd(samples))
    return _Value(found, found - half, found + half)


def _outcome_of(metric: str, seen: Seen) -> Callable[[NDArray[Any]], float]:
    truth = np.asarray(seen.truth)
    if metric == "label_mean":
        numbers = truth.astype(float)
        return lambda rows: float(numbers[rows].mean())
    from mlnb.validation.metrics import METRICS, Scored

    known = METRICS[metric]
    if known.task == "regression":
        scored = Scored(truth.astype(float), np.asarray(seen.predictions, dtype=float))
    else:
        positive = sorted({*truth.tolist(), *list(seen.predictions)})[-1]
        decided = np.asarray([each == positive for each in seen.predictions], dtype=float)
        actual = np.asarray([each == positive for each in truth.tolist()], dtype=float)
        scores = np.asarray(seen.labelled_scores, dtype=float)
        scored = Scored(actual, decided, None if np.isnan(scores).any() else scores, True)
    values = scored.prediction if known.needs == "prediction" else scored.score
    if values is None:
        return lambda _rows: float("nan")
    return lambda rows: float(known.function(scored.truth[rows], values[rows]))


def verdict(found: Sequence[tuple[Rule, Finding]]) -> tuple[Rule, Finding] | None:
    """Return the first rule that is broken."""
    return next(((rule, each) for rule, each in found if each.state == "broken"), None)
