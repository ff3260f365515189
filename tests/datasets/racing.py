"""A saver and a collector of garbage at once, for the tests of the folder store and of S3."""

import multiprocessing
import time
from pathlib import Path
from typing import Any

import pandas as pd

from mlnb import datasets
from mlnb.core import project as projects
from mlnb.core.project import Project

KEPT = 3
CONTENTS = 25
"""So many that what comes back has been garbage for longer than the time of grace."""


def frame(value: int) -> pd.DataFrame:
    return pd.DataFrame({"a": [value] * 10, "b": [f"text {value}"] * 10})


def race(here: Project, grace: float, seconds: float) -> dict[str, int]:
    """Save and collect at once, check that nothing was lost, and return the counts."""
    context = multiprocessing.get_context("spawn")
    counts: Any = context.Queue()
    datasets.save(frame(0), "data", message="0")
    until = time.time() + seconds
    processes = [
        context.Process(target=work, args=(str(here.root), grace, until, counts))
        for work in (save_and_remove, collect)
    ]
    for process in processes:
        process.start()
    done = dict(counts.get(timeout=60 + seconds) for _ in processes)
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    there = datasets.log("data")
    assert len(there) == KEPT
    assert datasets.verify().is_whole
    for version in there:
        pd.testing.assert_frame_equal(datasets.load(version.ref), frame(int(version.message)))
    return done


def save_and_remove(root: str, grace: float, until: float, counts: Any) -> None:
    """Save what was removed a while ago again and again."""
    here = projects.current(Path(root))
    with projects.using(here):
        here.store.grace = grace
        saved = 0
        while time.time() < until:
            datasets.save(frame(saved % CONTENTS), "data", message=str(saved % CONTENTS))
            saved += 1
            for version in datasets.log("data")[KEPT:]:
                datasets.remove(version.ref)
    counts.put(("saved", saved))


def collect(root: str, grace: float, until: float, counts: Any) -> None:
    """Collect without a pause."""
    here = projects.current(Path(root))
    with projects.using(here):
        here.store.grace = grace
        freed = 0
        while time.time() < until:
            freed += datasets.collect(older_than=grace).removed_objects
    counts.put(("freed", freed))
