"""A model and a table → true and predicted values (`Scored`)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlnb.core.errors import SignatureMismatch, UnsupportedData, suggestion
from mlnb.validation.metrics import Array, Scored, Task

if TYPE_CHECKING:
    import pandas as pd


def positive_class(labels: "pd.Series[Any]", wanted: Any) -> Any:
    """Return the positive class as the labels write it.

    Parameters
    ----------
    labels : Series
        Without missing values.
    wanted : object
        As the suite names it; None for the greater of two.

    Raises
    ------
    UnsupportedData
        If it does not occur, or is not given and there are more than two classes.
    """
    classes = sorted(labels.unique().tolist(), key=lambda value: (str(type(value)), value))
    if wanted is None:
        if len(classes) > 2:
            raise UnsupportedData(
                f"The label {labels.name!r} has {len(classes)} values.",
                "Say in the suite which is `positive`.",
            )
        return classes[-1]
    for value in classes:
        if value == wanted:
            return value
    known = [str(value) for value in classes]
    raise UnsupportedData(
        f"No row of {labels.name!r} has the positive class {wanted!r}.",
        suggestion(str(wanted), known),
    )


def truth(labels: "pd.Series[Any]", task: Task, positive: Any) -> Array:
    """Return the labels as numbers.

    Raises
    ------
    UnsupportedData
        If some are missing, or a regressor's are no numbers.
    """
    missing = int(labels.isna().sum())
    if missing:
        raise UnsupportedData(
            f"{missing:,} of {len(labels):,} rows have no {labels.name!r}.",
            "Leave out the rows whose label is not known.",
        )
    if not len(labels):
        raise UnsupportedData("The data has no rows.", "Validate on held-out rows.")
    if task == "classification":
        return np.asarray(labels == positive, dtype=float)
    try:
        return np.asarray(labels, dtype=float)
    except (TypeError, ValueError):
        raise UnsupportedData(
            f"The label {labels.name!r} is {labels.dtype}, and a regressor's must be numeric.",
            "Use metrics of classifiers, or another label.",
        ) from None


def inputs(model: Any, frame: "pd.DataFrame", label: str, known: Sequence[str]) -> "pd.DataFrame":
    """Return the columns that a model takes, in its order.

    Parameters
    ----------
    model : estimator
        Asked for ``feature_names_in_`` when the signature is not known.
    frame : DataFrame
        With more columns, such as ids and times.
    label : str
        Never an input.
    known : sequence of str
        The registered signature's names; empty when there is none.

    Raises
    ------
    SignatureMismatch
        If an input is not in the table.
    """
    names = list(known) or [str(name) for name in getattr(model, "feature_names_in_", [])]
    if not names:
        return frame.drop(columns=label, errors="ignore")
    for name in names:
        if name not in frame.columns:
            raise SignatureMismatch(
                name,
                "the model takes it and the data has no such column",
                fix=suggestion(name, frame.columns),
            )
    return frame[names]


def score(model: Any, rows: "pd.DataFrame", actual: Array, task: Task, positive: Any) -> Scored:
    """Let a model predict.

    Raises
    ------
    UnsupportedData
        If the model does not know the positive class, or gives something else than one finite
        value per row.
    """
    predicted = np.asarray(model.predict(rows))
    if predicted.shape != actual.shape:
        raise UnsupportedData(
            f"The model gives values of shape {predicted.shape} for {len(actual):,} rows.",
            "Only models with one prediction per row can be validated.",
        )
    if task == "regression":
        return Scored(actual, _numbers(predicted, "values"))
    decided = (predicted == positive).astype(float)
    values, probability = _positive_score(model, rows, positive)
    values = None if values is None else _numbers(values, "scores")
    return Scored(actual, decided, values, probability)


def _numbers(found: Any, what: str) -> Array:
    try:
        values = np.asarray(found, dtype=float)
    except (TypeError, ValueError):
        raise UnsupportedData(f"The model's {what} are no numbers.") from None
    bad = int((~np.isfinite(values)).sum())
    if bad:
        raise UnsupportedData(
            f"{bad:,} of the model's {len(values):,} {what} are no finite numbers.",
            "Look for missing or extreme inputs in these rows.",
        )
    return values


def _positive_score(model: Any, rows: "pd.DataFrame", positive: Any) -> tuple[Array | None, bool]:
    if not hasattr(model, "predict_proba") and not hasattr(model, "decision_function"):
        return None, False
    classes = list(getattr(model, "classes_", [0, 1]))
    if positive not in classes:
        raise UnsupportedData(
            f"The model does not know the class {positive!r}.",
            suggestion(str(positive), [str(item) for item in classes]),
        )
    index = classes.index(positive)
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(rows), dtype=float)[:, index], True
    margin = np.asarray(model.decision_function(rows), dtype=float)
    if margin.ndim == 1:
        return (margin if index == 1 else -margin), False
    return margin[:, index], False


def given(predictions: Any, actual: Array, task: Task) -> Scored:
    """Take predictions made elsewhere: probabilities of the positive class, or values.

    Raises
    ------
    UnsupportedData
        If they are not one number per row, or no probabilities.
    """
    try:
        values = np.asarray(predictions, dtype=float)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape != actual.shape or not np.isfinite(values).all():
        raise UnsupportedData(
            f"The predictions are not one finite number for each of {len(actual):,} rows.",
            "Give the positive class's probability (or a regressor's value) per row.",
        )
    if task == "regression":
        return Scored(actual, values)
    if values.min() < 0 or values.max() > 1:
        raise UnsupportedData("The predictions are no probabilities: some lie outside 0 to 1.")
    return Scored(actual, (values >= 0.5).astype(float), values, probability=True)
