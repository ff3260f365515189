"""Datasets under real faults: killed processes, races, full disks, damaged files.

``kill -9`` strikes saves, pushes and collections 220 times; each time every version that was
acknowledged has to load as it was saved, and no version may half exist.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.errors import ObjectCorrupt, ObjectMissing, StoreError
from mlnb.core.project import Project
from mlnb.core.store import ObjectStore
from mlnb.datasets import history, manifests, versions
from mlnb.datasets.storage import recent
from mlnb.testing.killing import Mother

from .dataset_jobs import frame, noise

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

NAME = "flights"


@pytest.fixture(scope="module")
def mother() -> Iterator[Mother]:
    with Mother(Path(__file__).with_name("dataset_jobs.py")) as made:
        yield made


@pytest.fixture(autouse=True)
def in_project(project: Project) -> Project:
    return project


class Witness:
    """Knows what was acknowledged, and looks whether it is there.

    Attributes
    ----------
    log : Path
        What the children say.
    seen : dict
        Number → seed of each version found so far.
    """

    def __init__(self, here: Project, log: Path) -> None:
        self.here = here
        self.log = log
        self.seen: dict[int, int] = {}
        self.gone: set[int] = set()
        self._random = np.random.default_rng(1)

    def said(self, word: str) -> list[list[str]]:
        """Return the rest of each line that begins so."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.split()[1:] for line in lines if line.split()[0] == word]

    def look(self, *, everything: bool = False) -> None:
        """Load what is new and three of what is not, and compare it with what was saved."""
        recent.forget()
        with projects.using(self.here):
            self.gone |= {int(ref.split("@")[1]) for (ref,) in self.said("removing")}
            found = {v.number: int(v.message) for v in datasets.log(NAME)}
            assert set(self.numbers()) <= self.gone | set(found), "an entry is damaged"
            for ref, seed in self.said("saved"):
                number = int(ref.split("@")[1])
                if number not in self.gone:
                    assert found.get(number) == int(seed), f"{ref} was acknowledged and is lost"
            new = sorted(set(found) - set(self.seen))
            old = sorted(set(found) & set(self.seen))
            chosen = old if everything else list(self._random.permutation(old)[:3])
            for number in [*new, *chosen]:
                loaded = datasets.load(f"{NAME}@{number}")
                pd.testing.assert_frame_equal(loaded, frame(found[number]))
                objects = manifests.objects(self.here.store, versions.find(f"{NAME}@{number}"))
                sizes = self.here.store.sizes(objects)
                assert sizes.keys() == objects.keys()
                assert all(size in (None, sizes[digest]) for digest, size in objects.items())
            self.seen |= found

    def numbers(self) -> list[int]:
        """Return the numbers of all entries, of removed versions, too."""
        return self.here.store.numbers(history.versions_log(NAME))


def _strike(
    witness: Witness, start: Callable[[int], Any], kills: int, longest: float
) -> tuple[int, int]:
    """Kill children at random points of their work; return how many were, and how many saves."""
    random = np.random.default_rng(7)
    killed = 0
    while killed < kills:
        enough = len(witness.said("begun")) + random.integers(0, 3)
        child = start(killed)
        deadline = time.monotonic() + 20
        while len(witness.said("begun")) <= enough and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(random.uniform(0, longest))
        code = child.kill()
        assert code in (-9, 0), "the child failed by itself"
        killed += code == -9
        if witness.numbers():
            witness.look()
    return killed, len(witness.said("saved"))


def test_killed_saves(mother: Mother, project: Project, tmp_path: Path) -> None:
    witness = Witness(project, tmp_path / "log")

    def start(round_: int) -> Any:
        seeds = list(range(round_ * 1000, round_ * 1000 + 20))
        return mother.start(
            "save", project=str(project.root), name=NAME, log=str(witness.log), seeds=seeds
        )

    killed, saved = _strike(witness, start, 120, 0.03)
    assert killed == 120
    assert saved > 120
    witness.look(everything=True)
    assert witness.numbers() == list(range(1, len(witness.numbers()) + 1))
    assert datasets.verify().is_whole
    # what was written for nothing is told from what is needed, and goes
    assert datasets.collect(older_than=0).removed_objects > 0
    witness.look(everything=True)
    assert datasets.verify().is_whole


def test_killed_pushes(mother: Mother, project: Project, tmp_path: Path) -> None:
    witness = Witness(project, tmp_path / "log")
    remote = tmp_path / "remote"
    there = projects.init(tmp_path / "there", "there")
    (there.root / "mlnb.toml").write_text(f'name = "there"\nstore = "{remote}"\n')
    other = Witness(projects.current(there.root), tmp_path / "nothing")

    def start(round_: int) -> Any:
        seeds = list(range(round_ * 1000, round_ * 1000 + 20))
        return mother.start(
            "push",
            **{"project": str(project.root), "name": NAME, "remote": str(remote)},
            **{"log": str(witness.log), "seeds": seeds},
        )

    random = np.random.default_rng(3)
    killed = 0
    while killed < 60:
        killed_now, _saved = _strike(witness, start, 1, float(random.uniform(0, 0.06)))
        killed += killed_now
        if other.numbers():
            other.look()
            pushed = {int(ref.split("@")[1]) for (ref,) in witness.said("pushed")}
            assert pushed <= set(other.numbers())
            assert set(other.seen.items()) <= set(witness.seen.items())
    assert len(witness.said("pushed")) > 10
    datasets.push(NAME, str(remote))
    other.look(everything=True)
    assert other.seen == witness.seen


