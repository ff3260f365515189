"""Registered models: the verdict is kept, the gate is set, the champion is the rival."""

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from mlnb import datasets, models, validation
from mlnb.core import project as projects
from mlnb.core.errors import GateRefused, SignatureMismatch, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import Check, SuiteResult

Fitted = Callable[..., LogisticRegression]
Flights = Callable[[int, int], pd.DataFrame]


@pytest.fixture
def registered(
    project: Project, fitted: Fitted, flights: Flights, test_flights: pd.DataFrame
) -> Iterator[Callable[..., str]]:
    """Register models on named features; the test data are the dataset ``test``."""
    datasets.save(flights(2000, 1), "train")
    datasets.save(test_flights, "test")

    def register(*features: str) -> str:
        example = test_flights[list(features)].head(20)
        return models.register(fitted(*features), "late", example=example, data=["train"]).ref

    yield register
    assert projects.current().root == project.root


def champion_check(result: SuiteResult) -> Check:
    [check] = [check for check in result.checks if check.kind == "champion"]
    return check


def test_the_verdict_is_kept_and_sets_the_gate(
    registered: Callable[..., str], suite: dict[str, Any], project: Project
) -> None:
    ref = registered("rain", "wind")
    assert models.resolve(ref).gate == "none"
    result = validation.run(suite, ref, "test@1")
    assert (result.model, result.data, result.rows) == ("late@1", "test@1", 3000)
    assert models.resolve(ref).gate == "passed"
    assert validation.history("late") == [result]
    assert validation.latest(ref) == result
    assert validation.latest("late@7") is None
    [entry] = project.store.entries("validations/late")
    assert SuiteResult.from_dict(entry.data) == result


def test_without_a_champion_the_comparison_is_skipped_and_says_so(
    registered: Callable[..., str], suite: dict[str, Any]
) -> None:
    check = champion_check(validation.run(suite, registered("rain", "wind"), "test"))
    assert check.skipped
    assert not check.passed
    assert check.detail == "there is no champion yet"


def test_a_worse_challenger_is_refused_and_cannot_be_promoted(
    registered: Callable[..., str], suite: dict[str, Any]
) -> None:
    models.promote(registered("rain", "wind"))
    worse = registered("rain")
    result = validation.run(suite, worse, "test")
    check = champion_check(result)
    assert result.champion == "late@1"
    assert not check.passed
    assert check.value is not None
    assert check.low is not None
    assert check.high is not None
    assert check.low < check.value < check.high < 0
    assert not result.passed
    with pytest.raises(GateRefused, match=r"late@2: roc_auc − champion's ≥ -0.005"):
        validation.gate(result)
    with pytest.raises(GateRefused):
        models.promote(worse)
    assert models.resolve("late@champion").ref == "late@1"


def test_an_equal_challenger_is_accepted_even_without_a_margin(
    registered: Callable[..., str], suite: dict[str, Any]
) -> None:
    models.promote(registered("rain", "wind"))
    suite["champion"]["margin"] = 0
    result = validation.run(suite, registered("rain", "wind"), "test")
    check = champion_check(result)
    assert (check.value, check.low, check.high) == (0, 0, 0)
    assert check.passed
    assert result.passed


def test_pairing_sees_what_separate_intervals_would_not(
    registered: Callable[..., str], suite: dict[str, Any]
) -> None:
    models.promote(registered("rain", "wind"))
    result = validation.run(suite, registered("rain", "wind", "noise"), "test")
    check = champion_check(result)
    low, high = result.intervals["roc_auc"]
    assert check.low is not None
    assert check.high is not None
    assert check.high - check.low < 0.2 * (high - low)
    assert check.passed


def test_lower_is_better_for_a_loss(registered: Callable[..., str], suite: dict[str, Any]) -> None:
    models.promote(registered("rain"))
    suite["champion"] = {"metric": "brier", "margin": 0}
    check = champion_check(validation.run(suite, registered("rain", "wind"), "test"))
    assert check.passed
    assert check.value is not None
    assert check.value > 0  # how much better, whichever way the metric points


def test_the_champion_itself_is_not_its_own_rival(
    registered: Callable[..., str], suite: dict[str, Any]
) -> None:
    models.promote(registered("rain", "wind"))
    check = champion_check(validation.run(suite, "late@champion", "test"))
    assert check.skipped
    assert check.detail == "it is the champion itself"


def test_a_named_rival(registered: Callable[..., str], suite: dict[str, Any]) -> None:
    registered("rain", "wind")
    result = validation.run(suite, registered("rain"), "test", champion="late@1")
    assert result.champion == "late@1"
    assert not result.passed


def test_a_model_of_the_notebook_meets_a_named_champion(
    registered: Callable[..., str],
    suite: dict[str, Any],
    fitted: Fitted,
    test_flights: pd.DataFrame,
    project: Project,
) -> None:
    registered("rain", "wind")
    result = validation.run(suite, fitted("rain"), test_flights, champion="late@1")
    assert result.model == "LogisticRegression (not registered)"
    assert not champion_check(result).passed
    assert project.store.logs("validations") == []


@pytest.mark.parametrize(
    ("model", "data", "champion", "kind"),
    [
        ("lat", "test", None, "Did you mean 'late'"),
        ("late@9", "test", None, "9"),
        ("late@1", "tset", None, "Did you mean 'test'"),
        ("late@1", "test@9", None, "9"),
        ("late@1", "test", "late@8", "8"),
    ],
)
def test_unknown_names_write_nothing(
    registered: Callable[..., str],
    suite: dict[str, Any],
    project: Project,
    model: str,
    data: str,
    champion: str | None,
    kind: str,
) -> None:
    registered("rain")
    with pytest.raises(UnknownName, match=kind):
        validation.run(suite, model, data, champion=champion)
    assert project.store.logs("validations") == []
    assert models.resolve("late@1").gate == "none"


def test_a_champion_that_cannot_be_scored_is_an_error_not_a_pass(
    registered: Callable[..., str], suite: dict[str, Any], test_flights: pd.DataFrame
) -> None:
    models.promote(registered("rain", "noise"))
    with pytest.raises(SignatureMismatch, match="'noise'"):
        validation.run(suite, registered("rain", "wind"), test_flights.drop(columns="noise"))


def test_a_suite_that_could_judge_nothing_tested_nothing(
    registered: Callable[..., str], suite: dict[str, Any]
) -> None:
    ref = registered("rain", "wind")
    only_champion = {key: value for key, value in suite.items() if key != "fairness"}
    only_champion["limits"] = {}
    only_champion.setdefault("champion", {"metric": "roc_auc", "margin": 0.01})
    result = validation.run(only_champion, ref, "test")
    assert [check.skipped for check in result.checks] == [True]
    assert not result.passed
    assert models.resolve(ref).gate == "none"
    with pytest.raises(GateRefused, match="champion"):
        validation.gate(result)
