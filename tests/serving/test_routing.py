import json
from collections import Counter
from typing import Any

import pytest

from mlnb.core.errors import BadInput
from mlnb.serving.messages import Request
from mlnb.serving.routing import Way, chosen, share_of


def request(number: int = 0, body: Any = None, **headers: str) -> Request:
    given = {key.encode(): value.encode() for key, value in headers.items()}
    made = Request("POST", "/invocations", b"", given, json.dumps(body).encode())
    made.id = f"request-{number}"
    return made


@pytest.mark.parametrize(("share", "least", "most"), [(0.1, 0.08, 0.12), (0.5, 0.47, 0.53)])
def test_a_canary_gets_its_share(share: float, least: float, most: float) -> None:
    way = Way(release=5, gate="", share=share)
    counts = Counter(chosen(way, request(number)) for number in range(5000))
    assert least < counts[True] / 5000 < most


def test_all_and_nothing_are_exact() -> None:
    assert all(chosen(Way(release=5, gate="", share=1.0), request(n)) for n in range(200))
    assert not any(chosen(Way(release=5, gate="", share=0.0), request(n)) for n in range(200))


FORMS: list[Any] = [
    lambda key: {"dataframe_records": [{"x": 1, "user": key}, {"x": 1, "user": "other"}]},
    lambda key: {"dataframe_split": {"columns": ["x", "user"], "data": [[1, key]]}},
    lambda key: {"instances": [{"user": key}]},
    lambda key: {"inputs": {"x": [1], "user": [key]}},
    lambda key: {"inputs": [{"name": "user", "shape": [1], "datatype": "BYTES", "data": [key]}]},
]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_value_goes_the_same_way_in_every_form(form: Any) -> None:
    way = Way(release=5, gate="", share=0.5, sticky_by="user")
    for user in range(50):
        ways = {chosen(way, request(number, form(f"u{user}"))) for number in range(10)}
        same = {chosen(way, request(99, other(f"u{user}"))) for other in FORMS}
        assert len(ways | same) == 1
    both = {chosen(way, request(1, form(f"u{user}"))) for user in range(50)}
    assert both == {True, False}


def test_a_header_can_be_the_key_and_a_larger_share_keeps_who_was_in() -> None:
    for user in range(200):
        asked = request(user, **{"x-user": str(user)})
        ways = [
            chosen(Way(release=5, gate="", share=share, sticky_by="header:X-User"), asked)
            for share in (0.1, 0.3, 0.6, 0.9)
        ]
        assert ways == sorted(ways)


def test_without_the_key_a_request_goes_by_itself() -> None:
    way = Way(release=5, gate="", share=0.5, sticky_by="user")
    bodies: list[Any] = [{}, [], {"inputs": {}}, {"instances": []}, {"dataframe_split": {}}]
    for body in bodies:
        assert {chosen(way, request(number, body)) for number in range(50)} == {True, False}


@pytest.mark.parametrize(
    ("text", "value"), [("10%", 0.1), ("0.25", 0.25), (1, 1.0), (" 5 % ", 0.05)]
)
def test_shares(text: Any, value: float) -> None:
    assert share_of(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "much", "101%", "-1", "2", "nan"])
def test_no_shares(text: str) -> None:
    with pytest.raises(BadInput, match="is no share"):
        share_of(text)
