"""A Parquet file per version, as ``DataFrame.to_parquet`` writes it: what all is compared with."""

from pathlib import Path

import pandas as pd
import pyarrow as pa  # noqa: F401 — a kernel that works with frames has imported it

from dataset_peers import bytes_under


class System:
    """A folder of files; a token is a file's name."""

    name = "Parquet"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, step: str, frame: pd.DataFrame, changed: pd.DataFrame | None) -> str:
        """Write another file."""
        token = f"{step.replace(' ', '-')}.parquet"
        frame.to_parquet(self.folder / token, compression="zstd")
        return token

    def load(self, token: str) -> pd.DataFrame:
        """Read a file."""
        return pd.read_parquet(self.folder / token)

    def diff(self, before: str, after: str) -> None:
        """Say that files have no diff."""

    def storage(self) -> dict[str, int]:
        """Count all files."""
        return {"versions": bytes_under(self.folder)}
