"""Run a suite on a model and held-out data; keep the verdict; set and apply the gate."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from mlnb.core import project
from mlnb.core.errors import GateRefused, UnknownName, UnsupportedData
from mlnb.core.names import split_reference
from mlnb.core.records import Check, ModelVersion, SuiteResult, now
from mlnb.validation import fairness
from mlnb.validation.frames import column, table
from mlnb.validation.intervals import Interval, percentile, replicate
from mlnb.validation.metrics import METRICS, Array, Scored, reported
from mlnb.validation.scoring import given, inputs, positive_class, score, truth
from mlnb.validation.suite import ChampionRule, Limit, Suite

if TYPE_CHECKING:
    import pandas as pd

CHAMPION = "champion"


@dataclass(frozen=True)
class _Judged:
    """A model to judge: loaded, with what the registry knows of it."""

    name: str
    """``name@number``, or what it is before registration."""
    model: Any
    columns: list[str]
    version: ModelVersion | None


@dataclass(frozen=True)
class _Exam:
    """The held-out rows with their labels."""

    suite: Suite
    frame: "pd.DataFrame"
    data: str
    label: str
    positive: Any
    truth: Array

    def take(self, judged: _Judged) -> Scored:
        rows = inputs(judged.model, self.frame, self.label, judged.columns)
        return score(judged.model, rows, self.truth, self.suite.task, self.positive)


def run(
    suite: Suite | Mapping[str, Any] | Path | str,
    model: Any,
    data: Any,
    *,
    label: str | None = None,
    champion: str | None = None,
    predictions: Any = None,
) -> SuiteResult:
    """Judge a model on held-out data.

    A registered model's verdict is kept in the log ``validations/<model>`` and set as its gate.
    A model that is not registered yet is judged all the same, and nothing is stored.

    Parameters
    ----------
    suite : Suite, dict, Path or str
        The checks, or their YAML file.
    model : str, ModelVersion or estimator
        A reference such as ``flight-delay@3``, or a fitted model.
    data : str, Path or DataFrame
        Held-out rows with the label: a dataset reference, a CSV, Parquet or JSON file, or a frame.
    label : str, optional
        Label column, when it is not the suite's.
    champion : str, optional
        Model to compare with; ``<model>@champion`` when not given and there is one.
    predictions : array-like, optional
        The model's probabilities of the positive class (a regressor's values), when they are
        known; the model is then not run.

    Raises
    ------
    InvalidSuite, UnknownName, SignatureMismatch, UnsupportedData
        Nothing is stored then.
    """
    suite = Suite.read(suite)
    judged = _judged(model, load=predictions is None)
    exam = _exam(suite, data, label)
    challenger = (
        exam.take(judged) if predictions is None else given(predictions, exam.truth, suite.task)
    )
    for name in suite.metrics():
        METRICS[name].require(challenger)
    rival, why_none = _rival(suite, judged, champion)
    result = _result(exam, judged, challenger, rival, why_none)
    return _keep(result, judged.version)


def gate(result: SuiteResult) -> None:
    """Let a verdict through, or refuse.

    Raises
    ------
    GateRefused
        Naming the checks that failed; or all of them, when none could be judged.
    """
    judged = [check for check in result.checks if not check.skipped]
    failed = [check for check in judged or result.checks if not check.passed]
    if failed:
        raise GateRefused(result.model, [f"{check.name}: {check.detail}" for check in failed])


def history(model: str) -> list[SuiteResult]:
    """Return the verdicts on a model's versions, oldest first."""
    name, _ = split_reference("model", model)
    entries = project.current().store.entries(f"validations/{name}")
    return [SuiteResult.from_dict(entry.data) for entry in entries]


def latest(model: str) -> SuiteResult | None:
    """Return the newest verdict on one version (``name@number``), or None."""
    verdicts = [result for result in history(model) if result.model == model]
    return verdicts[-1] if verdicts else None


# -- what is judged, on what, against whom -------------------------------------------------------


def _judged(model: Any, *, load: bool = True) -> _Judged:
    if not isinstance(model, str | ModelVersion):
        return _Judged(f"{type(model).__name__} (not registered)", model, [], None)
    from mlnb.tracking import models

    version = models.resolve(model) if isinstance(model, str) else model
    columns = [item.name for item in version.inputs]
    return _Judged(version.ref, models.load(version.ref) if load else None, columns, version)


def _exam(suite: Suite, data: Any, label: str | None) -> _Exam:
    frame, ref = table(data)
    name = label or suite.label
    labels = column(frame, name, "label")
    positive = None
    if suite.task == "classification":
        positive = positive_class(labels.dropna(), suite.positive)
    return _Exam(suite, frame, ref, name, positive, truth(labels, suite.task, positive))


def _rival(suite: Suite, judged: _Judged, champion: str | None) -> tuple[_Judged | None, str]:
    """Return the champion to compare with, or why there is none."""
    if suite.champion is None:
        return None, ""
    if champion is None and judged.version is None:
        return None, "the model is not registered and no champion was named"
    reference = champion or f"{judged.name.split('@')[0]}@{CHAMPION}"
    try:
        rival = _judged(reference)
    except UnknownName:
        if champion is not None:
            raise
        return None, "there is no champion yet"
    if judged.version is not None and rival.name == judged.name:
        return None, "it is the champion itself"
    return rival, ""


