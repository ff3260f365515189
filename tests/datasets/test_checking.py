"""Verifying versions: each damaged object is named with everything it touches."""

from pathlib import Path

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core.errors import UnknownName
from mlnb.core.project import Project
from mlnb.datasets import manifests, versions
from mlnb.datasets.remotes.records import Progress


def frame(value: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [value], "b": ["the same"]})


@pytest.fixture(autouse=True)
def four() -> None:
    for value in range(3):
        datasets.save(frame(value), "data")
    datasets.save(frame(1), "twin")


def only(here: Project, ref: str) -> str:
    """Return an object that version 1 of ``data`` and its like need, and no other version."""
    wanted = manifests.objects(here.store, versions.find(ref))
    others = [set(manifests.objects(here.store, versions.find(f"data@{n}"))) for n in (1, 3)]
    return next(iter(set(wanted) - {versions.find(ref).manifest} - set.union(*others)))


def file(here: Project, digest: str) -> Path:
    path = here.store.path(digest)
    assert path is not None
    return path


def test_what_is_whole_is_said_to_be(in_project: Project) -> None:
    report = datasets.verify()
    assert report.is_whole
    assert report.versions == 4
    assert report.objects == len(list(in_project.store.objects()))
    assert report.bytes == sum(item.size for item in in_project.store.objects())
    assert datasets.verify(["data@1"]).versions == 1
    assert datasets.verify(["data", "twin@1"]).versions == 4


@pytest.mark.parametrize("problem", ["missing", "corrupt"])
@pytest.mark.parametrize("refs", [[], ["data@2"], ["twin"]])
def test_a_damaged_object_is_named_with_all_versions_it_touches(
    problem: str, refs: list[str], in_project: Project
) -> None:
    digest = only(in_project, "data@2")
    path = file(in_project, digest)
    if problem == "missing":
        path.unlink()
    else:
        body = bytearray(path.read_bytes())
        body[len(body) // 2] ^= 1
        path.write_bytes(body)
    report = datasets.verify(refs)
    assert not report.is_whole
    (damaged,) = report.damaged
    assert (damaged.digest, damaged.problem) == (digest, problem)
    assert sorted(damaged.versions) == ["data@2", "twin@1"]
    assert datasets.verify(["data@1"]).is_whole


def test_a_damaged_manifest_is_named(in_project: Project) -> None:
    manifest = versions.find("data@3").manifest
    file(in_project, manifest).write_bytes(b"{}")
    (damaged,) = datasets.verify().damaged
    assert (damaged.digest, damaged.problem, damaged.versions) == (manifest, "corrupt", ["data@3"])


def test_a_damaged_entry_is_named(in_project: Project) -> None:
    entry = in_project.root / ".mlnb/store/logs/datasets/data/versions/00000002.json"
    entry.write_text("{")
    report = datasets.verify()
    assert [(item.name, item.number) for item in report.unreadable] == [("data", 2)]
    assert report.versions == 3
    datasets.remove("data@2")
    assert datasets.verify().is_whole


def test_removed_versions_need_nothing(in_project: Project) -> None:
    file(in_project, only(in_project, "data@2")).unlink()
    datasets.remove(["data@2", "twin@1"])
    assert datasets.verify().is_whole


def test_progress_is_told_object_by_object(in_project: Project) -> None:
    told: list[Progress] = []
    report = datasets.verify(on_progress=told.append)
    assert [item.objects for item in told] == list(range(1, report.objects + 1))
    assert told[-1].bytes == told[-1].bytes_total == report.bytes
    assert all(item.objects_total == report.objects for item in told)


def test_what_is_not_there_cannot_be_verified() -> None:
    for ref in ("dta", "data@9"):
        with pytest.raises(UnknownName):
            datasets.verify([ref])


def test_a_second_file_of_an_object_will_do(in_project: Project) -> None:
    import os

    digest = only(in_project, "data@2")
    path = file(in_project, digest)
    os.utime(path, (1e9, 1e9))
    in_project.store.put(in_project.store.get(digest))
    path.unlink()
    assert datasets.verify().is_whole
