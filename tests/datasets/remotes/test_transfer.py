"""Push and pull between two projects, through a folder that both reach."""

import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.errors import (
    BadInput,
    ObjectCorrupt,
    ObjectMissing,
    UnknownName,
    VersionsDiverged,
)
from mlnb.core.project import Project
from mlnb.core.store import ObjectStore
from mlnb.datasets import manifests, versions
from mlnb.datasets.remotes.records import Progress

At = Callable[[str], AbstractContextManager[Project]]


def frame(rows: int, first: int = 0) -> pd.DataFrame:
    text = [f"row {number}" for number in range(rows)]
    return pd.DataFrame({"number": range(first, first + rows), "text": text})


def entries(store: ObjectStore, name: str) -> dict[int, object]:
    return {entry.number: entry.data for entry in store.entries(f"datasets/{name}/versions")}


def test_a_pulled_dataset_is_the_pushed_one(at: At, remote: str) -> None:
    frames = [frame(100), frame(120), frame(120, 5)]
    with at("anna") as here:
        for number, data in enumerate(frames, 1):
            datasets.save(data, "flights", message=f"number {number}", tag=f"tag{number}")
        datasets.tag("flights@1", "gold")
        report = datasets.push("flights", remote)
        assert report.versions == ["flights@1", "flights@2", "flights@3"]
        assert report.tags == [
            *("flights: tag1 → 1", "flights: tag2 → 2", "flights: tag3 → 3", "flights: gold → 1"),
        ]
        assert (report.action, report.same, report.skipped) == ("push", 0, 0)
        assert report.objects > 0
        assert report.bytes > 0
        saved = datasets.log("flights")
        pushed = entries(here.store, "flights")
    with at("ben") as here:
        report = datasets.pull("flights", remote)
        assert report.versions == ["flights@1", "flights@2", "flights@3"]
        assert datasets.log("flights") == saved
        assert entries(here.store, "flights") == pushed
        for number, data in enumerate(frames, 1):
            pd.testing.assert_frame_equal(datasets.load(f"flights@{number}"), data)
        assert datasets.resolve("flights@gold").number == 1
        assert datasets.show("flights@2").columns[0].name == "number"


def test_what_both_have_is_not_copied_again(at: At, remote: str) -> None:
    with at("anna"):
        datasets.save(frame(100), "flights")
        first = datasets.push("flights", remote)
        again = datasets.push("flights", remote)
        assert (again.versions, again.same, again.objects, again.bytes) == ([], 1, 0, 0)
        datasets.save(frame(200), "flights", tag="more")
        more = datasets.push("flights", remote)
        assert (more.versions, more.same) == (["flights@2"], 1)
        assert 0 < more.objects <= first.objects + 1
    with at("ben"):
        datasets.pull("flights", remote)
        assert datasets.pull("flights", remote).versions == []


def test_the_setting_remote_is_the_default(at: At, tmp_path: Path) -> None:
    with at("anna") as here:
        datasets.save(frame(10), "flights")
        with pytest.raises(BadInput, match="No remote is known"):
            datasets.push()
        file = here.root / "mlnb.toml"
        file.write_text(file.read_text() + 'remote = "../team"\n')
    with at("anna"):
        assert datasets.push().url == "../team"
        assert datasets.pull().versions == []
    assert (tmp_path / "team" / "logs" / "datasets" / "flights").is_dir()


def test_all_datasets_go_when_none_is_named(at: At, remote: str) -> None:
    with at("anna"):
        datasets.save(frame(10), "a")
        datasets.save(frame(20), "b")
        assert datasets.push(url=remote).versions == ["a@1", "b@1"]
    with at("ben"):
        assert datasets.pull(url=remote).versions == ["a@1", "b@1"]
        assert datasets.names() == ["a", "b"]


