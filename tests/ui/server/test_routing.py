import re
from dataclasses import dataclass

import pytest

from mlnb.core.errors import BadInput
from mlnb.core.records import Record
from mlnb.ui.server.routing import Blob, Route


@dataclass(frozen=True, kw_only=True)
class Wish(Record):
    line: str
    times: int = 1


def point(_source, *, run: str, key: str, after: int = 0, name: list[str] = ()) -> Blob:
    """Answer."""


def wish(_source, *, body: Wish, strict: bool) -> Wish:
    """Answer."""


POINT = Route("GET", "/runs/{run}/metrics/{key}", point)
WISH = Route("POST", "/wishes", wish, "execute")


def test_a_path_matches_whole_parts_only():
    assert POINT.name == "GET /runs/{run}/metrics/{key}"
    found = re.fullmatch(POINT.pattern, "/runs/a-1/metrics/auc")
    assert found.groupdict() == {"run": "a-1", "key": "auc"}
    assert not re.fullmatch(POINT.pattern, "/runs/a/b/metrics/auc")


def test_arguments_come_from_path_query_and_body_with_their_types():
    path = {"run": "a", "key": "auc"}
    assert POINT.arguments(path, {}, b"") == path
    query = {"after": ["7"], "name": ["x", "y"]}
    assert POINT.arguments(path, query, b"") == {**path, "after": 7, "name": ["x", "y"]}
    body = b'{"format": 1, "line": "%run list"}'
    found = WISH.arguments({}, {"strict": ["true"]}, body)
    assert found == {"body": Wish(line="%run list"), "strict": True}
    assert WISH.returns is Wish


@pytest.mark.parametrize(
    ("query", "body", "says"),
    [
        ({}, b'{"line": "x"}', "does not say 'strict'"),
        ({"strict": ["perhaps"]}, b'{"line": "x"}', "'strict' is wrong"),
        ({"strict": ["1"], "other": ["2"]}, b'{"line": "x"}', "'other', which POST /wishes"),
        ({"strict": ["1"]}, b"{", "no JSON"),
        ({"strict": ["1"]}, b"", "no JSON object"),
        ({"strict": ["1"]}, b'["line"]', "no JSON object"),
        ({"strict": ["1"]}, b"{}", "'body.line' is wrong"),
        ({"strict": ["1"]}, b'{"line": "x", "tmies": 2}', "'tmies', which is not known"),
        ({"strict": ["1"]}, b'{"line": "x", "times": "many"}', "'body.times' is wrong"),
    ],
)
def test_what_does_not_fit_is_one_clear_error(query, body, says):
    with pytest.raises(BadInput, match=re.escape(says)):
        WISH.arguments({}, query, body)


def test_a_function_takes_what_its_path_names():
    with pytest.raises(TypeError, match="number"):
        _ = Route("GET", "/runs/{number}", wish).parameters
