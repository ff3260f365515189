"""What tracking costs, beside MLflow on SQLite; more in ``make bench-tracking``."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import reporting
from goals import Bench
from tracking_sections import SECTIONS


def lines() -> Iterator[str]:
    """Measure."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        bench = Bench(folder=Path(folder), peers=("mlflow-sqlite",), quick=True)
        for section in ("logging", "delivery", "kills", "cells"):
            for goal in SECTIONS[section](bench):
                yield reporting.row(goal)
