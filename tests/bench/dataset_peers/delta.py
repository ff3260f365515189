"""Delta Lake, through deltalake (delta-rs)."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
from dataset_frame import KEY
from deltalake import DeltaTable, write_deltalake

from dataset_peers import bytes_under


class System:
    """One Delta table; a token is its version.

    Appended rows are appended, edited rows merged by key (it is handed exactly those); every other
    step can only overwrite. Old files stay, as time travel needs them.
    """

    name = "Delta"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, step: str, frame: pd.DataFrame, changed: pd.DataFrame | None) -> str:
        """Append, merge or overwrite."""
        table = str(self.folder)
        if changed is not None and step.startswith("append"):
            write_deltalake(table, changed, mode="append")
        elif changed is not None:
            rows = pa.Table.from_pandas(changed, preserve_index=False)
            DeltaTable(table).merge(
                rows, f"old.{KEY} = new.{KEY}", source_alias="new", target_alias="old"
            ).when_matched_update_all().execute()
        else:
            write_deltalake(table, frame, mode="overwrite", schema_mode="overwrite")
        return str(DeltaTable(table).version())

    def load(self, token: str) -> pd.DataFrame:
        """Read a version."""
        frame: pd.DataFrame = DeltaTable(str(self.folder), version=int(token)).to_pandas()
        return frame

    def diff(self, before: str, after: str) -> None:
        """Say that there is none: a change data feed knows nothing of overwritten rows."""

    def storage(self) -> dict[str, int]:
        """Count the table's folder: data and log."""
        return {"versions": bytes_under(self.folder)}