# -- the checks ----------------------------------------------------------------------------------


def _result(
    exam: _Exam, judged: _Judged, challenger: Scored, rival: _Judged | None, why_none: str
) -> SuiteResult:
    suite = exam.suite
    asked = [*suite.limits, *([suite.champion.metric] if suite.champion else [])]
    names = list(dict.fromkeys([*asked, *reported(challenger, suite.task)]))
    scored = [challenger, exam.take(rival)] if rival else [challenger]
    samples = replicate(scored, names, resamples=suite.resamples, seed=suite.seed)
    values = _defined({name: METRICS[name].value(challenger) for name in names}, asked)
    intervals = {
        name: interval
        for index, name in enumerate(names)
        if name in values and (interval := percentile(samples[0, index], suite.confidence))
    }
    checks = [
        check
        for name, limit in suite.limits.items()
        for check in _limits(name, limit, values[name], intervals.get(name))
    ]
    if suite.champion is not None:
        pair = samples[:, names.index(suite.champion.metric)]
        checks.append(_against(suite, suite.champion, scored, rival, pair, why_none))
    if suite.fairness is not None:
        groups = column(exam.frame, suite.fairness.slice, "fairness slice")
        checks.append(fairness.check(suite, suite.fairness, challenger, groups))
    judged_checks = [check for check in checks if not check.skipped]
    return SuiteResult(
        id=f"{suite.name}-{now():%Y%m%d-%H%M}-{uuid4().hex[:4]}",
        suite=suite.name,
        model=judged.name,
        champion=rival.name if rival else None,
        data=exam.data,
        rows=len(challenger),
        checks=checks,
        passed=bool(judged_checks) and all(check.passed for check in judged_checks),
        created=now(),
        confidence=suite.confidence,
        metrics=values,
        intervals={name: (item.low, item.high) for name, item in intervals.items()},
        task=suite.task,
        label=exam.label,
        positive=exam.positive,
    )


def _defined(values: dict[str, float], asked: Iterable[str]) -> dict[str, float]:
    """Leave out the metrics that the rows leave undefined, such as R² of one row."""
    for name in asked:
        if not isfinite(values[name]):
            raise UnsupportedData(f"{name} is undefined on these rows.", "Validate on more rows.")
    return {name: value for name, value in values.items() if isfinite(value)}


def _limits(name: str, limit: Limit, value: float, interval: Interval | None) -> Iterator[Check]:
    """Yield one check per side of a limit."""
    low, high = (interval.low, interval.high) if interval else (None, None)
    for side, bound, sign in ((limit.min, low, 1.0), (limit.max, high, -1.0)):
        if side is None:
            continue
        judged = value if limit.judge == "value" or bound is None else bound
        passed = bool(sign * judged >= sign * side)
        what = "value" if limit.judge == "value" else "confidence bound"
        relation = "below" if sign > 0 else "above"
        yield Check(
            name=f"{name} {'≥' if sign > 0 else '≤'} {side:g}",
            kind="limit",
            metric=name,
            value=value,
            low=low,
            high=high,
            limit=side,
            passed=passed,
            detail="" if passed else f"its {what}, {judged:.4g}, is {relation} {side:g}",
        )


def _against(
    suite: Suite,
    rule: ChampionRule,
    scored: list[Scored],
    rival: _Judged | None,
    pair: Array,
    why_none: str,
) -> Check:
    """Judge non-inferiority: the lower bound of the paired difference must be ≥ −margin.

    The difference is oriented so that positive is better for the challenger.
    """
    name = f"{rule.metric} − champion's ≥ {-rule.margin:g}"
    if rival is None:
        return Check(
            name=name,
            kind="champion",
            metric=rule.metric,
            value=None,
            limit=-rule.margin,
            skipped=True,
            detail=why_none,
        )
    metric = METRICS[rule.metric]
    metric.require(scored[1])
    new, old = metric.value(scored[0]), metric.value(scored[1])
    interval = percentile(metric.sign * (pair[0] - pair[1]), suite.confidence)
    passed = interval is not None and interval.low >= -rule.margin
    worse = "" if passed else f", may be worse by more than {rule.margin:g}"
    return Check(
        name=name,
        kind="champion",
        metric=rule.metric,
        value=metric.sign * (new - old),
        low=interval.low if interval else None,
        high=interval.high if interval else None,
        limit=-rule.margin,
        passed=passed,
        detail=f"{new:.4g} against {old:.4g} of {rival.name}{worse}",
    )


# -- keeping -------------------------------------------------------------------------------------


def _keep(result: SuiteResult, version: ModelVersion | None) -> SuiteResult:
    here = project.current()
    if version is not None:
        from mlnb.tracking import models

        tested = not all(check.skipped for check in result.checks)
        if tested and not result.passed:  # first, lest a crash leaves a refused version promotable
            models.set_gate(version.ref, False, result.id)
        here.store.append(f"validations/{version.name}", lambda _number: result.to_dict())
        if tested and result.passed:
            models.set_gate(version.ref, True, result.id)
    here.events.emit(
        "validation.finished",
        result.model,
        id=result.id,
        suite=result.suite,
        passed=result.passed,
        failed=[check.name for check in result.checks if not (check.passed or check.skipped)],
        metrics=result.metrics,
    )
    return result
