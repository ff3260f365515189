"""History: a dataset of 1,000 versions and 100 moves of a tag, in milliseconds of wall time."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from measuring import Line, compare, timed

VERSIONS, MOVES = 1000, 100


def lines() -> Iterator[Line]:
    """Compare references and the log with reading the entries' files."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        os.environ["MLNB_PROJECT"] = folder
        yield from _compare(Path(folder))


def _compare(folder: Path) -> Iterator[Line]:
    from mlnb import datasets

    _fill()
    files = sorted((folder / ".mlnb/store/logs/datasets/many/versions").iterdir())

    def read_all() -> list[Any]:
        return [json.loads(file.read_bytes()) for file in files]

    def read_one() -> Any:
        return json.loads(files[-1].read_bytes())

    baseline = timed(read_all)
    yield compare("datasets.log", timed(lambda: datasets.log("many")), "JSON files", baseline)
    digest = f"many@{500:064x}"
    yield compare("name@digest", timed(lambda: datasets.resolve(digest)), "JSON files", baseline)
    for ref in ("many", "many@500", "many@gold", "many@{2026-11-01}", "many@~3"):

        def resolve(ref: str = ref) -> Any:
            return datasets.resolve(ref)

        yield compare(ref, timed(resolve), "one JSON file", timed(read_one))


def _fill() -> None:
    from datetime import UTC, datetime, timedelta

    from mlnb import datasets
    from mlnb.core import project
    from mlnb.core.records import Column
    from mlnb.datasets.history import versions_log
    from mlnb.datasets.records import StoredVersion

    store = project.current().store
    columns = [Column(name=f"column {place}", type="int64") for place in range(12)]
    start = datetime(2026, 10, 1, tzinfo=UTC)

    def make(number: int) -> dict[str, Any]:
        return StoredVersion(
            name="many",
            number=number,
            digest=f"{number:064x}",
            columns=columns,
            rows=1_000_000,
            bytes=1_000_000,
            parent=number - 1 or None,
            message="as every hour",
            author="analyst",
            created=start + timedelta(hours=number),
        ).to_dict()

    for _ in range(VERSIONS):
        store.append(versions_log("many"), make)
    for move in range(MOVES):
        datasets.tag(f"many@{move + 1}", "gold")
