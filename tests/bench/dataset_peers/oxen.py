"""Oxen, through oxenai: a Parquet file that is added and committed."""

import os
from pathlib import Path

import pandas as pd
import pyarrow as pa  # noqa: F401 — a kernel that works with frames has imported it
from dataset_frame import KEY

from dataset_peers import bytes_under

_FILE = "table.parquet"
_THERE = "commit-of-the-file"


class System:
    """One Oxen repository; a token is a commit."""

    name = "Oxen"

    def __init__(self, folder: Path) -> None:
        os.environ["HOME"] = str(folder.parent)  # where it keeps who commits
        import oxen

        self.folder, self._oxen = folder, oxen
        self._repo = oxen.Repo(str(folder))
        if not (folder / ".oxen").exists():
            oxen.user.config_user("Benchmark", "benchmark@example.org")
            self._repo.init()

    def save(self, step: str, frame: pd.DataFrame, changed: pd.DataFrame | None) -> str:
        """Write the file, add and commit it."""
        path = self.folder / _FILE
        frame.to_parquet(path, compression="zstd")
        self._repo.add(str(path))
        try:
            token = str(self._repo.commit(step).id)
        except ValueError as error:
            if "No changes" not in str(error):
                raise
            token = str(self._repo.log()[0].id)
        (self.folder / _THERE).write_text(token, encoding="utf-8")
        return token

    def load(self, token: str) -> pd.DataFrame:
        """Restore the file from a commit if it is of another, and read it."""
        there = self.folder / _THERE
        if there.read_text(encoding="utf-8") != token:
            self._repo.restore(_FILE, source=token)  # `checkout` knows branches only
            there.write_text(token, encoding="utf-8")
        return pd.read_parquet(self.folder / _FILE)

    def diff(self, before: str, after: str) -> dict[str, int]:
        """Restore both files and compare their rows by key: by revision it compares no rows."""
        places = []
        for token in (before, after):
            self._repo.restore(_FILE, source=token)
            places.append(self.folder / f"{token}.parquet")
            (self.folder / _FILE).rename(places[-1])
        rows = self._oxen.diff(str(places[0]), str(places[1]), keys=[KEY]).get().data
        counts = dict(rows["_oxen_diff_status"].value_counts().iter_rows())
        for place in places:
            place.unlink()
        (self.folder / _THERE).write_text("", encoding="utf-8")
        return {
            "added": counts.get("added", 0),
            "removed": counts.get("removed", 0),
            "changed": counts.get("modified", 0),
        }

    def storage(self) -> dict[str, int]:
        """Count ``.oxen``, and the checked-out file apart."""
        workspace = self.folder / _FILE
        return {
            "versions": bytes_under(self.folder / ".oxen"),
            "workspace": workspace.stat().st_size if workspace.exists() else 0,
        }
