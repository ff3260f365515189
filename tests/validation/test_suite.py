"""Reading suites: what is accepted, and one clear error for everything else."""

from pathlib import Path
from typing import Any

import pytest

from mlnb.core.errors import EXIT_USAGE, InvalidSuite, MlnbError
from mlnb.validation import Suite

GOOD: dict[str, Any] = {"name": "gate", "label": "late", "limits": {"roc_auc": {"min": 0.6}}}


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text(
        "name: flight-delays\nlabel: delayed\npositive: 1\nconfidence: 0.9\n"
        "limits: {roc_auc: {min: 0.65}, brier: {max: 0.2, judge: bound}}\n"
        "champion: {metric: roc_auc, margin: 0.005}\n"
        "fairness: {slice: origin, metric: true_positive_rate, max_difference: 0.15}\n"
    )
    suite = Suite.read(file)
    assert suite.task == "classification"
    assert suite.metrics() == ["roc_auc", "brier", "true_positive_rate"]
    assert suite.limits["brier"].judge == "bound"
    assert suite.positive == 1
    assert Suite.read(suite) is suite


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"limts": {}}, "unknown key 'limts'. Did you mean 'limits'?"),
        (
            {"limits": {"roc_auc": {"mim": 1}}},
            "unknown key 'mim' in limits.roc_auc. Did you mean 'min'?",
        ),
        ({"limits": {"roc_acu": {"min": 1}}}, "no metric 'roc_acu'. Did you mean 'roc_auc'?"),
        ({"champion": {"metric": "broer"}}, "champion.metric: there is no metric 'broer'"),
        ({"champion": {"metric": "selection_rate"}}, "no better direction"),
        ({"champion": {"metric": "brier", "margin": -1}}, "champion.margin"),
        ({"fairness": {"slice": "a", "metric": "recall"}}, "fairness.max_difference"),
        ({"limits": {"roc_auc": {}}}, "give min, max or both"),
        ({"limits": {"roc_auc": {"min": 0.9, "max": 0.1}}}, "min 0.9 is above max 0.1"),
        ({"limits": {"roc_auc": {"min": float("nan")}}}, "limits.roc_auc.min"),
        ({"limits": {}}, "it has no check"),
        ({"limits": {"roc_auc": {"min": 0}, "mae": {"max": 1}}}, "mix metrics"),
        ({"confidence": 95}, "confidence"),
        ({"name": "a/b"}, "cannot name a suite"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(MlnbError) as caught:
        Suite.read({**GOOD, **change})
    assert message in str(caught.value)
    assert caught.value.exit_code == EXIT_USAGE


def test_a_missing_file_suggests_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text("name: x\n")
    with pytest.raises(InvalidSuite, match=r"Did you mean 'suite.yaml'"):
        Suite.read(tmp_path / "siute.yaml")


@pytest.mark.parametrize("text", ["- a\n- b\n", "", "name: [", "just words"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text(text)
    with pytest.raises(InvalidSuite, match=r"suite\.yaml"):
        Suite.read(file)
