"""Collecting garbage: what is kept, what goes, and that no save ever loses by it."""

import json
import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.errors import StoreError
from mlnb.core.project import Project
from mlnb.core.store import ObjectStore
from mlnb.datasets import manifests, removal, versions

from .racing import frame, race


def age(here: Project, seconds: float = 1e6) -> None:
    """Make every object look as if it had been written long ago."""
    then = time.time() - seconds
    for path in (here.root / ".mlnb/store").rglob("*"):
        if path.is_file() and {"objects", "renewed"} & set(path.parts):
            os.utime(path, (then, then))


def digests(here: Project) -> set[str]:
    return {item.digest for item in here.store.objects()}


@pytest.fixture
def removed(in_project: Project) -> set[str]:
    """Two versions, one of them removed long ago; return the objects that only that one had."""
    datasets.save(frame(1), "data")
    first = digests(in_project)
    datasets.save(frame(2), "data")
    kept = set(manifests.objects(in_project.store, versions.find("data@2")))
    datasets.remove("data@1")
    _backdate(in_project, "data")
    age(in_project)
    return first - kept


def _backdate(here: Project, name: str) -> None:
    for path in (here.root / f".mlnb/store/logs/datasets/{name}/removed").iterdir():
        body = json.loads(path.read_text())
        path.write_text(json.dumps({**body, "created": "2020-01-01T00:00:00Z"}))


def test_what_only_a_removed_version_needs_is_freed(removed: set[str], in_project: Project) -> None:
    before = digests(in_project)
    dry = datasets.collect(dry_run=True)
    assert digests(in_project) == before
    done = datasets.collect()
    assert removed
    assert before - digests(in_project) == removed
    assert done.removed_objects == dry.removed_objects == len(removed)
    assert done.removed_bytes == dry.removed_bytes > 0
    assert done.kept_objects == len(before) - len(removed)
    pd.testing.assert_frame_equal(datasets.load("data"), frame(2))
    assert datasets.verify().is_whole
    assert datasets.collect().removed_objects == 0


def test_what_was_removed_today_stays(in_project: Project) -> None:
    datasets.save(frame(1), "data")
    datasets.remove("data@1")
    age(in_project)
    assert datasets.collect().removed_objects == 0
    assert datasets.restore("data@1").number == 2


def test_what_was_written_today_stays(removed: set[str], in_project: Project) -> None:
    age(in_project, 3600)
    done = datasets.collect()
    assert (done.removed_objects, done.waiting_objects) == (0, len(removed))
    assert datasets.collect(older_than=1800).removed_objects == len(removed)


def test_a_killed_saves_leavings_are_freed(in_project: Project) -> None:
    left = in_project.store.put(b"left by a killed save")
    parts = in_project.root / ".mlnb/store/parts"
    (parts / "half").write_bytes(b"half a file")
    os.utime(parts / "half", (1e9, 1e9))
    age(in_project)
    done = datasets.collect()
    assert done.removed_objects == 1
    assert done.removed_bytes == len(b"left by a killed save") + len(b"half a file")
    assert left not in digests(in_project)
    assert list(parts.iterdir()) == []


@pytest.mark.parametrize("log", ["pipelines/nightly", "endpoints/e/labels", "of/a/plugin"])
def test_what_an_entry_of_any_log_names_stays(log: str, in_project: Project) -> None:
    body = b"an executed notebook"
    named = in_project.store.put(body)
    in_project.store.append(log, lambda _n: {"steps": [{"deep": {"output": f"store:{named}"}}]})
    in_project.store.put(b"named by nobody")
    age(in_project)
    assert datasets.collect().removed_objects == 1
    assert in_project.store.get(named) == body


def test_what_an_unknown_manifest_names_stays(in_project: Project) -> None:
    leaf = in_project.store.put(b"leaf")
    inner = in_project.store.put(json.dumps({"parts": [leaf]}).encode())
    outer = in_project.store.put(json.dumps([inner]).encode())
    in_project.store.append("of/a/plugin", lambda _n: {"manifest": outer})
    age(in_project)
    assert datasets.collect().removed_objects == 0


