"""Lance, through pylance."""

from pathlib import Path

import lance
import pandas as pd
import pyarrow as pa
from dataset_frame import KEY

from dataset_peers import bytes_under


class System:
    """One Lance dataset; a token is its version.

    Appended rows are appended and edited rows merged by key (it is handed exactly those); a column
    is merged by key. Every other step overwrites: rows of a frame that were deleted would have to
    be named one by one.
    """

    name = "Lance"

    def __init__(self, folder: Path) -> None:
        self.path = str(folder / "table.lance")
        self.folder = folder

    def save(self, step: str, frame: pd.DataFrame, changed: pd.DataFrame | None) -> str:
        """Append, merge or overwrite."""
        if changed is not None and step.startswith("append"):
            return str(lance.write_dataset(changed, self.path, mode="append").version)
        if changed is not None:
            dataset = lance.dataset(self.path)
            rows = pa.Table.from_pandas(changed, preserve_index=False)
            dataset.merge_insert(KEY).when_matched_update_all().execute(rows)
        elif step == "column added":
            dataset = lance.dataset(self.path)
            dataset.merge(pa.table({KEY: frame[KEY], "unit_price": frame["unit_price"]}), KEY)
        else:
            mode = "create" if step == "first" and not Path(self.path).exists() else "overwrite"
            dataset = lance.write_dataset(frame, self.path, mode=mode)
        return str(dataset.version)

    def load(self, token: str) -> pd.DataFrame:
        """Read a version."""
        frame: pd.DataFrame = lance.dataset(self.path, version=int(token)).to_table().to_pandas()
        return frame

    def diff(self, before: str, after: str) -> None:
        """Say that there is none of the values of rows."""

    def storage(self) -> dict[str, int]:
        """Count the dataset's folder."""
        return {"versions": bytes_under(self.folder)}
