"""Compiled pipelines beside the originals: equal bit for bit, or not used."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)

from mlnb.core.records import Column
from mlnb.serving.casting import Schema
from mlnb.serving.comparing import REPORT, Parity, report_in
from mlnb.serving.fields import fields_of
from mlnb.serving.parity import PLAN, engine_in, prepare
from mlnb.serving.scoring import SCORE_TOLERANCE, Scorer

RANDOM = np.random.default_rng(0)
ROWS = 400
FRAME = pd.DataFrame(RANDOM.normal(size=(ROWS, 3)), columns=["a", "b", "c"])
FRAME["n"] = RANDOM.integers(0, 24, ROWS)
FRAME["carrier"] = RANDOM.choice(["AA", "UA", "WN"], ROWS)
NUMBERS = ["a", "b", "c", "n"]
TWO = (FRAME["a"] + FRAME["n"] / 12 > 1).map({True: "late", False: "on time"})
THREE = pd.cut(FRAME["a"], 3, labels=["z", "a", "m"]).astype(str)
COUNTED = FRAME["a"] * 3 + FRAME["n"]
TYPES = {"n": "int64", "carrier": "large_string"}
FIELDS = fields_of([Column(name=name, type=TYPES.get(name, "double")) for name in FRAME])
SCHEMA = Schema(FIELDS)


def rows_of(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in frame.to_numpy(dtype=object).tolist()]


def columns(*numbers: Any) -> Any:
    return make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["carrier"]), *numbers, sparse_threshold=0
    )


def ordinal() -> Any:
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    return make_column_transformer((codes, ["carrier"]), remainder="passthrough")


COMPILED = {
    "logistic": (columns((StandardScaler(), NUMBERS)), LogisticRegression(), TWO),
    "logistic, three": (columns((StandardScaler(), NUMBERS)), LogisticRegression(), THREE),
    "linear": (columns((MinMaxScaler(), NUMBERS)), LinearRegression(), COUNTED),
    "ridge": (columns(("passthrough", NUMBERS)), Ridge(), COUNTED),
    "boosting": (
        columns((StandardScaler(), NUMBERS)),
        GradientBoostingClassifier(n_estimators=30),
        TWO,
    ),
    "boosting, three": (ordinal(), GradientBoostingClassifier(n_estimators=10), THREE),
    "boosting, numbers": (ordinal(), GradientBoostingRegressor(n_estimators=30), COUNTED),
    "histogram": (ordinal(), HistGradientBoostingClassifier(max_iter=30), TWO),
    "histogram, three": (ordinal(), HistGradientBoostingClassifier(max_iter=10), THREE),
    "histogram, numbers": (ordinal(), HistGradientBoostingRegressor(max_iter=30), COUNTED),
    "imputed": (
        columns((make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS)),
        LogisticRegression(),
        TWO,
    ),
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a function that fits, compiles and compares a case once."""
    known: dict[str, Any] = {}

    def prepare_once(name: str) -> Any:
        if name not in known:
            before, final, target = COMPILED[name]
            model = make_pipeline(before, final).fit(FRAME, target)
            folder = tmp_path_factory.mktemp("engine")
            report = prepare(model, FIELDS, rows_of(FRAME.head(30)), folder)
            known[name] = (model, report, engine_in(folder, lambda: Scorer(model)))
        return known[name]

    return prepare_once


@pytest.mark.parametrize("name", COMPILED)
def test_what_is_compiled_predicts_bit_for_bit_what_the_notebook_does(
    prepared: Any, name: str
) -> None:
    model, report, engine = prepared(name)
    assert report.engine == ("numpy" if name.startswith(("l", "r", "im")) else "onnx"), report
    assert report.recorded == 30
    assert report.edges > 100
    for frame in (FRAME, FRAME.head(1), FRAME.head(7)):
        given = list(zip(*rows_of(frame), strict=True))
        predictions, scores = engine.answer(SCHEMA, given)
        np.testing.assert_array_equal(predictions, model.predict(frame))
        if scores is not None:
            probable = model.predict_proba(frame)
            expected = probable[:, 1] if probable.shape[1] == 2 else probable.max(axis=1)
            np.testing.assert_allclose(scores, expected, atol=SCORE_TOLERANCE, rtol=0)


VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=64),
    st.floats(-3, 3),
    st.sampled_from(FRAME["a"].tolist()),
    st.none(),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from(["logistic", "boosting", "histogram", "boosting, numbers", "ridge"]),
    rows=st.lists(
        st.tuples(
            VALUES,
            VALUES,
            VALUES,
            st.integers(-(2**63), 2**63 - 1),
            st.one_of(st.none(), st.text(max_size=3), st.sampled_from(["AA", "WN"])),
        ),
        min_size=1,
        max_size=4,
    ),
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_input_tells_them_apart(prepared: Any, name: str, rows: list[Any]) -> None:
    model, _, engine = prepared(name)
    given = list(zip(*rows, strict=True))
    try:
        expected = Scorer(model).answer(SCHEMA, given)[0]
    except ValueError:
        with pytest.raises(ValueError, match=r"neither missing nor infinite|does not know"):
            engine.answer(SCHEMA, given)
        return
    np.testing.assert_array_equal(engine.answer(SCHEMA, given)[0], expected)


class Shifted(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, _data: Any, _target: Any = None) -> "Shifted":
        return self

    def transform(self, data: Any) -> Any:
        return data


