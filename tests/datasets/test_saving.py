"""Saving: one version per content, whoever saves, whenever it is interrupted."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core import lineage
from mlnb.core.errors import (
    BadInput,
    InvalidName,
    ObjectCorrupt,
    ObjectMissing,
    UnknownName,
)
from mlnb.core.project import Project
from mlnb.core.records import DatasetVersion

FRAME = pd.DataFrame({"a": [1, 2, 3], "b": ["x", "y", None]})


def stored_files(project: Project) -> set[Path]:
    return {path for path in Path(project.store.url).rglob("*") if path.is_file()}


def test_a_version_says_what_it_is(in_project: Project) -> None:
    version = datasets.save(FRAME, "data", message="first", author="analyst")
    assert (version.ref, version.rows, version.parent) == ("data@1", 3, None)
    assert (version.message, version.author, version.run) == ("first", "analyst", None)
    assert [(column.name, column.type) for column in version.columns] == [
        ("a", "int64"),
        ("b", "string"),
    ]
    assert version.bytes > 0
    assert type(version) is DatasetVersion


def test_the_author_is_the_setting_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLNB_AUTHOR", "reviewer")
    assert datasets.save(FRAME, "data").author == "reviewer"


def test_other_content_makes_the_next_version() -> None:
    datasets.save(FRAME, "data")
    second = datasets.save(FRAME.assign(a=0), "data", message="zero")
    assert (second.number, second.parent) == (2, 1)


def test_the_same_content_writes_nothing(in_project: Project) -> None:
    first = datasets.save(FRAME, "data", message="first")
    before = stored_files(in_project)
    again = datasets.save(FRAME.copy(), "data", message="again")
    assert again == first
    assert stored_files(in_project) == before
    assert len(datasets.log("data")) == 1


@pytest.mark.parametrize("spoil", [Path.unlink, lambda path: os.truncate(path, 5)])
def test_saving_again_brings_a_lost_object_back(
    spoil: Callable[[Path], None], in_project: Project
) -> None:
    first = datasets.save(FRAME, "data")
    before = stored_files(in_project)
    for path in before:
        if "objects" in path.parts:
            spoil(path)
    with pytest.raises((ObjectMissing, ObjectCorrupt)):
        datasets.load("data")
    assert datasets.save(FRAME, "data") == first
    assert stored_files(in_project) == before
    pd.testing.assert_frame_equal(datasets.load("data"), FRAME)


def test_going_back_to_older_content_is_a_version_of_its_own(in_project: Project) -> None:
    first = datasets.save(FRAME, "data")
    datasets.save(FRAME.assign(a=0), "data")
    objects = {path for path in stored_files(in_project) if "objects" in path.parts}
    third = datasets.save(FRAME, "data")
    assert (third.number, third.digest) == (3, first.digest)
    assert {path for path in stored_files(in_project) if "objects" in path.parts} == objects


def test_a_tag_can_be_given_at_once_and_to_content_that_is_there() -> None:
    assert datasets.save(FRAME, "data", tag="gold").tags == ["gold"]
    assert datasets.save(FRAME, "data", tag="raw").tags == ["gold", "raw"]


@pytest.mark.parametrize("name", ["", "a b", "../a", "a@1", ".hidden", "x" * 101])
def test_a_bad_name_is_refused(name: str, in_project: Project) -> None:
    with pytest.raises(InvalidName):
        datasets.save(FRAME, name)
    assert stored_files(in_project) == set()


@pytest.mark.parametrize("tag", ["3", "latest", "a/b", ""])
def test_a_bad_tag_is_refused_before_anything_is_written(tag: str, in_project: Project) -> None:
    with pytest.raises(BadInput):
        datasets.save(FRAME, "data", tag=tag)
    assert stored_files(in_project) == set()


def test_a_missing_file_is_named() -> None:
    Path("flights.csv").write_text("a\n1\n")
    with pytest.raises(UnknownName, match=r"Did you mean 'flights\.csv'"):
        datasets.save("fligths.csv", "data")


def test_lineage_and_events_tell_of_it(in_project: Project) -> None:
    edges: list[tuple[str, str, Any]] = []
    stop = lineage.listen(lambda edge, value: edges.append((edge.direction, edge.ref, value)))
    try:
        version = datasets.save(FRAME, "data", message="first")
        datasets.load("data")
        datasets.save(FRAME, "data")
    finally:
        stop()
    assert edges == [
        ("output", "data@1", version),
        ("input", "data@1", version),
        ("output", "data@1", version),
    ]
    events, _ = in_project.events.read()
    saved = [event for event in events if event.kind == "dataset.saved"]
    assert [(event.subject, event.data["rows"]) for event in saved] == [("data@1", 3)]
    assert saved[0].data["digest"] == version.digest


def test_the_open_run_is_recorded() -> None:
    lineage.enter_run("abc123")
    try:
        assert datasets.save(FRAME, "data").run == "abc123"
    finally:
        lineage.leave_run("abc123")


def _save_many(root: str, writer: int, barrier: Any) -> None:
    os.environ["MLNB_PROJECT"] = root
    barrier.wait()
    for step in range(5):
        datasets.save(pd.DataFrame({"writer": [writer], "step": [step]}), "race")


def test_racing_writers_each_get_versions_of_their_own(in_project: Project) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    writers = [
        context.Process(target=_save_many, args=(str(in_project.root), number, barrier))
        for number in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    versions = datasets.log("race")
    assert [version.number for version in versions] == list(range(15, 0, -1))
    found = [tuple(datasets.load(version.ref).iloc[0]) for version in versions]
    assert sorted(found) == [(writer, step) for writer in range(3) for step in range(5)]


def _save_one(root: str, barrier: Any) -> None:
    os.environ["MLNB_PROJECT"] = root
    barrier.wait()
    datasets.save(FRAME, "same")


def test_racing_writers_of_one_content_make_one_version(in_project: Project) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(3)
    writers = [
        context.Process(target=_save_one, args=(str(in_project.root), barrier)) for _ in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(datasets.log("same")) == 1


LOOP = """
import itertools
import numpy as np, pandas as pd
from mlnb import datasets
print("ready", flush=True)
for step in itertools.count():
    frame = pd.DataFrame({"step": step, "value": np.arange(20_000) * step})
    print(datasets.save(frame, "killed").number, flush=True)
