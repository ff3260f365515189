"""References, tags and lists."""

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core.errors import BadInput, InvalidReference, UnknownName, UnreadableRecord
from mlnb.core.project import Project


def frame(value: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [value]})


@pytest.fixture
def three() -> list[str]:
    return [datasets.save(frame(value), "data").digest for value in (1, 2, 1)]


def test_every_form_of_reference_resolves(three: list[str]) -> None:
    datasets.tag("data@2", "gold")
    found = {
        ref: datasets.resolve(ref).number
        for ref in ("data", "data@latest", "data@1", "data@gold", f"data@{three[1][:6]}")
    }
    assert list(found.values()) == [3, 3, 1, 2, 2]


def test_a_digest_of_two_versions_means_the_newest(three: list[str]) -> None:
    assert datasets.resolve(f"data@{three[0]}").number == 3


def test_a_word_may_be_a_tag_though_it_reads_as_a_digest_too(three: list[str]) -> None:
    datasets.tag("data@2", "decade")
    assert datasets.resolve("data@decade").number == 2


def test_the_beginning_of_a_digest_is_no_tag(three: list[str]) -> None:
    with pytest.raises(BadInput, match="reads as a digest"):
        datasets.tag("data@2", f"{three[0][:6]}0a")
    assert not datasets.resolve("data@2").tags


@pytest.mark.parametrize(
    ("ref", "hint"),
    [
        ("dta", "Did you mean 'data'"),
        ("data@9", "versions are 1 to 3"),
        ("data@0", "versions are 1 to 3"),
        ("data@gold", "versions are 1 to 3"),
        ("data@abc", "versions are 1 to 3"),
        ("data@ffffffffff", "versions are 1 to 3"),
    ],
)
def test_an_unknown_reference_says_what_there_is(ref: str, hint: str, three: list[str]) -> None:
    with pytest.raises(UnknownName, match=hint):
        datasets.load(ref)


@pytest.mark.parametrize("ref", ["data@", "@3", "data@3@4", ""])
def test_what_is_no_reference_is_said_to_be_none(ref: str) -> None:
    with pytest.raises(InvalidReference):
        datasets.resolve(ref)


def test_the_log_is_newest_first_with_the_tags_of_each(three: list[str]) -> None:
    datasets.tag("data@2", "gold")
    datasets.tag("data@2", "old")
    assert [(v.number, v.tags) for v in datasets.log("data")] == [
        (3, []),
        (2, ["gold", "old"]),
        (1, []),
    ]


def test_a_tag_moves(three: list[str]) -> None:
    datasets.tag("data@1", "gold")
    assert datasets.tag("data", "gold").tags == ["gold"]
    assert datasets.resolve("data@1").tags == []


def test_tagging_twice_writes_once(three: list[str], in_project: Project) -> None:
    datasets.tag("data@1", "gold")
    datasets.tag("data@1", "gold")
    assert len(list(in_project.store.entries("datasets/data/tags"))) == 1


@pytest.mark.parametrize("tag", ["7", "latest", "a b"])
def test_a_tag_that_means_something_else_is_refused(tag: str, three: list[str]) -> None:
    with pytest.raises(BadInput):
        datasets.tag("data@1", tag)


def test_tagging_an_unknown_version_is_refused(three: list[str]) -> None:
    with pytest.raises(UnknownName):
        datasets.tag("data@9", "gold")


def test_names_and_latest(three: list[str]) -> None:
    datasets.save(frame(5), "another")
    assert datasets.names() == ["another", "data"]
    assert [version.ref for version in datasets.latest()] == ["another@1", "data@3"]


def test_a_project_without_datasets() -> None:
    assert datasets.names() == []
    assert datasets.latest() == []
    with pytest.raises(UnknownName, match="no dataset 'data'"):
        datasets.log("data")


def test_an_entry_of_a_newer_mlnb_is_refused(three: list[str], in_project: Project) -> None:
    newer = {**next(in_project.store.entries("datasets/data/versions")).data, "format": 99}
    in_project.store.append("datasets/data/versions", lambda number: newer)
    with pytest.raises(UnreadableRecord, match="format 99"):
        datasets.resolve("data")
    assert datasets.resolve("data@3").number == 3


def test_a_superscript_is_no_version_number(three: list[str]) -> None:
    with pytest.raises(UnknownName, match="Its versions are 1 to 3"):
        datasets.resolve("data@²")
