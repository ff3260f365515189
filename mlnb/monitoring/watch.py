"""The report: served data and realised performance against training data and validation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from mlnb.core import project
from mlnb.core.errors import BadInput, MlnbError, UnsupportedData
from mlnb.core.records import (
    DriftReport,
    FeatureDrift,
    ModelVersion,
    MonitorReport,
    SuiteResult,
    now,
)
from mlnb.monitoring import alarms, drift, kept, performance, periods
from mlnb.monitoring.drift import Rules
from mlnb.serving.outcomes import known
from mlnb.serving.prediction_reader import OWN
from mlnb.validation.reference import Reference, prepare

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 50_000
"""Rows of held-out data that the model predicts, at most, to compare its predictions with."""


def report(
    endpoint: str,
    *,
    by: str | None = "month",
    since: datetime | str | None = None,
    until: datetime | str | None = None,
    reference: Any = None,
    important: Sequence[str] = (),
    share: float = 0.2,
    metric: str | None = None,
    tolerance: float = 0.05,
) -> MonitorReport:
    """Compare what an endpoint served with what its model was trained on.

    Each period is compared with the training data of the model that served most of it. New
    findings are recorded as alerts, and the report is kept (`mlnb.monitoring.kept`).

    Parameters
    ----------
    endpoint : str
        Endpoint.
    by : {"month", "day"} or None
        Length of a period, on the time of the event; None for one period.
    since, until : datetime or ISO text, optional
        From ``since`` on, before ``until``.
    reference : str, Path or DataFrame, optional
        What to compare with, instead of the training data.
    important : sequence of str
        Features of which one alone makes a period drifted.
    share : float
        Else a period has drifted when this share of its features has, or its predictions.
    metric : str, optional
        Metric that may raise a performance alert; the validation suite's first by default.
    tolerance : float
        How far, as a share of the baseline, the better end of the metric's interval may be
        worse than the baseline.

    Raises
    ------
    UnknownName, BadInput, UnsupportedData
        Before anything is recorded.
    """
    from mlnb.serving import history, predictions

    periods.check(by)
    performance.check(metric, tolerance)
    settings = project.current().settings
    rules = Rules(settings.drift_psi, settings.drift_alpha, share, tuple(important))
    served = predictions(endpoint, since=since, until=until)
    parts = periods.split(served, by, periods.named(since, until))
    found = _reported(endpoint, parts, reference, rules)
    raised = [
        alert
        for period in found
        for alert in alarms.find(period, rules, metric=metric, tolerance=tolerance)
    ]
    made = MonitorReport(
        endpoint=endpoint,
        model=found[-1].model if found else history(endpoint)[-1].model,
        reference=found[-1].reference if found else "",
        created=now(),
        periods=found,
        alerts=alarms.record(endpoint, raised),
    )
    kept.keep(made)
    return made


def _reported(
    endpoint: str,
    parts: Iterable[tuple[str, "pd.DataFrame"]],
    reference: Any,
    rules: Rules,
) -> list[DriftReport]:
    truth = known(endpoint)
    watched: dict[str, _Watched] = {}
    found = []
    for name, part in parts:
        model = str(part["model"].value_counts().index[0])
        if model not in watched:
            watched[model] = _watched(model, reference, part)
            rules.check(list(watched[model].features))
        found.append(_period(endpoint, name, part, watched[model], truth, rules))
    return found


@dataclass(frozen=True)
class _Watched:
    """A model that served, with what its rows are compared with."""

    model: str
    reference: str
    features: dict[str, Reference]
    predictions: Reference | None
    promised: SuiteResult | None
    notes: list[str] = field(default_factory=list)


def _watched(model: str, given: Any, served: "pd.DataFrame") -> _Watched:
    from mlnb.tracking import models
    from mlnb.validation import latest

    version = models.resolve(model)
    inputs = [item.name for item in version.inputs]
    inputs = inputs or [name for name in served.columns if name not in OWN]
    frame, ref = _reference(version, given, inputs)
    lacking = [name for name in inputs if name not in frame.columns]
    notes = [f"not in the reference: {', '.join(lacking)}"] if lacking else []
    promised = latest(model)
    try:
        answers = _expected_answers(model, version, promised, frame, inputs)
    except MlnbError as error:
        answers = None
        notes.append(f"predictions not compared: {error.message}")
    return _Watched(
        model,
        ref,
        {name: prepare(frame[name]) for name in inputs if name not in lacking},
        None if answers is None else prepare(answers),
        promised,
        notes,
    )


def _reference(version: ModelVersion, given: Any, inputs: list[str]) -> tuple["pd.DataFrame", str]:
    """Return the reference rows, and the dataset version they are."""
    from mlnb import datasets
    from mlnb.validation.frames import table

    if given is not None:
        frame, ref = table(given)
        name = ref or "the given reference"
    else:
        name = ref = _training_data(version, inputs)
        frame = datasets.load(ref, columns=inputs)
    if not len(frame) or not set(inputs).intersection(frame.columns):
        raise UnsupportedData(
            f"{name} has no rows with features of {version.ref}.", "Give another reference."
        )
    return frame, ref


def _training_data(version: ModelVersion, inputs: list[str]) -> str:
    from mlnb import datasets

    for ref in version.data:
        if set(inputs) <= {item.name for item in datasets.resolve(ref).columns}:
            return ref
    listed = ", ".join(version.data) or "none"
    raise BadInput(
        f"No training data of {version.ref} has all its features (recorded: {listed}).",
        "Say what to compare with: --reference DATASET.",
    )


def _expected_answers(
    model: str,
    version: ModelVersion,
    promised: SuiteResult | None,
    frame: "pd.DataFrame",
    inputs: list[str],
) -> "pd.Series[Any] | None":
    """Return the model's answers on rows it has not learnt from, where there are such.

    A model is surer of its training data than of any other, so served predictions are compared
    with those on the held-out data of its validation; on the training data when there was none.
    """
    import pandas as pd

    from mlnb import datasets
    from mlnb.tracking import models

    if promised is not None and promised.data:
        frame = datasets.load(promised.data, columns=inputs)
    if not set(inputs) <= set(frame.columns):
        return None
    rows = frame[inputs]
    if len(rows) > SAMPLE:
        rows = rows.sample(SAMPLE, random_state=0)
    loaded = models.load(version.ref)
    if hasattr(loaded, "predict_proba") and len(getattr(loaded, "classes_", ())) == 2:
        return pd.Series(np.asarray(loaded.predict_proba(rows))[:, 1], name="score")
    return pd.Series(np.asarray(loaded.predict(rows)), name="prediction")


def _period(
    endpoint: str,
    name: str,
    part: "pd.DataFrame",
    watched: _Watched,
    truth: "pd.Series[Any]",
    rules: Rules,
) -> DriftReport:
    own = part[part["model"] == watched.model]
    notes = list(watched.notes)
    if len(own) < len(part):
        notes.append(f"{watched.model} served {len(own) / len(part):.0%} of the rows")
    features = drift.compare(watched.features, _renamed(part), rules)
    answers = _answers(own, watched, rules)
    worth = performance.realised(own, truth, watched.promised)
    if worth.note:
        notes.append(worth.note)
    return DriftReport(
        endpoint=endpoint,
        model=watched.model,
        period=name,
        rows=len(part),
        reference=watched.reference,
        features=features,
        drifted=drift.drifted(features, answers, rules),
        predictions=answers,
        labelled=worth.labelled,
        performance=worth.metrics,
        intervals=worth.intervals,
        baseline=performance.comparable(watched.promised, list(worth.metrics)),
        notes=notes,
    )


def _answers(own: "pd.DataFrame", watched: _Watched, rules: Rules) -> FeatureDrift | None:
    """Compare the model's own answers in a period: a test of its own, not one of many."""
    if watched.predictions is None:
        return None
    column = "score" if own["score"].notna().any() else "prediction"
    return drift.compare({column: watched.predictions}, own, rules)[0]


def _renamed(part: "pd.DataFrame") -> "pd.DataFrame":
    """Give inputs their own names back where the log had to set them off from its own columns."""
    clashes = {f"input_{name}": name for name in OWN if f"input_{name}" in part.columns}
    if not clashes:
        return part
    return part.drop(columns=list(clashes.values())).rename(columns=clashes)
