"""Polars: the difference of two tables as a join; it keeps no versions."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from dataset_frame import KEY


class System:
    """Compares Parquet files: scanned, and as frames in memory; the better time counts."""

    name = "Polars"

    def __init__(self, folder: Path) -> None:
        pass

    def ways(self, before: str, after: str) -> dict[str, Callable[[], dict[str, int]]]:
        """Return the joins by name; the frames in memory are there already."""
        frames = [pl.from_arrow(pq.read_table(path)).lazy() for path in (before, after)]  # type: ignore[union-attr]
        return {
            "Parquet": lambda: _count(pl.scan_parquet(before), pl.scan_parquet(after), "streaming"),
            "frames": lambda: _count(*frames, "in-memory"),
            "frames, streaming": lambda: _count(*frames, "streaming"),
        }


def _count(old: pl.LazyFrame, new: pl.LazyFrame, engine: str) -> dict[str, int]:
    names = set(new.collect_schema().names()) - {KEY}
    compared = [name for name in old.collect_schema().names() if name in names]
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_new")) for name in compared)
    added, removed = pl.col(KEY).is_null(), pl.col(f"{KEY}_new").is_null()
    counts = old.join(new, on=KEY, how="full", suffix="_new").select(
        added=added.sum(), removed=removed.sum(), changed=(differs & ~added & ~removed).sum()
    )
    row = counts.collect(engine=engine).row(0, named=True)  # type: ignore[call-overload]
    return {name: int(count) for name, count in row.items()}