"""


def test_a_killed_writer_leaves_every_listed_version_whole(in_project: Project) -> None:
    for delay in (0.02, 0.05, 0.11):
        writer = subprocess.Popen(
            [sys.executable, "-c", LOOP], stdout=subprocess.PIPE, text=True, cwd=in_project.root
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        assert int(writer.stdout.readline()) > 0
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        writer.wait(10)
        writer.stdout.close()
        for version in datasets.log("killed"):
            frame = datasets.load(version.ref)
            assert len(frame) == version.rows == 20_000
            assert frame["value"].tolist() == [row * frame["step"][0] for row in range(20_000)]
        datasets.show("killed")
    newest = datasets.log("killed")[0].number
    assert datasets.save(FRAME, "killed").number == newest + 1


DIES = """
import os, signal, sys
import pandas as pd
from mlnb import datasets
from mlnb.core.store import ObjectStore

method, calls = sys.argv[1], int(sys.argv[2])
real = getattr(ObjectStore, method)

def dying(*arguments):
    global calls
    calls -= 1
    if calls == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*arguments)

setattr(ObjectStore, method, dying)
datasets.save(pd.DataFrame({"a": [7, 8, 9]}), "data")
"""


@pytest.mark.parametrize(
    ("method", "calls"), [("put", 1), ("put", 2), ("put", 3), ("put", 4), ("append", 1)]
)
def test_dying_between_any_two_writes_leaves_the_old_versions(
    method: str, calls: int, in_project: Project
) -> None:
    first = datasets.save(FRAME, "data")
    done = subprocess.run([sys.executable, "-c", DIES, method, str(calls)], cwd=in_project.root)
    assert done.returncode == -signal.SIGKILL
    assert datasets.log("data") == [first]
    pd.testing.assert_frame_equal(datasets.load("data"), FRAME)
    again = datasets.save(pd.DataFrame({"a": [7, 8, 9]}), "data")
    assert again.number == 2
    assert datasets.load("data")["a"].tolist() == [7, 8, 9]
    assert datasets.show("data").version == again
