import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
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
