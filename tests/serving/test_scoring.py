from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from mlnb.serving.scoring import Scorer, plain

RANDOM = np.random.default_rng(0)
FRAME = pd.DataFrame(RANDOM.normal(size=(120, 3)), columns=["a", "b", "c"])
TWO = (FRAME["a"] > 0).map({True: "late", False: "on time"})
THREE = pd.cut(FRAME["a"], 3, labels=["z", "a", "m"]).astype(str)


def test_a_binary_classifier_gives_the_probability_of_the_positive_class() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME, TWO)
    predictions, scores = Scorer(model)(FRAME)
    assert (predictions == model.predict(FRAME)).all()
    np.testing.assert_array_equal(scores, model.predict_proba(FRAME)[:, 1])
    assert model.classes_[1] == "on time"


def test_a_multiclass_one_gives_the_probability_of_what_it_predicts() -> None:
    model = LogisticRegression().fit(FRAME, THREE)
    predictions, scores = Scorer(model)(FRAME)
    np.testing.assert_array_equal(scores, model.predict_proba(FRAME).max(axis=1))
    assert (predictions == model.predict(FRAME)).all()


def test_predictions_are_the_models_own_also_when_it_moves_the_threshold() -> None:
    inner = LogisticRegression().fit(FRAME, TWO == "late")
    model = FixedThresholdClassifier(inner, threshold=0.9).fit(FRAME, TWO == "late")
    predictions, scores = Scorer(model)(FRAME)
    assert (predictions == model.predict(FRAME)).all()
    assert scores is not None
    assert (predictions == (scores >= 0.9)).all()
    assert (predictions != (scores >= 0.5)).any()


@pytest.mark.parametrize("model", [LinearRegression(), HistGradientBoostingRegressor()])
def test_a_regressor_gives_no_score(model: object) -> None:
    fitted = model.fit(FRAME, FRAME["b"])  # type: ignore[attr-defined]
    predictions, scores = Scorer(fitted)(FRAME)
    assert scores is None
    np.testing.assert_array_equal(predictions, fitted.predict(FRAME))


def test_a_classifier_without_probabilities_gives_no_score() -> None:
    assert Scorer(LinearSVC().fit(FRAME, TWO))(FRAME)[1] is None


def test_the_transformers_of_a_pipeline_run_once() -> None:
    calls: list[int] = []

    def count(data: pd.DataFrame) -> pd.DataFrame:
        calls.append(len(data))
        return data

    model = make_pipeline(FunctionTransformer(count), LogisticRegression()).fit(FRAME, TWO)
    calls.clear()
    Scorer(model)(FRAME)
    assert calls == [len(FRAME)]


def test_plain_predictions() -> None:
    assert plain(np.array(["a", "b"], dtype=object)) == ["a", "b"]
    assert plain(np.array([1, 2])).dtype == np.int64
    assert plain(np.array([[1.0], [2.0]]).T).flags["C_CONTIGUOUS"]


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingClassifier(max_iter=20),
        RandomForestClassifier(n_estimators=4, max_depth=2),  # few trees: ties happen
        ExtraTreesClassifier(n_estimators=2, max_depth=1, bootstrap=True),
    ],
)
@pytest.mark.parametrize("target", [TWO, THREE], ids=["two", "three"])
def test_the_most_probable_class_is_what_the_model_predicts(model: Any, target: pd.Series) -> None:
    noisy = target.sample(frac=1, random_state=1).to_numpy()
    coarse = FRAME.round(0)
    fitted = make_pipeline(StandardScaler(), clone(model)).fit(coarse, noisy)
    predictions, scores = Scorer(fitted)(coarse)
    assert (predictions == fitted.predict(coarse)).all()
    probabilities = fitted.predict_proba(coarse)
    expected = probabilities[:, 1] if probabilities.shape[1] == 2 else probabilities.max(axis=1)
    np.testing.assert_array_equal(scores, expected)


def test_ties_are_settled_by_the_model() -> None:
    model = RandomForestClassifier(n_estimators=2, bootstrap=False, max_features=1)
    model.fit([[0.0], [0.0]], ["late", "on time"])
    scorer = Scorer(model)
    predictions, scores = scorer(np.array([[0.0]]))  # type: ignore[arg-type]
    assert list(scores or []) == [0.5]
    assert list(predictions) == list(model.predict([[0.0]]))


def test_several_outputs_have_no_score() -> None:
    both = np.column_stack([TWO, TWO])
    model = RandomForestClassifier(n_estimators=2).fit(FRAME, both)
    predictions, scores = Scorer(model)(FRAME)
    assert predictions.shape == (len(FRAME), 2)
    assert scores is None
