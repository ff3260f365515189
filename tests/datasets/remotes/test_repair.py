"""What is damaged is fetched from a remote that has it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core.errors import BadInput, ObjectCorrupt, ObjectMissing, UnreadableRecord
from mlnb.core.project import Project
from mlnb.core.store import ObjectStore
from mlnb.datasets import manifests, versions

At = Callable[[str], AbstractContextManager[Project]]


def frame(rows: int, first: int = 0) -> pd.DataFrame:
    return pd.DataFrame({"number": range(first, first + rows), "text": ["x"] * rows})


def objects(store: ObjectStore, *refs: str) -> list[str]:
    found: dict[str, None] = {}
    for ref in refs:
        found |= dict.fromkeys(manifests.objects(store, versions.find(ref)))
    return list(found)


def flip(store: ObjectStore, digest: str, random: np.random.Generator | None = None) -> None:
    random = random or np.random.default_rng(0)
    path = store.path(digest)
    assert path is not None
    data = bytearray(path.read_bytes())
    data[random.integers(len(data))] ^= 1 << int(random.integers(8))
    path.write_bytes(data)


@pytest.mark.parametrize("seed", range(3))
def test_damaged_and_missing_objects_are_fetched(at: At, remote: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    with at("anna") as here:
        frames = [frame(10), frame(20), frame(30)]
        for data in frames:
            datasets.save(data, "flights")
        datasets.push("flights", remote)
        broken = objects(here.store, "flights@1", "flights@3")
        for number, digest in enumerate(broken):
            if number % 2:
                here.store.delete(digest)
            else:
                flip(here.store, digest, random)
        with pytest.raises((ObjectMissing, ObjectCorrupt), match="verify --repair"):
            datasets.load("flights@1")
        report = datasets.repair(url=remote)
        assert report.repaired == sorted(broken)
        assert (report.lost, report.unreadable, report.entries) == ([], [], [])
        assert report.bytes > 0
        assert datasets.verify().is_whole
        for number, data in enumerate(frames, 1):
            pd.testing.assert_frame_equal(datasets.load(f"flights@{number}"), data)
        assert datasets.repair(url=remote).repaired == []


def test_a_damaged_entry_is_fetched(at: At, remote: str) -> None:
    with at("anna") as here:
        for rows in (10, 20, 30):
            datasets.save(frame(rows), "flights")
        datasets.push("flights", remote)
        file = here.root / ".mlnb/store/logs/datasets/flights/versions/00000002.json"
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        here.store.delete(objects(ObjectStore(remote), "flights@3")[0])
        with pytest.raises(UnreadableRecord):
            datasets.load("flights@2")
        report = datasets.repair(url=remote)
        assert report.entries == ["flights@2"]
        assert len(report.repaired) == 1
        assert file.read_bytes() == whole
        assert datasets.verify().is_whole


def test_what_the_remote_lacks_is_named(at: At, remote: str) -> None:
    with at("anna") as here:
        datasets.save(frame(10), "flights")
        datasets.push("flights", remote)
        datasets.save(frame(20), "flights")
        datasets.save(frame(20), "others")
        ours, both = versions.find("flights@2"), versions.find("flights@1")
        here.store.delete(ours.manifest)
        here.store.delete(both.manifest)
        flip(ObjectStore(remote), both.manifest)
        file = here.root / ".mlnb/store/logs/datasets/others/versions/00000001.json"
        file.write_text("{")
        report = datasets.repair(url=remote)
        assert report.repaired == []
        assert {item.digest: item.versions for item in report.lost} == {
            ours.manifest: ["flights@2"],
            both.manifest: ["flights@1"],
        }
        assert [f"{item.name}@{item.number}" for item in report.unreadable] == ["others@1"]


def test_only_what_is_asked_for_is_repaired(at: At, remote: str) -> None:
    with at("anna") as here:
        datasets.save(frame(10), "a")
        datasets.save(frame(20), "b")
        datasets.push(url=remote)
        for ref in ("a@1", "b@1"):
            here.store.delete(versions.find(ref).profile)
        assert len(datasets.repair("a", remote).repaired) == 1
        assert [item.versions for item in datasets.verify().damaged] == [["b@1"]]


def test_a_remote_is_needed(at: At) -> None:
    with at("anna"):
        datasets.save(frame(10), "flights")
        with pytest.raises(BadInput, match="No remote is known"):
            datasets.repair()
