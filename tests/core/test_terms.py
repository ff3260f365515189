import pytest

from mlnb.core.terms import Term, parse


def test_a_query_is_words_phrases_and_comparisons():
    assert parse('Late "two words" roc_auc>=0.8 family=Boost') == [
        Term("late"),
        Term("two words"),
        Term("roc_auc>=0.8", "roc_auc", ">=", "0.8"),
        Term("family=boost", "family", "=", "Boost"),
    ]


@pytest.mark.parametrize(
    ("query", "text"), [("roc_auc>", "roc_auc>"), ('"half', "half"), ("=", "=")]
)
def test_what_is_still_being_typed_is_a_word(query, text):
    assert parse(query) == [Term(text)]


@pytest.mark.parametrize("query", ["", "   ", '""'])
def test_nothing_is_no_term(query):
    assert parse(query) == []


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("flight", True),
        ("FLIGHT", True),
        ("hotel", False),
        ("depth=7", True),
        ("depth=7.0", True),
        ("depth>6", True),
        ("depth!=7", False),
        ("family=boo", True),
        ("family=oost", False),
        ("family!=boo", False),
        ("family>3", False),
        ("unknown=1", False),
        ("loss<1", False),
    ],
)
def test_a_term_holds_or_not(query, holds):
    [term] = parse(query)
    values = {"depth": 7, "family": "Boosting", "loss": float("nan")}
    assert term.holds(["Flights", "train.ipynb"], values) is holds
