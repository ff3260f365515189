"""mlnb, as a notebook calls it."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa  # noqa: F401 — a kernel that works with frames has imported it

from dataset_peers import bytes_under
from mlnb import datasets

_DATASET = "bench"


class System:
    """One project with one dataset; a token is a reference to a version."""

    name = "mlnb"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # As `import mlnb.datasets` leaves it after its first words were looked up.
        self._verbs = (datasets.save, datasets.load)

    def _enter(self) -> None:
        os.environ["MLNB_PROJECT"] = str(self.folder)

    def save(self, step: str, frame: pd.DataFrame, changed: pd.DataFrame | None) -> str:
        """Save the frame; mlnb finds out by itself what changed."""
        self._enter()
        return datasets.save(frame, _DATASET, message=step).ref

    def load(self, token: str) -> pd.DataFrame:
        """Load a version, its objects verified."""
        self._enter()
        frame: pd.DataFrame = datasets.load(token)
        return frame

    def diff(self, before: str, after: str) -> dict[str, int]:
        """Count rows added, removed and changed."""
        self._enter()
        found = datasets.diff(before, after)
        names = ("rows_added", "rows_removed", "rows_changed")
        return {name.removeprefix("rows_"): getattr(found, name) or 0 for name in names}

    def storage(self) -> dict[str, int]:
        """Count everything below the project's folder: objects, logs, events."""
        return {"versions": bytes_under(self.folder)}
