"""Tags move, with their history; reading them reads one entry."""

import json
from concurrent.futures import ThreadPoolExecutor

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.errors import BadInput, UnknownName, UnreadableRecord
from mlnb.core.project import Project
from mlnb.datasets import history

LOG = "datasets/data/tags"


@pytest.fixture(autouse=True)
def three() -> None:
    for value in range(3):
        datasets.save(pd.DataFrame({"a": [value]}), "data")


def moves(name: str = "data") -> list[tuple[str, int | None, int | None]]:
    return [(item.tag, item.previous, item.number) for item in datasets.tags(name).changes]


def test_the_history_tells_every_move() -> None:
    datasets.tag("data@1", "gold")
    datasets.tag("data@2", "raw")
    datasets.tag("data@3", "gold")
    datasets.untag("data", "raw")
    assert datasets.tags("data").tags == {"gold": 3}
    assert moves() == [("raw", 2, None), ("gold", 1, 3), ("raw", None, 2), ("gold", None, 1)]
    assert {change.author for change in datasets.tags("data").changes} != {""}


def test_a_removed_tag_means_nothing() -> None:
    datasets.tag("data@1", "gold")
    assert datasets.untag("data@1", "gold").tags == {}
    with pytest.raises(UnknownName):
        datasets.resolve("data@gold")
    assert datasets.resolve("data@1").tags == []
    with pytest.raises(UnknownName, match="no tag 'gold'"):
        datasets.untag("data", "gold")


def test_a_tag_is_not_removed_from_where_it_does_not_point() -> None:
    datasets.tag("data@1", "gold")
    with pytest.raises(BadInput, match="points at data@1, not at data@2"):
        datasets.untag("data@2", "gold")
    assert datasets.tags("data").tags == {"gold": 1}


def test_tags_of_an_unknown_dataset() -> None:
    for call in (lambda: datasets.tags("dta"), lambda: datasets.untag("dta", "gold")):
        with pytest.raises(UnknownName, match="Did you mean 'data'"):
            call()
    assert datasets.tags("data").changes == []


def test_reading_reads_one_entry_however_often_tags_moved(
    in_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for round_ in range(20):
        datasets.tag(f"data@{round_ % 3 + 1}", "gold")
    read: list[str] = []
    real = in_project.store.entry
    monkeypatch.setattr(
        projects.current().store, "entry", lambda log, n: (read.append(log), real(log, n))[1]
    )
    assert datasets.resolve("data@gold").tags == ["gold"]
    assert read.count(LOG) <= 2  # to find the version, and to show its tags


def test_tags_of_the_first_format_are_read(in_project: Project) -> None:
    for tag, number in (("gold", 1), ("raw", 2), ("gold", 2)):
        old = {
            "format": 1,
            "tag": tag,
            "number": number,
            "author": "analyst",
            "created": "2026-11-01T12:00:00Z",
        }
        in_project.store.append(LOG, lambda _n, old=old: old)  # type: ignore[misc]
    assert datasets.tags("data").tags == {"gold": 2, "raw": 2}
    datasets.tag("data@3", "raw")
    assert datasets.tags("data").tags == {"gold": 2, "raw": 3}
    assert moves() == [("raw", 2, 3), ("gold", 1, 2), ("raw", None, 2), ("gold", None, 1)]


def test_a_damaged_change_hides_no_version(
    in_project: Project, caplog: pytest.LogCaptureFixture
) -> None:
    datasets.tag("data@1", "gold")
    datasets.tag("data@2", "gold")
    path = in_project.root / ".mlnb" / "store" / "logs" / LOG / "00000002.json"
    whole = path.read_text()
    path.write_text("{")
    assert [version.number for version in datasets.log("data")] == [3, 2, 1]
    assert "tags of data cannot be read" in caplog.text
    with pytest.raises(UnreadableRecord):  # it may have moved
        datasets.resolve("data@gold")
    path.write_text(json.dumps({**json.loads(whole), "format": 99}))
    assert datasets.resolve("data@2").number == 2


def test_tags_set_at_once_are_all_there(in_project: Project) -> None:
    def point(index: int) -> None:
        with projects.using(in_project):
            datasets.tag(f"data@{index % 3 + 1}", f"t{index}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(point, range(24)))
    expected = {f"t{index}": index % 3 + 1 for index in range(24)}
    assert history.tags(in_project.store, "data") == expected


@pytest.mark.parametrize("tag", ["1f3c9a", "00000000", "a1b2c3d4"])
def test_what_reads_as_a_digest_is_no_tag(tag: str) -> None:
    datasets.save(pd.DataFrame({"a": [1]}), "digits")
    with pytest.raises(BadInput, match="cannot be a tag"):
        datasets.tag("digits", tag)
    assert datasets.tag("digits", "facade").tags == ["facade"]  # a word, though of such letters
