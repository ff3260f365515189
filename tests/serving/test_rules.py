import numpy as np
import pytest

from mlnb.core.errors import BadInput
from mlnb.serving.rules import Seen, judge, parse, seconds, verdict


def seen(seed: int, requests: int = 500, failures: int = 0, slow: float = 1.0) -> Seen:
    random = np.random.default_rng(seed)
    return Seen(
        requests=requests,
        failures=failures,
        latencies=random.lognormal(1, 0.5, requests) * slow,
        scores=random.beta(2, 5, requests),
    )


def state(rule: str, tried: Seen, present: Seen) -> str:
    return judge(parse(rule), tried, present).state


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("errors<=2%", "errors<=0.02"),
        (" p95 <= 1.5x ", "p95<=1.5x"),
        ("p99<0.2s", "p99<=200ms"),
        ("psi<=0.2", "psi<=0.2"),
        ("accuracy>=0.95x", "accuracy>=0.95x"),
        ("label_mean>1", "label_mean>=1"),
    ],
)
def test_rules_are_read(text: str, same: str) -> None:
    assert str(parse(text)) == same
    assert parse(same) == parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("errors", "is no rule"),
        ("speed<=1", "no metric 'speed'"),
        ("error<=1", "Did you mean 'errors'"),
        ("errors<=1.2.3", "has no number"),
        ("errors<=20ms", "is no time"),
        ("psi<=2x", "compares with the current release already"),
    ],
)
def test_what_is_no_rule_is_refused(text: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse(text)
    assert message in f"{caught.value.message} {caught.value.fix}"


def test_durations() -> None:
    assert [seconds(text) for text in ("90", "90s", "1.5m", "2h", 7)] == [90, 90, 90, 7200, 7]
    with pytest.raises(BadInput, match="is no duration"):
        seconds("soon")


def test_nothing_is_judged_on_a_few_requests() -> None:
    for rule in ("errors<=1%", "p95<=1x", "psi<=0.1", "label_mean>=1"):
        assert state(rule, seen(1, 20, failures=20, slow=100), seen(2)) == "open"
        assert state(rule, seen(1, 20), seen(2, 20)) == "open"


def test_errors_break_a_rule() -> None:
    assert state("errors<=2%", seen(1, failures=50), seen(2)) == "broken"
    assert state("errors<=2%", seen(1, failures=5), seen(2)) == "kept"
    assert state("errors<=2%", seen(1, failures=12), seen(2)) == "open"  # it may be chance
    assert state("errors<=2x", seen(1, failures=100), seen(2, failures=10)) == "broken"
    assert state("errors<=2x", seen(1, failures=12), seen(2, failures=10)) == "kept"


def test_slowness_breaks_a_rule() -> None:
    assert state("p95<=1.5x", seen(1, slow=5), seen(2)) == "broken"
    assert state("p95<=1.5x", seen(1), seen(2)) == "kept"
    assert state("p99<=1s", seen(1), seen(2)) == "kept"
    assert state("p50<=1ms", seen(1), seen(2)) == "broken"


def test_drifting_scores_break_a_rule() -> None:
    drifted = seen(1)
    drifted.scores = np.random.default_rng(1).beta(5, 2, 500)
    found = judge(parse("psi<=0.2"), drifted, seen(2))
    assert found.state == "broken"
    assert found.reason.startswith("psi<=0.2: ")
    assert state("psi<=0.2", seen(1), seen(2)) == "kept"
    words = Seen(requests=300, scores=["a"] * 150 + ["b"] * 150)
    others = Seen(requests=300, scores=["a"] * 290 + ["b"] * 10)
    assert state("psi<=0.2", words, others) == "broken"


def test_outcomes_break_a_rule() -> None:
    random = np.random.default_rng(3)
    truth = random.integers(0, 2, 400)
    good = Seen(truth=truth.tolist(), predictions=truth.tolist(), labelled_scores=truth * 1.0)
    wrong = np.where(random.random(400) < 0.4, 1 - truth, truth)
    bad = Seen(truth=truth.tolist(), predictions=wrong.tolist(), labelled_scores=wrong * 1.0)
    for rule in ("accuracy>=0.95x", "accuracy>=0.9", "roc_auc>=0.95x"):
        assert state(rule, bad, good) == "broken", rule
        assert state(rule, good, good) == "kept", rule
    poor = Seen(truth=[0.0] * 300 + [1.0] * 20)
    rich = Seen(truth=[0.0] * 100 + [1.0] * 200)
    assert state("label_mean>=0.9x", poor, rich) == "broken"
    numbers = Seen(truth=list(random.normal(0, 1, 200)), predictions=[0.0] * 200)
    assert state("mae<=0.1", numbers, numbers) == "broken"


def test_the_same_model_twice_is_never_rolled_back() -> None:
    rules = [parse(text) for text in ("errors<=1.5x", "p95<=1.2x", "p99<=1.2x", "psi<=0.1")]
    for seed in range(150):
        tried = seen(2 * seed, 100 + 10 * seed, failures=1 + seed // 10)
        present = seen(2 * seed + 1, 10 * (100 + 10 * seed), failures=10 + seed)
        assert verdict([(rule, judge(rule, tried, present)) for rule in rules]) is None
