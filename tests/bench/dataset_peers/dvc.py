"""DVC: a Parquet file that ``dvc add`` tracks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa  # noqa: F401 — a kernel that works with frames has imported it

from dataset_peers import bytes_under

_FILE = "table.parquet"


class System:
    """One DVC repository without git; a token is the text of the file's ``.dvc`` file.

    Saving is writing the file and ``dvc add``; loading a version is putting its ``.dvc`` file
    back, ``dvc checkout``, and reading the file.
    """

    name = "DVC"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        beside = Path(sys.executable).with_name("dvc")
        found = str(beside) if beside.exists() else shutil.which("dvc")
        if found is None:
            raise FileNotFoundError("the program dvc is not installed")
        self._dvc = found
        if not (folder / ".dvc").exists():
            self._run("init", "--no-scm", "--quiet")
            self._run("config", "core.analytics", "false")
            self._run("config", "core.check_update", "false")

    def _run(self, *arguments: str) -> None:
        environment = {**os.environ, "DVC_NO_ANALYTICS": "1"}
        subprocess.run(
            [self._dvc, *arguments],
            cwd=self.folder,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def save(self, step: str, frame: pd.DataFrame, changed: pd.DataFrame | None) -> str:
        """Write the file and add it."""
        frame.to_parquet(self.folder / _FILE, compression="zstd")
        self._run("add", "--quiet", _FILE)
        return (self.folder / f"{_FILE}.dvc").read_text(encoding="utf-8")

    def load(self, token: str) -> pd.DataFrame:
        """Check a version out and read it."""
        pointer = self.folder / f"{_FILE}.dvc"
        if pointer.read_text(encoding="utf-8") != token:
            pointer.write_text(token, encoding="utf-8")
            self._run("checkout", "--quiet", "--force", pointer.name)
        return pd.read_parquet(self.folder / _FILE)

    def diff(self, before: str, after: str) -> None:
        """Say that ``dvc diff`` tells files apart, not rows."""

    def storage(self) -> dict[str, int]:
        """Count the cache, and the checked-out file apart."""
        workspace = self.folder / _FILE
        return {
            "versions": bytes_under(self.folder / ".dvc"),
            "workspace": workspace.stat().st_size if workspace.exists() else 0,
        }
