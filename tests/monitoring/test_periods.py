"""Splitting served rows by the time of the event."""

import pandas as pd
import pytest

from mlnb.core.errors import BadInput
from mlnb.monitoring.periods import check, named, split

TIMES = pd.to_datetime(
    ["2013-01-31T23:59:59Z", "2013-02-01T00:00:00Z", "2013-02-28T12:00:00Z", "2013-04-01T00:00:00Z"]
)
SERVED = pd.DataFrame({"time": TIMES, "x": range(4)})


@pytest.mark.parametrize(
    ("by", "found"),
    [
        ("month", {"2013-01": [0], "2013-02": [1, 2], "2013-04": [3]}),
        (
            "day",
            {"2013-01-31": [0], "2013-02-01": [1], "2013-02-28": [2], "2013-04-01": [3]},
        ),
        (None, {"all": [0, 1, 2, 3]}),
    ],
)
def test_each_row_is_in_its_period_in_utc(by: str | None, found: dict[str, list[int]]) -> None:
    elsewhere = SERVED.assign(time=SERVED["time"].dt.tz_convert("America/New_York"))
    for served in (SERVED, elsewhere):
        assert {name: list(part["x"]) for name, part in split(served, by, "all")} == found


def test_no_rows_are_no_period() -> None:
    assert list(split(SERVED.head(0), "month", "all")) == []
    assert list(split(SERVED.head(0), None, "all")) == []


def test_the_name_of_a_window() -> None:
    assert named(None, None) == "all"
    assert named("2013-05-01", None) == "from 2013-05-01"
    assert named("2013-05-01", "2013-08-01") == "2013-05-01 to 2013-08-01"


def test_an_unknown_period() -> None:
    check(None)
    with pytest.raises(BadInput, match="Did you mean 'day'"):
        check("days")