class Contrary(LogisticRegression):  # type: ignore[misc]
    def predict(self, data: Any) -> Any:
        return super().predict(data)[::-1]


class Whimsical(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    def fit(self, _data: Any, target: Any) -> "Whimsical":
        self.classes_ = np.unique(target)
        return self

    def predict(self, data: Any) -> Any:
        return np.repeat(self.classes_[0], len(data))


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([RandomForestClassifier(n_estimators=2)], "RandomForestClassifier"),
        ([FunctionTransformer(np.cbrt), LogisticRegression()], "FunctionTransformer"),
        ([Shifted(), LogisticRegression()], "Shifted"),
        ([Contrary()], "Contrary"),
        ([Whimsical()], "Whimsical"),
        ([MinMaxScaler(clip=True), LogisticRegression()], "MinMaxScaler"),
    ],
)
def test_what_is_not_understood_is_left_to_scikit_learn(
    steps: list[Any], reason: str, tmp_path: Path
) -> None:
    fields = [field for field in FIELDS if field.name in NUMBERS]
    model = make_pipeline(*steps).fit(FRAME[NUMBERS], TWO)
    report = prepare(model, fields, rows_of(FRAME[NUMBERS].head(10)), tmp_path / "engine")
    assert report.engine == "scikit-learn"
    assert reason in report.reason
    assert engine_in(tmp_path / "engine", lambda: None) is None
    assert report_in(tmp_path / "engine") == report


def test_a_plan_that_is_not_equal_is_not_used(tmp_path: Path) -> None:
    """A fitted model whose insides lie about what it does, as a patched version's might."""
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(FRAME[NUMBERS], TWO)
    scaler = model.steps[0][1]
    scaler.transform = lambda data: (np.asarray(data) - scaler.mean_) / scaler.scale_ + 1e-3
    fields = [field for field in FIELDS if field.name in NUMBERS]
    report = prepare(model, fields, rows_of(FRAME[NUMBERS].head(10)), tmp_path)
    assert report.engine == "scikit-learn"
    assert "differ" in report.reason
    assert not (tmp_path / PLAN).exists()


def test_without_recorded_rows_nothing_is_compared_and_so_nothing_used(tmp_path: Path) -> None:
    model = LogisticRegression().fit(FRAME[NUMBERS], TWO)
    fields = [field for field in FIELDS if field.name in NUMBERS]
    report = prepare(model, fields, [], tmp_path)
    assert report.engine == "scikit-learn"
    assert "no recorded rows" in report.reason


def test_a_decision_on_the_line_is_the_originals(tmp_path: Path) -> None:
    frame = pd.DataFrame({"x": [-1.0, 1.0, -2.0, 2.0]})
    model = LogisticRegression().fit(frame, [0, 1, 0, 1])
    model.intercept_ = np.array([0.0])
    fields = fields_of([Column(name="x", type="double")])
    assert prepare(model, fields, rows_of(frame), tmp_path).engine == "numpy"
    asked = []

    def original() -> Scorer:
        asked.append(1)
        return Scorer(model)

    engine = engine_in(tmp_path, original)
    assert engine is not None
    assert engine.answer(Schema(fields), [(1.0,)])[0].tolist() == [1]
    assert not asked
    assert engine.answer(Schema(fields), [(0.0, 1e-12)])[0].tolist() == [0, 1]
    assert asked == [1]


def test_a_compiled_model_needs_neither_scikit_learn_nor_pandas(tmp_path: Path) -> None:
    before, final, target = COMPILED["boosting"]
    model = make_pipeline(before, final).fit(FRAME, target)
    assert prepare(model, FIELDS, rows_of(FRAME.head(5)), tmp_path).engine == "onnx"
    code = """
import sys
from pathlib import Path
from mlnb.core.records import Column
from mlnb.serving.casting import Schema
from mlnb.serving.fields import fields_of
from mlnb.serving.parity import engine_in
types = {"n": "int64", "carrier": "string"}
names = ["a", "b", "c", "n", "carrier"]
schema = Schema(fields_of([Column(name=n, type=types.get(n, "double")) for n in names]))
engine = engine_in(Path(sys.argv[1]), None)
print(engine.answer(schema, [(0.5,), (0.1,), (0.2,), (12,), ("AA",)])[0].tolist())
print([name for name in ("sklearn", "pandas", "pyarrow", "scipy", "mlflow") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=True,
    )
    row = pd.DataFrame([[0.5, 0.1, 0.2, 12, "AA"]], columns=list(FRAME))
    assert done.stdout.splitlines() == [str(model.predict(row).tolist()), "[]"]


def test_a_report_of_format_1_is_read() -> None:
    report = report_in(Path(__file__).parent / "formats" / "engine-1")
    assert (report.engine, report.recorded, report.refused) == ("onnx", 100, 6)
    assert Parity.from_dict(report.to_dict()) == report
    assert "on 100 recorded rows and 569 edge cases (6 refused by both)" in report.words


def test_a_plan_of_format_1_answers() -> None:
    engine = engine_in(Path(__file__).parent / "formats" / "engine-1", lambda: None)
    assert engine is not None
    assert (Path(__file__).parent / "formats" / "engine-1" / REPORT).is_file()
    predictions, scores = engine.answer(SCHEMA, list(zip(*rows_of(FRAME.head(3)), strict=True)))
    assert predictions.tolist() == [1, 1, 1]
    assert scores is not None
    assert [round(score, 6) for score in scores] == [0.664855] * 3