def test_one_version_goes_alone_under_its_number(at: At, remote: str) -> None:
    with at("anna"):
        for rows in (10, 20, 30, 40):
            datasets.save(frame(rows), "flights")
        datasets.tag("flights@3", "gold")
        datasets.tag("flights@1", "raw")
        datasets.push("flights", remote)
    with at("ben") as here:
        report = datasets.pull("flights@gold", remote)
        assert report.versions == ["flights@3"]
        assert report.tags == ["flights: gold → 3"]
        assert len(datasets.load("flights@gold")) == 30
        assert [version.number for version in datasets.log("flights")] == [3]
        assert datasets.save(frame(50), "flights").number == 4  # their 4 is another one now
        with pytest.raises(VersionsDiverged):
            datasets.pull("flights", remote)
        shutil.rmtree(here.root / ".mlnb")
    with at("ben"):
        datasets.pull("flights@3", remote)
        report = datasets.pull("flights", remote)
        assert report.versions == ["flights@1", "flights@2", "flights@4"]
        assert report.same == 1
        assert [len(datasets.load(f"flights@{n}")) for n in (1, 2, 3, 4)] == [10, 20, 30, 40]


def test_one_number_never_means_two_versions(at: At, remote: str) -> None:
    with at("anna"):
        datasets.save(frame(10), "flights", author="anna")
        datasets.push("flights", remote)
    with at("ben"):
        datasets.pull("flights", remote)
        datasets.save(frame(20), "flights", author="ben")
        datasets.save(frame(25), "flights", author="ben")
        datasets.push("flights", remote)
    with at("anna") as here:
        datasets.save(frame(30), "flights", author="anna")
        before = entries(ObjectStore(remote), "flights")
        objects = {item.digest for item in ObjectStore(remote).objects()}
        for transfer in (datasets.push, datasets.pull):
            with pytest.raises(VersionsDiverged, match="flights@2 here and at") as caught:
                transfer("flights", remote)
            assert caught.value.numbers == [2]
            assert "saved by anna" in str(caught.value)
            assert "saved by ben" in str(caught.value)
        assert entries(ObjectStore(remote), "flights") == before
        assert {item.digest for item in ObjectStore(remote).objects()} == objects
        assert len(entries(here.store, "flights")) == 2
        # how the message says to go on
        datasets.pull("flights", remote, rename="theirs")
        assert [len(datasets.load(f"theirs@{n}")) for n in (1, 2, 3)] == [10, 20, 25]
        assert datasets.resolve("theirs@2").name == "theirs"
        datasets.save(datasets.load("flights"), "theirs", author="anna")
        assert datasets.push("theirs", remote, rename="flights").versions == ["flights@4"]
        assert datasets.push("flights", remote, rename="annas").versions == ["annas@1", "annas@2"]
    with at("ben"):
        datasets.pull(["flights", "annas"], remote)
        assert len(datasets.load("flights@4")) == 30
        assert len(datasets.load("annas@2")) == 30


def test_a_push_says_what_is_newer_there(at: At, remote: str) -> None:
    with at("anna"):
        datasets.save(frame(10), "flights")
        assert datasets.push("flights", remote).notes == []
    with at("ben"):
        datasets.pull("flights", remote)
        for rows in (20, 30, 40):
            datasets.save(frame(rows), "flights")
        datasets.remove("flights@2")
        datasets.push("flights", remote)
    with at("anna"):
        report = datasets.push("flights", remote)
        assert report.notes == [
            "The remote has what is not here: flights@3, flights@4 (`dataset pull flights`)."
        ]


def test_asking_twice_writes_once(at: At, remote: str) -> None:
    with at("anna"):
        for rows in (10, 20, 30):
            datasets.save(frame(rows), "flights", tag=f"rows{rows}")
        report = datasets.push(["flights@2", "flights", "flights@rows20"], remote)
        assert report.versions == ["flights@2", "flights@1", "flights@3"]
        assert sorted(report.tags) == [f"flights: rows{n}0 → {n}" for n in (1, 2, 3)]
    with at("ben"):
        datasets.pull("flights", remote)
        assert datasets.verify().is_whole


def test_several_datasets_get_no_common_name(at: At, remote: str) -> None:
    with at("anna"):
        datasets.save(frame(10), "a")
        datasets.save(frame(10), "b")
        with pytest.raises(BadInput, match="cannot get one name"):
            datasets.push(["a", "b"], remote, rename="c")


