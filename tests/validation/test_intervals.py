"""Bootstrap from counts: scikit-learn's values, right coverage, pairing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from mlnb.validation import intervals
from mlnb.validation.intervals import measure, percentile, replicate
from mlnb.validation.metrics import METRICS, Scored

CLASSIFIERS = [name for name, metric in METRICS.items() if metric.task == "classification"]
REGRESSORS = [name for name, metric in METRICS.items() if metric.task == "regression"]


def classified(rows: int, seed: int, *, digits: int = 1) -> Scored:
    """Make scores with many ties."""
    random = np.random.default_rng(seed)
    truth = (random.random(rows) < 0.4).astype(float)
    score = np.clip(np.round(0.3 + 0.3 * truth + random.normal(0, 0.2, rows), digits), 0, 1)
    return Scored(truth, (score >= 0.5).astype(float), score, probability=True)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(20, 120))
def test_a_resample_has_the_value_scikit_learn_gives_with_weights(seed: int, rows: int) -> None:
    scored = classified(rows, seed)
    counts = next(intervals._resampled(rows, 1, seed))
    drawn = np.repeat(np.arange(rows), counts[0].astype(int))
    again = scored.rows(drawn)
    assert len(again) == rows
    if len(np.unique(again.truth)) < 2:
        return
    values = replicate([scored], CLASSIFIERS, resamples=1, seed=seed)[0, :, 0]
    expected = [METRICS[name].value(again) for name in CLASSIFIERS]
    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-12)


def test_a_regressors_resample_has_the_value_scikit_learn_gives() -> None:
    random = np.random.default_rng(3)
    truth = 1e4 + random.normal(size=200)
    scored = Scored(truth, truth + random.normal(size=200))
    counts = next(intervals._resampled(200, 1, 5))[0]
    values = replicate([scored], ["mae", "rmse", "r2"], resamples=1, seed=5)[0, :, 0]
    arrays = (scored.truth, scored.prediction, counts)
    assert values == pytest.approx(
        [
            sk.mean_absolute_error(arrays[0], arrays[1], sample_weight=counts),
            sk.root_mean_squared_error(arrays[0], arrays[1], sample_weight=counts),
            sk.r2_score(arrays[0], arrays[1], sample_weight=counts),
        ]
    )


def test_the_same_seed_gives_the_same_interval_in_blocks_of_any_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scored = classified(500, 1)
    first = replicate([scored], CLASSIFIERS, resamples=200, seed=7)
    monkeypatch.setattr(intervals, "_CELLS", 500 * 3)
    np.testing.assert_allclose(replicate([scored], CLASSIFIERS, resamples=200, seed=7), first)
    assert (replicate([scored], CLASSIFIERS, resamples=200, seed=8) != first).any()


def test_the_mean_interval_is_the_normal_one() -> None:
    scored = classified(4000, 2)
    accuracy = METRICS["accuracy"].value(scored)
    interval = percentile(
        replicate([scored], ["accuracy"], resamples=4000, seed=0)[0, 0], confidence=0.95
    )
    assert interval is not None
    half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / 4000)
    assert interval.low == pytest.approx(accuracy - half, abs=0.1 * half)
    assert interval.high == pytest.approx(accuracy + half, abs=0.1 * half)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        truth = (random.random(300) < 0.5).astype(float)
        score = truth + random.normal(0, 1, 300)  # true area: Φ(1/√2) = 0.760250
        samples = replicate([Scored(truth, truth, score)], ["roc_auc"], resamples=400, seed=seed)
        interval = percentile(samples[0, 0], 0.9)
        assert interval is not None
        covered += interval.low <= 0.760250 <= interval.high
    assert 165 <= covered <= 193  # 180 expected, three standard deviations are 12.7


def test_models_are_resampled_together() -> None:
    scored = classified(1000, 4)
    slightly = Scored(scored.truth, scored.prediction, scored.score**1.001, True)  # type: ignore[operator]  # it has scores
    pair = replicate([scored, slightly], ["brier"], resamples=300, seed=0)[:, 0]
    assert np.std(pair[0] - pair[1]) < 0.01 * np.std(pair[0])


def test_an_undefined_metric_has_no_interval() -> None:
    one_class = Scored(np.ones(50), np.ones(50), np.linspace(0, 1, 50), True)
    samples = replicate([one_class], ["roc_auc"], resamples=100, seed=0)
    assert percentile(samples[0, 0], 0.95) is None


def test_measuring_gives_scikit_learns_values() -> None:
    scored = classified(700, 9)
    expected = {name: METRICS[name].value(scored) for name in CLASSIFIERS}
    assert measure(scored, CLASSIFIERS) == pytest.approx(expected, rel=1e-12)
