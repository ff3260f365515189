from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.core.errors import InvalidPipeline
from mlnb.pipelines.triggers.cron import SHORT, Cron

BERLIN = ZoneInfo("Europe/Berlin")


def times(expression: str, start: datetime, count: int, zone: str = "Europe/Berlin") -> list[str]:
    return [f"{time:%d %H:%M %Z}" for time in islice(Cron(expression, zone).after(start), count)]


def test_the_next_time_is_after_the_moment() -> None:
    cron = Cron("15 6 * * 1-5", "Europe/Berlin")
    friday = datetime(2026, 7, 3, 6, 15, tzinfo=BERLIN)
    assert cron.next(friday) == datetime(2026, 7, 6, 6, 15, tzinfo=BERLIN)
    assert cron.next(friday.replace(minute=14)) == friday
    assert cron.next(datetime(2026, 7, 3, 4, 14, 59, tzinfo=UTC)) == friday


@pytest.mark.parametrize("word", SHORT)
def test_words_for_common_schedules(word: str) -> None:
    start = datetime(2026, 5, 5, 5, 5, tzinfo=UTC)
    assert Cron(word).next(start) == Cron(SHORT[word]).next(start)


def test_a_time_that_the_clock_skips_runs_once_when_it_has_moved_on() -> None:
    start = datetime(2026, 3, 28, 12, tzinfo=BERLIN)
    assert times("30 2 * * *", start, 2) == ["29 03:00 CEST", "30 02:30 CEST"]
    # two times of the skipped hour become one moment, and that fires once
    assert times("15,45 2 * * *", start, 2) == ["29 03:00 CEST", "30 02:15 CEST"]


def test_a_time_that_comes_twice_runs_the_first_time_only() -> None:
    start = datetime(2026, 10, 24, 12, tzinfo=BERLIN)
    assert times("30 2 * * *", start, 2) == ["25 02:30 CEST", "26 02:30 CET"]
    again = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=BERLIN)
    assert times("30 2 * * *", again, 1) == ["26 02:30 CET"]


def test_each_hour_is_each_hour_that_there_is() -> None:
    spring = datetime(2026, 3, 29, 0, 30, tzinfo=BERLIN)
    assert times("0 * * * *", spring, 3) == ["29 01:00 CET", "29 03:00 CEST", "29 04:00 CEST"]
    autumn = datetime(2026, 10, 25, 1, 30, tzinfo=BERLIN)
    assert times("0 * * * *", autumn, 3) == ["25 02:00 CEST", "25 02:00 CET", "25 03:00 CET"]
    within = datetime(2026, 10, 25, 2, 10, fold=1, tzinfo=BERLIN)
    assert times("*/30 * * * *", within, 2) == ["25 02:30 CET", "25 03:00 CET"]


def test_what_was_missed_is_listed_in_order() -> None:
    cron = Cron("0 */6 * * *")
    start = datetime(2026, 1, 1, 6, tzinfo=UTC)
    missed = cron.between(start, datetime(2026, 1, 2, 0, tzinfo=UTC))
    assert [time.hour for time in missed] == [12, 18, 0]
    assert cron.between(start, start) == []


@given(
    hour=st.integers(0, 23),
    minute=st.integers(0, 59),
    zone=st.sampled_from(
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
    ),
    day=st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 1)),
)
@settings(max_examples=60, deadline=None)
def test_a_daily_job_runs_once_on_each_day(
    hour: int, minute: int, zone: str, day: datetime
) -> None:
    start = day.replace(hour=12, minute=0, second=0, microsecond=0, tzinfo=ZoneInfo(zone))
    fired = list(islice(Cron(f"{minute} {hour} * * *", zone).after(start), 20))
    days = [time.date().toordinal() for time in fired]
    assert days == list(range(days[0], days[0] + 20))
    moments = [time.astimezone(UTC) for time in fired]
    assert moments == sorted(set(moments))


@pytest.mark.parametrize(
    ("expression", "zone", "told"),
    [
        ("61 * * * *", "UTC", "no minute that there is"),
        ("0 0 31 2 *", "UTC", "no day-of-month that there is"),
        ("* * *", "UTC", "does not have five fields"),
        ("0 0 * * * *", "UTC", "does not have five fields"),
        ("", "UTC", "does not have five fields"),
        ("a * * * *", "UTC", "no minute"),
        ("* * * * *", "Europe/Berln", "Did you mean 'Europe/Berlin'"),
        ("* * * * *", "../etc/passwd", "which is none"),
    ],
)
def test_what_cannot_be_read_is_one_clear_error(expression: str, zone: str, told: str) -> None:
    with pytest.raises(InvalidPipeline, match=told):
        Cron(expression, zone)
