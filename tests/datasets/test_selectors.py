"""What may stand behind the @: dates, steps back, digests."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlnb import datasets
from mlnb.core.errors import BadInput, InvalidReference, UnknownName, UnreadableRecord
from mlnb.core.project import Project
from mlnb.core.records import Column
from mlnb.datasets import selectors, versions
from mlnb.datasets.history import versions_log
from mlnb.datasets.records import StoredVersion

NOON = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def entry(here: Project, created: datetime, digest: str = "") -> None:
    """Append a version without data."""

    def make(number: int) -> dict[str, Any]:
        return StoredVersion(
            name="data",
            number=number,
            digest=digest or f"{number:064x}",
            columns=[Column(name="a", type="int64")],
            rows=1,
            bytes=1,
            parent=number - 1 or None,
            message="",
            author="analyst",
            created=created,
        ).to_dict()

    here.store.append(versions_log("data"), make)


def number(selector: str) -> int:
    return datasets.resolve(f"data@{selector}").number


@pytest.fixture
def hourly(in_project: Project) -> None:
    """Versions 1 to 9, an hour apart from noon."""
    for hour in range(9):
        entry(in_project, NOON + timedelta(hours=hour, seconds=30))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01T12:00:30Z", 1),  # the very second
        ("2026-11-01T12:00:30.000000Z", 1),  # made at this very moment
        ("2026-11-01T12:00:29.999999Z", None),
        ("2026-11-01T12:00:29Z", None),
        ("2026-11-01T12:00Z", 1),  # until the end of that minute
        ("2026-11-01T12:59Z", 1),
        ("2026-11-01T13:00Z", 2),
        ("2026-11-01T13Z", 2),  # until the end of that hour
        ("2026-11-01 13:00:29.999+00:00", 1),
        ("2026-11-01 15:00:30+02:00", 2),
        ("2026-11-01 08:00:30-05:00", 2),
        ("20261101T130030Z", 2),
        ("2026-11-02", 9),
        ("9999-01-01", 9),
        ("2026-10-31", None),
        ("0001-01-02T00:00Z", None),
    ],
)
def test_a_time_means_the_newest_version_of_then(
    text: str, expected: int | None, hourly: None
) -> None:
    if expected is None:
        with pytest.raises(UnknownName, match="Its versions are 1 to 9"):
            number(f"{{{text}}}")
    else:
        assert number(f"{{{text}}}") == expected


def test_a_time_without_a_zone_is_of_this_machine(berlin: None, hourly: None) -> None:
    assert number("{2026-11-01 14:00}") == 2
    assert number("{2026-11-01 13:00}") == 1
    assert number("{2026-11-01 13:00Z}") == 2


def test_a_day_ends_at_local_midnight_also_when_the_clock_changes(
    berlin: None, in_project: Project
) -> None:
    # the 25th of October 2026 has 25 hours in Berlin
    entry(in_project, datetime(2026, 10, 25, 22, 59, 59, tzinfo=UTC))
    entry(in_project, datetime(2026, 10, 25, 23, 0, 0, tzinfo=UTC))
    assert number("{2026-10-25}") == 1
    assert number("{2026-10-26}") == 2


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "01.11.2026", "{2026-11-01}", "7"])
def test_what_is_no_time_is_said_to_be_none(text: str, hourly: None) -> None:
    with pytest.raises(InvalidReference, match="2026-11-01"):
        number(f"{{{text}}}")


def test_a_time_is_found_by_few_reads(in_project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for minute in range(100):
        entry(in_project, NOON + timedelta(minutes=minute))
    read: list[int] = []
    real = selectors.history.stored
    monkeypatch.setattr(
        selectors.history, "stored", lambda *args: (read.append(args[2]), real(*args))[1]
    )
    assert number("{2026-11-01T12:41Z}") == 42
    assert len(read) < 10


def test_versions_of_one_moment_mean_the_last_of_them(in_project: Project) -> None:
    for _ in range(5):
        entry(in_project, NOON)
    assert number("{2026-11-01T12:00:00Z}") == 5


def test_a_time_skips_what_was_removed_by_then(hourly: None, in_project: Project) -> None:
    datasets.remove("data@9")
    with pytest.raises(UnknownName, match="was removed by"):
        number("{2026-11-01T20:30Z}")  # it was there then
    assert number("{2999-01-01}") == 8


def test_damaged_entries_only_hide_their_own_time(hourly: None, in_project: Project) -> None:
    for damaged in (5, 6):
        _spoil(in_project, damaged)
    assert number("{2026-11-01T14:30Z}") == 3
    with pytest.raises(UnreadableRecord, match="versions/6"):  # nobody knows when that was made
        number("{2026-11-01T16:30Z}")
    assert number("{2026-11-01T18:30Z}") == 7


def test_steps_back_count_versions_that_are_there(hourly: None) -> None:
    assert [number("~0"), number("~1"), number("~3")] == [9, 8, 6]
    datasets.remove("data@8")
    assert [number("~0"), number("~1"), number("~2")] == [9, 7, 6]
    with pytest.raises(UnknownName):
        number("~8")


def test_the_beginning_of_several_digests_is_asked_to_be_longer(in_project: Project) -> None:
    for tail in ("1", "2", "1"):
        entry(in_project, NOON, "abcdef" + tail * 58)
    with pytest.raises(BadInput, match=r"begin with 'abcdef': abcdef11111111… \(data@3\), abcd"):
        number("abcdef")
    assert number("abcdef1") == 3
    assert number("abcdef2") == 2


def test_a_digest_means_a_version_that_is_there(in_project: Project) -> None:
    for _ in range(2):
        entry(in_project, NOON, "ab" * 32)
    datasets.remove("data@2")
    assert number("abababab") == 1
    datasets.remove("data@1")
    with pytest.raises(UnknownName, match="data@2 was removed by"):
        number("abababab")


def test_a_damaged_entry_hides_no_other(
    hourly: None, in_project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    _spoil(in_project, 4)
    assert [version.number for version in datasets.log("data")] == [9, 8, 7, 6, 5, 3, 2, 1]
    assert "data@4" in caplog.text
    with pytest.raises(UnreadableRecord, match="versions/4"):
        datasets.resolve("data@4")
    assert number(f"{5:064x}") == 5
    rows = versions.history_of("data")
    assert [type(row).__name__ for row in rows].count("DamagedVersion") == 1


def test_a_damaged_newest_entry_hides_no_other_dataset(hourly: None, in_project: Project) -> None:
    _spoil(in_project, 9)
    other = {**in_project.store.entry(versions_log("data"), 1).data, "name": "other"}  # type: ignore[union-attr]
    in_project.store.append(versions_log("other"), lambda _n: other)
    assert [version.ref for version in datasets.latest()] == ["other@1"]
    assert [item.name for item in versions.newest_of_each()] == ["data", "other"]
    assert datasets.names() == ["data", "other"]
    assert number("8") == 8
    with pytest.raises(UnreadableRecord):
        number("latest")


def _spoil(here: Project, number: int) -> None:
    path = here.root / ".mlnb" / "store" / "logs" / versions_log("data") / f"{number:08d}.json"
    path.write_bytes(b"")


def test_digits_that_are_a_digest_are_no_number(hourly: None) -> None:
    assert number(f"{3:064d}") == 3  # a digest of digits alone
    assert number("3") == number("003") == 3
    assert number(f"{8:064x}") == 8
