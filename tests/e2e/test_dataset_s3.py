"""Datasets on a real S3 server: as the project's store, and as the remote that a team shares."""

# ruff: noqa: TID252  (tests are no installed package, which an absolute import would need)

import multiprocessing
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.errors import ObjectCorrupt, StoreUnavailable, VersionsDiverged
from mlnb.core.project import Project
from mlnb.core.store import ObjectStore
from mlnb.datasets import manifests, versions
from mlnb.datasets.remotes.records import Progress
from mlnb.datasets.storage import recent
from mlnb.testing.killing import Mother
from mlnb.testing.s3 import S3Server

from ..datasets.storage import strategies
from ..datasets.storage.strategies import State
from ..datasets.storage.test_any_edits import (
    check_all,
    check_arrow,
    check_pandas,
    check_polars,
    manners,
    save_all,
    small_units,
)
from .dataset_jobs import frame

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

NAME = "flights"


@pytest.fixture
def url(s3: S3Server) -> str:
    return f"s3://{s3.bucket}/{uuid4().hex}"


@contextmanager
def at(folder: Path, **setting: str) -> Iterator[Project]:
    """Work in a project of this folder."""
    if not folder.exists():
        projects.init(folder, folder.name)
        with (folder / "mlnb.toml").open("a") as file:
            file.writelines(f'{name} = "{value}"\n' for name, value in setting.items())
    with projects.using(projects.current(folder)) as here:
        yield here


# -- as the project's store


@pytest.fixture
def on_s3(tmp_path: Path, url: str) -> Iterator[Project]:
    with at(tmp_path / "on-s3", store=url) as here:
        yield here


few = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(
    ("histories", "make", "check"),
    [
        (strategies.pandas_histories, strategies.to_pandas, check_pandas),
        (strategies.polars_histories, strategies.to_polars, check_polars),
        (strategies.arrow_histories, strategies.to_arrow, check_arrow),
    ],
)
def test_any_edits_of_any_table_come_back(
    on_s3: Project,
    tmp_path: Path,
    histories: Callable[[], Any],
    make: Callable[[State], Any],
    check: Callable[[str, State], None],
) -> None:
    """From the store itself, and from the store of a colleague who pulled."""
    any_layout = make is strategies.to_arrow

    @few
    @given(histories(), manners())
    def run(states: list[State], is_new_kernel: Callable[[], bool]) -> None:
        with small_units(8):
            saved = save_all(states, make, is_new_kernel, any_layout=any_layout)
            check_all(saved, check, is_new_kernel)
            if not saved:
                return
            name = next(iter(saved)).partition("@")[0]
            with at(tmp_path / "colleague"):
                assert datasets.pull(name, on_s3.store.url).versions == list(saved)
                recent.forget()
                check_all(saved, check, lambda: True)

    run()


def _save_many(folder: str, who: int, count: int, barrier: Any) -> None:
    with projects.using(projects.current(Path(folder))):
        datasets.save(frame(who * 1000), f"warm-{who}")
        barrier.wait()
        for step in range(count):
            seed = who * 1000 + step
            datasets.save(frame(seed), NAME, message=str(seed))


