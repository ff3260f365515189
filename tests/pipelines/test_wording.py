from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlnb.pipelines.wording import duration, shown

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.21, "3.2 s"), (125, "2 min 05 s"), (3725, "1 h 02 min")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(BEGIN, BEGIN + timedelta(seconds=seconds)) == text
    assert duration(None, None) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2013, "2013"),
        (0.123456, "0.1235"),
        (True, "yes"),
        (None, "none"),
        ([1, "a"], "1, a"),
        ({"a": [1, 2], "b": {"c": None}}, "a=[1, 2], b={c=none}"),
        ("x" * 400, "x" * 299 + "…"),
    ],
)
def test_values(value: Any, text: str) -> None:
    assert shown(value) == text
