"""Which measurements of a size depend on which: what was not asked for is not repeated."""

from collections.abc import Iterator

import dataset_diffs
from dataset_tables import Tables
from goals import Bench, Goal


def tables(bench: Bench, rows: int, only: list[str]) -> Iterator[Goal]:
    """Yield the goals of a frame in one size, of the sections that were asked for."""
    sizes = Tables(bench, rows)
    if {"kernels", "loads"} & set(only):
        sizes.prepare()
    if {"saves", "loads", "diffs"} & set(only):
        sizes.save_all(sizes.rounds if "saves" in only else 1)
    if "saves" in only:
        yield from sizes.saves()
    if "kernels" in only:
        yield from sizes.kernels()
    if "loads" in only:
        yield from sizes.loads()
    if "diffs" in only:
        yield from dataset_diffs.goals(sizes)