def test_a_removed_version_that_is_tagged_all_the_same_stays(
    removed: set[str], in_project: Project
) -> None:
    from mlnb.datasets import tagging

    tagging.point(in_project, "data", "gold", 1)  # set while the other removed the version
    assert datasets.collect().removed_objects == 0
    datasets.untag("data", "gold")
    assert datasets.collect().removed_objects == len(removed)


def test_a_removed_version_that_somebody_names_stays(
    removed: set[str], in_project: Project
) -> None:
    in_project.store.append("validations/m", lambda _n: {"data": "data@1"})
    assert datasets.collect().removed_objects == 0


def test_of_an_object_with_several_files_one_stays(in_project: Project) -> None:
    datasets.save(frame(1), "data")
    age(in_project)
    for item in list(in_project.store.objects()):
        in_project.store.put(in_project.store.get(item.digest))
    assert len(list(in_project.store.files())) == 2 * len(digests(in_project))
    datasets.collect()
    assert len(list(in_project.store.files())) == 2 * len(digests(in_project))  # they are young
    age(in_project)
    datasets.collect()
    assert all(file.is_first for file in in_project.store.files())
    assert datasets.verify().is_whole


@pytest.mark.parametrize("log", ["datasets/data/versions", "pipelines/nightly"])
def test_nothing_is_removed_while_an_entry_cannot_be_read(
    log: str, removed: set[str], in_project: Project
) -> None:
    in_project.store.append("pipelines/nightly", lambda _n: {})
    number = in_project.store.last_number(log)
    path = in_project.root / f".mlnb/store/logs/{log}/{number:08d}.json"
    path.write_text("{")
    with pytest.raises(StoreError, match="Nothing was removed"):
        datasets.collect()
    assert removed <= digests(in_project)


def test_nothing_is_removed_while_a_manifest_is_missing(in_project: Project) -> None:
    datasets.save(frame(1), "data")
    in_project.store.put(b"garbage")
    in_project.store.delete(versions.find("data@1").manifest)
    age(in_project)
    with pytest.raises(StoreError, match=r"dataset rm data@1"):
        datasets.collect()
    datasets.remove("data@1")
    _backdate(in_project, "data")
    datasets.collect()
    assert digests(in_project) == set()


def test_an_empty_project_has_no_garbage(in_project: Project) -> None:
    assert datasets.collect().removed_objects == 0
    assert not (in_project.root / ".mlnb/store").exists()


# -- beside running saves


def test_a_saver_and_a_collector_in_a_race_lose_nothing(in_project: Project) -> None:
    done = race(in_project, grace=0.5, seconds=6)
    assert done["saved"] > 10
    assert done["freed"] > 0


def _collect_forever(root: str) -> None:
    here = projects.current(Path(root))
    with projects.using(here):
        while True:
            datasets.collect(older_than=0)


def test_a_killed_collector_leaves_every_version_whole(in_project: Project) -> None:
    context = multiprocessing.get_context("spawn")
    for value in range(3):
        datasets.save(frame(value), "data", message=str(value))
    process = context.Process(target=_collect_forever, args=(str(in_project.root),))
    process.start()
    for _ in range(40):
        in_project.store.put(os.urandom(8))
        time.sleep(0.05)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join(30)
    assert datasets.verify().is_whole
    assert [version.message for version in datasets.log("data")] == ["2", "1", "0"]


def test_a_save_that_slept_keeps_what_it_needs(
    in_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A laptop closed in the middle of a save, and a colleague who collects meanwhile."""
    from mlnb.datasets import recording

    real = recording.history.last_number
    seen: list[Any] = []

    def asleep(store: ObjectStore, name: str, before: int | None = None) -> int:
        if before is not None and not seen:  # just before the entry is made
            age(in_project)
            seen.extend(store.files())
        return real(store, name, before)

    with monkeypatch.context() as patch:
        patch.setattr(recording.history, "last_number", asleep)
        patch.setattr(in_project.store, "grace", 1e-9)  # any save is a slow one
        datasets.save(frame(1), "data")
    in_project.store.discard(seen)
    assert datasets.verify().is_whole


def test_everybody_who_holds_versions_is_asked_once_there_is_something_to_free(
    removed: set[str], in_project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def ask(name: str) -> dict[int, list[str]]:
        asked.append(name)
        return removal.holders(name)

    monkeypatch.setattr("mlnb.datasets.collection.holders", ask)
    datasets.collect()
    datasets.collect()
    assert asked == ["data"]