def test_killed_collections(mother: Mother, project: Project, tmp_path: Path) -> None:
    witness = Witness(project, tmp_path / "log")

    def start(round_: int) -> Any:
        seeds = list(range(round_ * 1000, round_ * 1000 + 20))
        return mother.start(
            "collect", project=str(project.root), name=NAME, log=str(witness.log), seeds=seeds
        )

    killed, saved = _strike(witness, start, 40, 0.06)
    assert killed == 40
    assert saved >= 40
    datasets.collect(older_than=0)
    witness.look(everything=True)
    assert datasets.verify().is_whole
    assert witness.gone


def test_eight_processes_save_one_name_at_once(
    mother: Mother, project: Project, tmp_path: Path
) -> None:
    witness = Witness(project, tmp_path / "log")
    start = time.time() + 1.5
    children = [
        mother.start(
            "save",
            **{"project": str(project.root), "name": NAME, "log": str(witness.log)},
            **{"seeds": list(range(who * 100, who * 100 + 10)), "start": start},
        )
        for who in range(8)
    ]
    assert [child.wait() for child in children] == [0] * 8
    witness.look()
    assert witness.numbers() == list(range(1, 81))
    assert sorted(witness.seen.values()) == sorted(
        who * 100 + step for who in range(8) for step in range(10)
    )
    assert len({ref for ref, _seed in witness.said("saved")}) == 80
    assert datasets.verify().is_whole


# -- damage ----------------------------------------------------------------------------------------


def _kinds(store: ObjectStore, ref: str) -> list[str]:
    return list(manifests.objects(store, versions.find(ref)))


def test_a_flipped_bit_anywhere_is_found_and_named(project: Project) -> None:
    for seed in range(5):
        datasets.save(frame(seed), NAME, message=str(seed))
    random = np.random.default_rng(2)
    for number in range(1, 6):
        for digest in _kinds(project.store, f"{NAME}@{number}"):
            path = project.store.path(digest)
            assert path is not None
            whole = path.read_bytes()
            for _ in range(3):
                broken = bytearray(whole)
                broken[random.integers(len(whole))] ^= 1 << int(random.integers(8))
                path.write_bytes(broken)
                _is_named(digest, number, "corrupt")
            path.unlink()
            _is_named(digest, number, "missing")
            path.write_bytes(whole)
    assert datasets.verify().is_whole


def _is_named(digest: str, number: int, problem: str) -> None:
    """Look that a damaged object is never taken for data, and that it is named."""
    recent.forget()
    raised: StoreError | None = None
    try:
        loaded = datasets.load(f"{NAME}@{number}")
    except (ObjectCorrupt, ObjectMissing) as error:
        raised = error
    if raised is None:  # what is damaged was not needed: the profile
        pd.testing.assert_frame_equal(loaded, frame(number - 1))
    else:
        assert digest[:16] in raised.message
        assert f"{NAME}@{number}" in raised.message
        assert isinstance(raised, ObjectMissing if problem == "missing" else ObjectCorrupt)
    (found,) = datasets.verify().damaged
    assert (found.digest, found.problem) == (digest, problem)
    assert f"{NAME}@{number}" in found.versions


# -- full disks ------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of eight megabytes."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def _whole_and_goes_on(saved: list[list[str]], name: str) -> None:
    recent.forget()
    for ref, seed in saved:
        pd.testing.assert_frame_equal(datasets.load(ref), noise(int(seed)))
    assert len(datasets.log(name)) >= len(saved)
    assert datasets.verify().is_whole


def test_a_full_disk_leaves_old_versions_whole(
    mother: Mother, small_disk: Path, tmp_path: Path
) -> None:
    here = projects.init(small_disk / "project", "small")
    log = tmp_path / "log"
    child = mother.start(
        "save_until_full",
        **{"project": str(here.root), "name": NAME, "log": str(log), "seeds": list(range(40))},
    )
    assert child.wait() == 0
    *lines, error = log.read_text().splitlines()
    assert len(lines) >= 3
    assert "No space left on device. Make room on its disk" in error
    assert error.count("Error") <= 1
    with projects.using(here):
        _whole_and_goes_on([line.split()[1:] for line in lines], NAME)
        assert list((here.root / ".mlnb/store/parts").iterdir()) == []
        with pytest.raises(StoreError, match="No space left"):
            datasets.save(noise(99), NAME)
        datasets.remove(f"{NAME}@1")
        datasets.collect(older_than=0)
        datasets.save(noise(99), NAME)
        pd.testing.assert_frame_equal(datasets.load(NAME), noise(99))


def test_a_file_that_may_not_grow_leaves_old_versions_whole(
    mother: Mother, project: Project, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    child = mother.start(
        "save_limited",
        **{"project": str(project.root), "name": NAME, "log": str(log)},
        **{"seeds": [0, 1], "limit": 300_000},
    )
    assert child.wait() == 0
    (error,) = log.read_text().splitlines()
    assert "File too large" in error
    assert [version.number for version in datasets.log(NAME)] == [1]
    pd.testing.assert_frame_equal(datasets.load(NAME), frame(0))
    assert list((project.root / ".mlnb/store/parts").iterdir()) == []
    assert datasets.verify().is_whole
    datasets.save(noise(1), NAME)
    pd.testing.assert_frame_equal(datasets.load(NAME), noise(1))
