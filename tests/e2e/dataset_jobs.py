"""What the processes do that `test_dataset_faults` kills: save, push, collect, as fast as they can.

A version's message is the seed of its frame, so that whoever finds it knows what is in it.
"""

import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet  # noqa: F401  (imported once, by the mother of all jobs)

import mlnb.datasets.collection
import mlnb.datasets.recording
import mlnb.datasets.remotes.transfer
import mlnb.datasets.removal
import mlnb.datasets.storage.loading
import mlnb.datasets.storage.saving  # noqa: F401
from mlnb import datasets
from mlnb.core import project as projects

ROWS = 2000


def frame(seed: int) -> pd.DataFrame:
    """Return an edit of one table: cells, appended rows, a column more, deleted or sorted rows."""
    made = pd.DataFrame(
        {
            "key": np.arange(ROWS),
            "value": np.arange(ROWS) % 97 / 7,
            "word": [f"word {number % 311}" for number in range(ROWS)],
            "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(ROWS) % 365, unit="D"),
            "kind": pd.Categorical([("a", "b", "c")[number % 3] for number in range(ROWS)]),
        }
    )
    random = np.random.default_rng(seed)
    match seed % 5:
        case 0:
            cells = random.integers(0, ROWS, 20)
            made.loc[cells, "value"] = random.normal(size=20)
        case 1:
            more = made.sample(50, random_state=seed).assign(key=np.arange(ROWS, ROWS + 50))
            made = pd.concat([made, more], ignore_index=True)
        case 2:
            made[f"more_{seed}"] = random.integers(0, 1000, ROWS)
        case 3:
            made = made.drop(index=random.integers(0, ROWS, 30)).reset_index(drop=True)
        case 4:
            made = made.sample(frac=1, random_state=seed)
    made.loc[made.index[0], "word"] = f"seed {seed}"
    return made


def _say(log: str, text: str) -> None:
    """Acknowledge: one write, which a killed process has made or has not."""
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


def save(project: str, name: str, log: str, seeds: list[int], start: float = 0.0) -> None:
    """Save a version per seed, and say so."""
    with projects.using(projects.current(Path(project))):
        first = frame(seeds[0])
        while time.time() < start:
            pass
        for seed in seeds:
            data = first if seed == seeds[0] else frame(seed)
            _say(log, "begun")
            version = datasets.save(data, name, message=str(seed))
            _say(log, f"saved {version.ref} {seed}")


def push(project: str, name: str, remote: str, log: str, seeds: list[int]) -> None:
    """Save a version per seed and push it."""
    with projects.using(projects.current(Path(project))):
        for seed in seeds:
            version = datasets.save(frame(seed), name, message=str(seed))
            _say(log, f"saved {version.ref} {seed}")
            _say(log, "begun")
            for ref in datasets.push(name, remote).versions:
                _say(log, f"pushed {ref}")


def collect(project: str, name: str, log: str, seeds: list[int]) -> None:
    """Save a version per seed, remove the one before, and collect what it alone needed."""
    with projects.using(projects.current(Path(project))):
        for seed in seeds:
            before = datasets.latest()
            version = datasets.save(frame(seed), name, message=str(seed))
            _say(log, f"saved {version.ref} {seed}")
            if before and before[0].number % 4:
                _say(log, f"removing {before[0].ref}")
                datasets.remove(before[0].ref)
            _say(log, "begun")
            datasets.collect(older_than=0)


def save_limited(project: str, name: str, log: str, seeds: list[int], limit: int) -> None:
    """Save while no file may grow beyond a limit, and write down the error."""
    import resource

    with projects.using(projects.current(Path(project))):
        datasets.save(frame(seeds[0]), name, message=str(seeds[0]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        _save_until_full(name, log, seeds[1:])


def save_until_full(project: str, name: str, log: str, seeds: list[int]) -> None:
    """Save until the disk is full, and write down the error."""
    with projects.using(projects.current(Path(project))):
        _save_until_full(name, log, seeds)


def _save_until_full(name: str, log: str, seeds: list[int]) -> None:
    for seed in seeds:
        try:
            version = datasets.save(noise(seed), name, message=str(seed))
        except Exception as error:
            _say(log, f"{type(error).__name__}: {error}")
            return
        _say(log, f"saved {version.ref} {seed}")


def noise(seed: int) -> pd.DataFrame:
    """Return what no compression makes small: 800 kB."""
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(10_000, 10))).add_prefix("c")
