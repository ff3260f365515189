"""A model and a table become true and predicted values."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from mlnb.core.errors import SignatureMismatch, UnsupportedData
from mlnb.validation.scoring import given, inputs, positive_class, score, truth

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame({"x": RANDOM.normal(size=200), "z": RANDOM.normal(size=200)})
LATE = np.where(FRAME["x"] + RANDOM.normal(size=200) > 0, "late", "early")


@pytest.mark.parametrize(
    ("values", "wanted", "found"),
    [
        ([0, 1, 0], None, 1),
        ([True, False], 1, True),
        (["yes", "no"], "no", "no"),
        ([0.0, 1.0, 2.0], 2, 2.0),
    ],
)
def test_the_positive_class(values: list[Any], wanted: Any, found: Any) -> None:
    assert positive_class(pd.Series(values, name="y"), wanted) == found


def test_a_positive_class_that_does_not_occur() -> None:
    with pytest.raises(UnsupportedData, match=r"positive class 'lat'.*Did you mean 'late'"):
        positive_class(pd.Series(["late", "early"], name="y"), "lat")


def test_more_classes_than_two_need_the_suites_word() -> None:
    with pytest.raises(UnsupportedData, match="has 3 values"):
        positive_class(pd.Series([0, 1, 2], name="y"), None)


def test_missing_labels_are_refused() -> None:
    with pytest.raises(UnsupportedData, match="1 of 3 rows have no 'y'"):
        truth(pd.Series([0, None, 1], name="y"), "classification", 1)


def test_a_regressors_label_is_numeric() -> None:
    with pytest.raises(UnsupportedData, match="must be numeric"):
        truth(pd.Series(["a", "b"], name="y"), "regression", None)


def test_inputs_are_the_models_own_in_its_order() -> None:
    model = LogisticRegression().fit(FRAME[["z", "x"]], LATE)
    table = FRAME.assign(id=range(200), late=LATE)
    assert list(inputs(model, table, "late", [])) == ["z", "x"]
    assert list(inputs(model, table, "late", ["x"])) == ["x"]
    assert list(inputs(object(), table, "late", [])) == ["x", "z", "id"]


def test_a_missing_input_is_named() -> None:
    model = LogisticRegression().fit(FRAME, LATE)
    with pytest.raises(SignatureMismatch, match=r"Field 'z'") as caught:
        inputs(model, FRAME.drop(columns="z"), "late", [])
    assert caught.value.field == "z"


@pytest.mark.parametrize("positive", ["late", "early"])
def test_the_score_belongs_to_the_positive_class(positive: str) -> None:
    model = LogisticRegression().fit(FRAME, LATE)
    scored = score(model, FRAME, (positive == LATE).astype(float), "classification", positive)
    assert scored.score is not None
    assert scored.probability
    np.testing.assert_array_equal(scored.prediction, scored.score > 0.5)


@pytest.mark.parametrize("positive", ["late", "early"])
def test_a_margin_points_to_the_positive_class(positive: str) -> None:
    model = LinearSVC().fit(FRAME, LATE)
    scored = score(model, FRAME, (positive == LATE).astype(float), "classification", positive)
    assert scored.score is not None
    assert not scored.probability
    np.testing.assert_array_equal(scored.prediction, scored.score > 0)


def test_a_class_the_model_has_never_seen() -> None:
    model = LogisticRegression().fit(FRAME, LATE)
    with pytest.raises(UnsupportedData, match="does not know the class 'cancelled'"):
        score(model, FRAME, np.ones(200), "classification", "cancelled")


def test_a_regressor_gives_its_values() -> None:
    model = LinearRegression().fit(FRAME[["x"]], FRAME["z"])
    scored = score(model, FRAME[["x"]], FRAME["z"].to_numpy(), "regression", None)
    assert scored.score is None
    np.testing.assert_allclose(scored.prediction, model.predict(FRAME[["x"]]))


@pytest.mark.parametrize("wrong", [[0.5], [0.5, 1.5], [0.5, float("nan")], ["a", "b"]])
def test_given_predictions_are_checked(wrong: list[Any]) -> None:
    with pytest.raises(UnsupportedData):
        given(wrong, np.array([0.0, 1.0]), "classification")


class Lost(LinearRegression):
    """Answers with what is no number."""

    def predict(self, rows: pd.DataFrame) -> Any:
        return np.where(rows["x"] > 0, np.nan, 1.0)


def test_answers_that_are_no_numbers_are_refused() -> None:
    count = int((FRAME["x"] > 0).sum())
    with pytest.raises(UnsupportedData, match=f"{count} of the model's 200 values are no finite"):
        score(Lost(), FRAME, np.ones(200), "regression", None)
    words = LogisticRegression().fit(FRAME, LATE)
    with pytest.raises(UnsupportedData, match="values are no numbers"):
        score(words, FRAME, np.ones(200), "regression", None)