def test_the_later_change_of_a_tag_counts(at: At, remote: str) -> None:
    with at("anna"):
        datasets.save(frame(10), "flights", tag="gold")
        datasets.save(frame(20), "flights")
        datasets.push("flights", remote)
    with at("ben"):
        datasets.pull("flights", remote)
        datasets.tag("flights@2", "gold")
        datasets.tag("flights@1", "raw")
        assert datasets.push("flights", remote).tags == ["flights: gold → 2", "flights: raw → 1"]
    with at("anna"):
        assert datasets.push("flights", remote).tags == []  # hers is older
        assert datasets.pull("flights", remote).tags == ["flights: gold → 2", "flights: raw → 1"]
        datasets.untag("flights", "raw")
        assert datasets.push("flights", remote).tags == ["flights: raw removed"]
    with at("ben"):
        assert datasets.pull("flights", remote).tags == ["flights: raw removed"]
        assert datasets.resolve("flights@gold").number == 2
        with pytest.raises(UnknownName):
            datasets.resolve("flights@raw")


def test_removed_versions_are_removed_there_and_their_data_is_not_sent(at: At, remote: str) -> None:
    with at("anna"):
        for rows in (10, 20, 30):
            datasets.save(frame(rows), "flights")
        datasets.push("flights", remote)
        datasets.save(frame(1000, 7), "flights", message="wrong")
        datasets.save(frame(40), "flights")
        private = set(manifests.objects(projects.current().store, versions.find("flights@4")))
        datasets.remove(["flights@2", "flights@4"], message="private")
        report = datasets.push("flights", remote)
        assert report.removed == ["flights@2"]
        assert report.versions == ["flights@4", "flights@5"]
        kept = {
            digest
            for number in (1, 3, 5)
            for digest in manifests.objects(
                projects.current().store, versions.find(f"flights@{number}")
            )
        }
        sent = {item.digest for item in ObjectStore(remote).objects()}
        assert not sent.intersection(private - kept)
    with at("ben"):
        datasets.pull("flights", remote)
        assert [version.number for version in datasets.log("flights")] == [5, 3, 1]
        with pytest.raises(UnknownName, match="private"):
            datasets.load("flights@4")
        assert datasets.save(frame(50), "flights").number == 6


def test_a_version_that_a_tag_names_there_is_kept_there(at: At, remote: str) -> None:
    with at("anna"):
        datasets.save(frame(10), "flights")
        datasets.save(frame(20), "flights")
        datasets.push("flights", remote)
    with at("ben"):
        datasets.pull("flights", remote)
        datasets.tag("flights@1", "gold")
        datasets.push("flights", remote)
    with at("anna"):
        datasets.remove("flights@1")
        report = datasets.push("flights", remote)
        assert report.removed == []
        assert "flights@1" in report.notes[0]
    with at("ben"):
        datasets.pull("flights", remote)
        assert len(datasets.load("flights@gold")) == 10


@pytest.mark.parametrize(
    ("ref", "error"),
    [("other", UnknownName), ("flights@7", UnknownName), ("flights@", BadInput), ("", BadInput)],
)
def test_what_is_not_there_is_named(at: At, remote: str, ref: str, error: type[Exception]) -> None:
    with at("anna"):
        datasets.save(frame(10), "flights")
        datasets.push("flights", remote)
        for transfer in (datasets.push, datasets.pull):
            with pytest.raises(error):
                transfer([ref], remote)


def test_a_mistyped_folder_is_not_taken_for_an_empty_remote(at: At, tmp_path: Path) -> None:
    with at("anna"), pytest.raises(BadInput, match="There is no folder"):
        datasets.pull(url=str(tmp_path / "nowhere"))


def test_the_projects_own_store_is_no_remote(at: At) -> None:
    with at("anna") as here:
        datasets.save(frame(10), "flights")
        for url in (str(here.root / ".mlnb/store"), (here.root / ".mlnb" / "store").as_uri()):
            with pytest.raises(BadInput, match="own store"):
                datasets.push(url=url)


def _damage(store: ObjectStore, ref: str, *, remove: bool) -> str:
    stored = versions.find(ref)
    others = {stored.manifest, stored.profile}
    digest = next(d for d in manifests.objects(store, stored) if d not in others)
    path = store.path(digest)
    assert path is not None
    if remove:
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
    return digest