def test_two_writers_race_through_conditional_puts(on_s3: Project) -> None:
    context = multiprocessing.get_context("spawn")
    writers, count = 2, 25
    barrier = context.Barrier(writers)
    processes = [
        context.Process(target=_save_many, args=(str(on_s3.root), who, count, barrier))
        for who in range(writers)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * writers
    found = {version.number: int(version.message) for version in datasets.log(NAME)}
    assert sorted(found) == list(range(1, writers * count + 1))
    assert sorted(found.values()) == sorted(
        who * 1000 + step for who in range(writers) for step in range(count)
    )
    for number, seed in found.items():
        pd.testing.assert_frame_equal(datasets.load(f"{NAME}@{number}"), frame(seed))
    assert datasets.verify().is_whole


def test_garbage_is_collected_and_tags_are_kept(on_s3: Project) -> None:
    for seed in range(4):
        datasets.save(frame(seed), NAME, message=str(seed))
    datasets.tag(f"{NAME}@1", "gold")
    datasets.remove([f"{NAME}@2", f"{NAME}@3"])
    before = len(list(on_s3.store.objects()))
    time.sleep(1.1)  # the server tells times of change to the second
    assert datasets.collect(older_than=0).removed_objects > 0
    assert len(list(on_s3.store.objects())) < before
    recent.forget()
    pd.testing.assert_frame_equal(datasets.load(f"{NAME}@gold"), frame(0))
    pd.testing.assert_frame_equal(datasets.load(NAME), frame(3))
    assert datasets.verify().is_whole


# -- as a remote


def test_a_team_shares_tables_and_folders(tmp_path: Path, url: str) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    random = np.random.default_rng(0)
    for number in range(200):
        (photos / f"{number:03d}.bin").write_bytes(random.bytes(20_000))
    with at(tmp_path / "anna", remote=url):
        for seed in range(5):
            datasets.save(frame(seed), NAME, message=str(seed))
        datasets.tag(f"{NAME}@4", "gold")
        datasets.save(photos, "photos")
        first = datasets.push()
        (photos / "007.bin").write_bytes(random.bytes(20_000))
        datasets.save(photos, "photos")
        second = datasets.push()
        assert second.versions == ["photos@2"]
        assert second.bytes < first.bytes / 20
    with at(tmp_path / "ben", remote=url):
        assert datasets.pull(f"{NAME}@gold").versions == [f"{NAME}@4"]
        pd.testing.assert_frame_equal(datasets.load(f"{NAME}@gold"), frame(3))
        datasets.pull()
        for number in range(1, 6):
            pd.testing.assert_frame_equal(datasets.load(f"{NAME}@{number}"), frame(number - 1))
        datasets.checkout("photos", tmp_path / "out")
        assert datasets.verify().is_whole
        again = datasets.pull()
        assert (again.versions, again.objects) == ([], 0)
    for number in range(200):
        file = f"{number:03d}.bin"
        assert (tmp_path / "out" / file).read_bytes() == (photos / file).read_bytes()


def test_who_may_only_read_pulls_and_does_not_push(
    tmp_path: Path, url: str, s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with at(tmp_path / "anna"):
        datasets.save(frame(0), NAME)
        datasets.push(url=url)
    for name, value in s3.environment_of(s3.reader).items():
        monkeypatch.setenv(name, value)
    with at(tmp_path / "ben"):
        datasets.pull(url=url)
        datasets.save(frame(1), NAME)
        with pytest.raises(StoreUnavailable, match="403 Forbidden"):
            datasets.push(url=url)
    assert ObjectStore(url).numbers(f"datasets/{NAME}/versions") == [1]


def test_a_push_to_a_bucket_that_is_not_there_writes_nothing(tmp_path: Path, s3: S3Server) -> None:
    with at(tmp_path / "anna"):
        datasets.save(frame(0), NAME)
        with pytest.raises(StoreUnavailable, match="no such bucket"):
            datasets.push(url="s3://nothing/store")


def test_what_was_damaged_here_is_repaired_from_there_and_not_the_other_way(
    tmp_path: Path, url: str
) -> None:
    with at(tmp_path / "anna", remote=url) as here:
        for seed in range(3):
            datasets.save(frame(seed), NAME)
        datasets.push()
        for digest in manifests.objects(here.store, versions.find(f"{NAME}@2")):
            here.store.replace(digest, b"damaged")
        recent.forget()
        with pytest.raises(ObjectCorrupt, match="verify --repair"):
            datasets.load(f"{NAME}@2")
        with pytest.raises(ObjectCorrupt):
            datasets.push(url=f"{url}-2")
        assert not ObjectStore(f"{url}-2").logs("datasets")
        report = datasets.repair()
        assert report.repaired
        assert not report.lost
        pd.testing.assert_frame_equal(datasets.load(f"{NAME}@2"), frame(1))


def test_an_interrupted_pull_goes_on_where_it_was(tmp_path: Path, url: str) -> None:
    with at(tmp_path / "anna"):
        for seed in range(20):
            datasets.save(frame(seed), NAME)
        total = datasets.push(url=url).objects
    with at(tmp_path / "ben") as here:

        def interrupt(progress: Progress) -> None:
            if progress.objects == total // 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            datasets.pull(url=url, on_progress=interrupt)
        assert here.store.logs("datasets") == []
        report = datasets.pull(url=url)
        assert report.skipped >= total // 2
        assert report.objects + report.skipped == total
        assert datasets.verify().is_whole


def test_ctrl_c_ends_a_push_that_can_be_continued(tmp_path: Path, url: str) -> None:
    with at(tmp_path / "anna", remote=url) as here:
        random = np.random.default_rng(0)
        for _ in range(30):
            datasets.save(pd.DataFrame(random.normal(size=(100_000, 10))).add_prefix("c"), NAME)
        process = subprocess.Popen(
            [sys.executable, "-m", "mlnb", "dataset", "push"],
            cwd=here.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        there = ObjectStore(url)
        deadline = time.monotonic() + 30
        while len(list(there.objects())) < 10 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        assert (process.returncode, output.strip()) == (2, "Interrupted.")
        assert there.logs("datasets") == []
        copied = len(list(there.objects()))
        report = datasets.push()
        assert report.skipped >= copied >= 10
        assert report.objects > 0
        assert len(report.versions) == 30


@pytest.fixture
def mother(s3: S3Server) -> Iterator[Mother]:
    """Has no connection yet when it forks: a client's threads do not outlive a fork."""
    with Mother(Path(__file__).with_name("dataset_jobs.py")) as made:
        yield made


def _begun(log: Path) -> int:
    return log.read_text().count("begun") if log.exists() else 0


def test_killed_pushes_leave_the_bucket_whole(mother: Mother, tmp_path: Path, url: str) -> None:
    log = tmp_path / "log"
    random = np.random.default_rng(5)
    with at(tmp_path / "anna") as here, at(tmp_path / "there", store=url):
        pass
    for round_ in range(12):
        child = mother.start(
            "push",
            **{"project": str(here.root), "name": NAME, "remote": url, "log": str(log)},
            **{"seeds": list(range(round_ * 1000, round_ * 1000 + 20))},
        )
        enough = _begun(log) + int(random.integers(1, 4))
        deadline = time.monotonic() + 20
        while _begun(log) < enough and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(random.uniform(0, 0.1))
        assert child.kill() == -9
    pushed = [line.split()[1] for line in log.read_text().splitlines() if "pushed" in line]
    with at(tmp_path / "there") as there:
        numbers = there.store.numbers(f"datasets/{NAME}/versions")
        assert {int(ref.partition("@")[2]) for ref in pushed} <= set(numbers)
        assert len(numbers) > 12
        assert datasets.verify().is_whole
        for version in datasets.log(NAME):
            loaded = datasets.load(version.ref)
            pd.testing.assert_frame_equal(loaded, frame(int(version.message)))


def test_racing_pushes_of_different_histories(tmp_path: Path, url: str) -> None:
    """One is first; the other is told, and its version is not there under that number."""
    for who in ("anna", "ben"):
        with at(tmp_path / who, author=who):
            datasets.save(frame(ord(who[0])), NAME, author=who)
    with at(tmp_path / "ben"):

        def be_first(progress: Progress) -> None:
            if progress.phase == "recording":
                with at(tmp_path / "anna"):
                    datasets.push(url=url)

        with pytest.raises(VersionsDiverged):
            datasets.push(url=url, on_progress=be_first)
    with at(tmp_path / "carla"):
        datasets.pull(url=url)
        assert datasets.resolve(NAME).author == "anna"
        pd.testing.assert_frame_equal(datasets.load(NAME), frame(ord("a")))
