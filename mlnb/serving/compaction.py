"""Closed segments of a prediction log → Parquet: ``python -m mlnb.serving.compaction FILE…``.

The Parquet file gets its name only when it is complete, and the lines are removed after that; a
crash between the two leaves both, of which readers take the Parquet file.
"""

import os
import sys
from pathlib import Path

import pyarrow.parquet as pq

from mlnb.serving.prediction_reader import COMPACT, table_of


def compact(file: Path) -> Path | None:
    """Turn one segment's lines into Parquet and remove them; None if it holds no rows."""
    target = file.with_suffix(COMPACT)
    if not target.exists():
        table = table_of(file)
        if table is None:
            return None
        draft = file.with_suffix(".draft")
        pq.write_table(table, draft, compression="zstd")
        descriptor = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(target)
    file.unlink()
    return target


def main() -> None:
    """Compact the files named on the command line, giving way to whoever serves."""
    os.nice(10)
    for name in sys.argv[1:]:
        compact(Path(name))


if __name__ == "__main__":
    main()