@pytest.mark.parametrize("remove", [True, False])
def test_a_damaged_version_is_not_pushed(at: At, remote: str, remove: bool) -> None:
    with at("anna") as here:
        datasets.save(frame(10), "flights")
        datasets.save(frame(20), "flights")
        datasets.push("flights@1", remote)
        digest = _damage(here.store, "flights@2", remove=remove)
        with pytest.raises((ObjectMissing, ObjectCorrupt), match="flights@2") as caught:
            datasets.push("flights", remote)
        assert digest[:16] in str(caught.value)
        assert list(entries(ObjectStore(remote), "flights")) == [1]


def test_what_is_read_is_checked_before_it_is_written(at: At, remote: str) -> None:
    with at("anna"):
        datasets.save(frame(10), "flights")
        datasets.push("flights", remote)
        digest = _damage(ObjectStore(remote), "flights@1", remove=False)
    with at("ben") as here:
        with pytest.raises(ObjectCorrupt, match=digest[:16]):
            datasets.pull("flights", remote)
        assert entries(here.store, "flights") == {}
        assert digest not in {item.digest for item in here.store.objects()}


def test_an_interrupted_push_goes_on_where_it_was(at: At, remote: str) -> None:
    with at("anna"):
        for rows in range(10, 30):
            datasets.save(frame(rows, rows), "flights")

        def interrupt(progress: Progress) -> None:
            if progress.objects == 10:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            datasets.push("flights", remote, on_progress=interrupt)
        assert entries(ObjectStore(remote), "flights") == {}
        there = len(list(ObjectStore(remote).objects()))
        assert there >= 10
        report = datasets.push("flights", remote)
        assert report.skipped == there
        assert len(report.versions) == 20


def test_progress_counts_objects_and_bytes(at: At, remote: str) -> None:
    seen: list[Progress] = []
    with at("anna"):
        datasets.save(frame(10), "flights")
        datasets.save(frame(20), "flights")
        report = datasets.push("flights", remote, on_progress=seen.append)
    assert [progress.phase for progress in (seen[0], seen[-1])] == ["comparing", "recording"]
    copying = [progress for progress in seen if progress.phase == "copying"]
    assert [progress.objects for progress in copying] == list(range(report.objects + 1))
    assert (copying[-1].bytes, copying[-1].bytes_total) == (report.bytes, report.bytes)
    assert copying[-1].rate > 0
    assert copying[-1].remaining == 0
    assert copying[0].remaining is None


def test_events_tell_of_transfers_and_name_no_folder(at: At, remote: str) -> None:
    with at("anna") as here:
        datasets.save(frame(10), "flights")
        datasets.push("flights", remote)
        lines = (here.root / ".mlnb" / "events.jsonl").read_text().splitlines()
    event = json.loads(lines[-1])
    assert (event["kind"], event["subject"]) == ("dataset.pushed", "flights")
    assert event["data"] == {"url": "a folder", "versions": [1]}


def test_a_base_that_is_removed_meanwhile_takes_nothing_along(at: At, remote: str) -> None:
    """Objects of the newest common version are not looked for; a removal of it is noticed."""
    with at("anna"):
        larger = pd.DataFrame({"number": range(300_000)})
        datasets.save(larger, "flights")
        datasets.push("flights", remote)
        larger["more"] = 1
        datasets.save(larger, "flights")

        def collect(progress: Progress) -> None:
            if progress.phase == "recording":
                store = ObjectStore(remote)
                with at("ben") as ben:
                    (ben.root / "mlnb.toml").write_text(f'name = "ben"\nstore = "{remote}"\n')
                with at("ben"):
                    datasets.remove("flights@1", force=True)
                for item in list(store.objects()):
                    store.delete(item.digest)

        datasets.push("flights", remote, on_progress=collect)
        shared = _shared_objects("flights@1", "flights@2")
        there = {item.digest for item in ObjectStore(remote).objects()}
    assert shared
    assert shared <= there


def _shared_objects(one: str, other: str) -> set[str]:
    store = projects.current().store
    sets = [set(manifests.objects(store, versions.find(ref))) for ref in (one, other)]
    return sets[0] & sets[1]
