from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlnb.pipelines.spec.units import amount, seconds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (90, 90),
        (0.5, 0.5),
        ("90s", 90),
        ("250ms", 0.25),
        ("10m", 600),
        ("1h30m", 5400),
        ("1.5 h", 5400),
        (" 2d ", 172800),
    ],
)
def test_times(text: Any, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (2, 2),
        ("2", 2),
        ("0.5", 0.5),
        ("4GB", 4_000_000_000),
        ("4 gb", 4_000_000_000),
        ("2GiB", 2 * 2**30),
        ("512Mi", 512 * 2**20),
        ("500M", 500_000_000),
    ],
)
def test_amounts(text: Any, value: float) -> None:
    assert amount(text) == value


@pytest.mark.parametrize("text", ["", "soon", "10", "10 parsecs", "m", "-5s", "1h x"])
def test_what_is_no_time_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no time; write seconds"):
        seconds(text)


@pytest.mark.parametrize("text", ["", "much", "4XB", "GB", "-4GB", "4GB 2"])
def test_what_is_no_amount_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount; write a number"):
        amount(text)


@given(hours=st.integers(0, 500), minutes=st.integers(0, 59), rest=st.integers(0, 59))
def test_parts_of_a_time_add_up(hours: int, minutes: int, rest: int) -> None:
    assert seconds(f"{hours}h{minutes}m{rest}s") == hours * 3600 + minutes * 60 + rest
