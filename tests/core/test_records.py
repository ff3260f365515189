"""Records: to and from JSON, format numbers, and every stored format still readable."""

import inspect
import json
from dataclasses import FrozenInstanceError, dataclass, fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlnb.core import events, lineage, records
from mlnb.core.errors import UnreadableRecord
from mlnb.core.records import Column, DatasetVersion, Record, RunRecord, SuiteResult

FIXTURES = Path(__file__).parent / "formats"
KINDS = {
    name: kind
    for module in (records, events, lineage)
    for name, kind in inspect.getmembers(module, inspect.isclass)
    if issubclass(kind, Record) and kind is not Record and kind.__module__ == module.__name__
}


@pytest.mark.parametrize("name", KINDS)
def test_every_format_a_record_ever_had_has_a_fixture(name: str) -> None:
    for number in range(1, KINDS[name].FORMAT + 1):
        assert (FIXTURES / f"{name}-{number}.json").is_file()


@pytest.mark.parametrize("file", sorted(FIXTURES.iterdir()), ids=lambda file: file.stem)
def test_every_stored_format_is_read(file: Path) -> None:
    """A field may be added with a default; all that was written must still come back."""
    written = json.loads(file.read_text())
    kind = KINDS[file.stem.rpartition("-")[0]]
    record = kind.from_dict(written)
    again = record.to_dict()
    if written["format"] == kind.FORMAT:
        assert_holds(again, written)
    assert kind.from_dict(json.loads(json.dumps(again))) == record


def assert_holds(found: Any, written: Any) -> None:
    """Assert that all that was written is there; what was added since may be, too."""
    if isinstance(written, dict):
        assert written.keys() <= found.keys()
        for key, value in written.items():
            assert_holds(found[key], value)
    elif isinstance(written, list):
        assert len(found) == len(written)
        for one, other in zip(found, written, strict=True):
            assert_holds(one, other)
    else:
        assert found == written


def version(**changes: Any) -> DatasetVersion:
    body: dict[str, Any] = {
        "name": "flights",
        "number": 3,
        "digest": "abc",
        "columns": [Column(name="a", type="int64")],
        "rows": 5,
        "bytes": 7,
        "parent": 2,
        "message": "",
        "author": "analyst",
        "created": datetime(2026, 11, 23, tzinfo=UTC),
    }
    return DatasetVersion(**{**body, **changes})


def test_a_stored_record_has_json_types_and_its_format() -> None:
    body = version().to_dict()
    assert body["format"] == 1
    assert body["created"] == "2026-11-23T00:00:00Z"
    assert json.loads(json.dumps(body)) == body
    assert version().ref == "flights@3"


@settings(max_examples=50)
@given(
    message=st.text(st.characters(exclude_categories=["Cs"])),
    number=st.integers(-(2**63), 2**63),
    created=st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=5.5))])),
    tags=st.lists(st.text(st.characters(exclude_categories=["Cs"]))),
)
def test_any_record_comes_back(
    message: str, number: int, created: datetime, tags: list[str]
) -> None:
    made = version(message=message, number=number, created=created, tags=tags)
    assert DatasetVersion.from_dict(json.loads(json.dumps(made.to_dict()))) == made


@pytest.mark.parametrize("number", [2, 99, 0, -1, None, "1", 1.0])
def test_another_format_is_refused_with_both_numbers(number: Any) -> None:
    body = {**version().to_dict(), "format": number}
    with pytest.raises(UnreadableRecord, match="this mlnb reads up to 1"):
        DatasetVersion.from_dict(body)


@pytest.mark.parametrize("data", [None, [], "text", 3, [["format", 1]]])
def test_what_is_no_object_is_refused(data: Any) -> None:
    with pytest.raises(UnreadableRecord, match="no JSON object"):
        DatasetVersion.from_dict(data)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"rows": "many"}, "rows"),
        ({"created": "yesterday"}, "created"),
        ({"columns": [{"name": "a"}]}, "columns.0.type"),
        ({"digest": None}, "digest"),
    ],
)
def test_a_damaged_field_is_named(change: dict[str, Any], place: str) -> None:
    with pytest.raises(UnreadableRecord, match=place):
        DatasetVersion.from_dict({**version().to_dict(), **change})


def test_a_missing_field_is_named_and_an_unknown_one_ignored() -> None:
    body = version().to_dict()
    assert DatasetVersion.from_dict({**body, "later": 1}) == version()
    del body["digest"]
    with pytest.raises(UnreadableRecord, match="digest"):
        DatasetVersion.from_dict(body)


@dataclass(frozen=True, kw_only=True)
class Reading(Record):
    """A record whose second format renamed a field."""

    FORMAT: ClassVar[int] = 2
    celsius: float

    @classmethod
    def upgrade(cls, data: dict[str, Any], number: int) -> dict[str, Any]:
        return {"celsius": data["degrees"]} if number == 1 else super().upgrade(data, number)


def test_an_older_format_is_lifted() -> None:
    assert Reading.from_dict({"format": 1, "degrees": 20}) == Reading(celsius=20)
    assert Reading(celsius=20).to_dict() == {"format": 2, "celsius": 20.0}


def test_an_older_format_without_a_reader_is_refused() -> None:
    class Newer(Reading):
        FORMAT = 3

    with pytest.raises(UnreadableRecord, match="no reader for format 2"):
        Newer.from_dict({"format": 2, "celsius": 1})


def test_records_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        version().rows = 1  # type: ignore[misc]  # what is tested


@pytest.mark.parametrize("name", KINDS)
def test_every_record_has_a_schema_for_the_browser(name: str) -> None:
    schema = KINDS[name].json_schema()
    assert schema["type"] == "object"
    assert set(schema["properties"]) == {item.name for item in fields(KINDS[name])}


def test_run_and_suite_records_keep_numbers_as_numbers() -> None:
    run = json.loads((FIXTURES / "RunRecord-1.json").read_text())
    assert RunRecord.from_dict(run).metrics == {"key": 0.25}
    suite = json.loads((FIXTURES / "SuiteResult-1.json").read_text())
    assert SuiteResult.from_dict(suite).checks[0].passed is True
