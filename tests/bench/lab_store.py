"""A project with very many runs and dataset versions, made in seconds: entries, not data."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tracking_search import fill

HISTORY = "history"
"""The dataset with many versions; all others have one."""


def make(folder: Path, runs: int, versions: int) -> None:
    """Put runs, datasets with a version each, and one with as many versions into a project."""
    os.environ["MLNB_PROJECT"] = str(folder)
    try:
        from mlnb.core import project
        from mlnb.datasets.history import versions_log
        from mlnb.tracking import store

        here = project.current()
        store.use(here.tracking_uri)
        database = store.sqlite_file(here.tracking_uri)
        assert database is not None
        fill(database, runs)
        for version in _versions(versions):
            here.store.append(versions_log(version["name"]), lambda _number, v=version: v)
        here.events.emit("dataset.saved", f"{HISTORY}@{versions}")
    finally:
        del os.environ["MLNB_PROJECT"]


def _versions(count: int) -> Iterator[dict[str, object]]:
    from mlnb.core.records import Column
    from mlnb.datasets.records import StoredVersion

    begun = datetime(2026, 1, 1, tzinfo=UTC)
    columns = [Column(name=f"column_{number:02d}", type="double") for number in range(20)]
    places = [(f"dataset-{number:04d}", 1) for number in range(count)]
    places += [(HISTORY, number + 1) for number in range(count)]
    for place, (name, number) in enumerate(places):
        yield StoredVersion(
            name=name,
            number=number,
            digest=f"{place:064x}",
            columns=columns,
            rows=1000 + place,
            bytes=50_000 + place,
            parent=number - 1 or None,
            message=f"import of day {place}",
            author="analyst",
            created=begun + timedelta(minutes=place),
            manifest=f"{place:064x}",
        ).to_dict()
