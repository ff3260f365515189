"""Closed segments of a prediction log → Parquet: ``python -m mlnb.serving.compaction FILE…``.

Segments that have the same first line become one file, which names them and gets its own name only
when it is complete; the lines are removed after that. A crash between the two leaves both, of
which readers take the Parquet file.
"""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from mlnb.serving.prediction_reader import (
    COMPACT,
    GAPS,
    SOURCES,
    entries_of,
    gaps_of,
    sources,
    table_of,
)

LARGEST = 256 * 1024 * 1024
"""Bytes of lines that become one Parquet file."""


def compact(files: Sequence[Path]) -> Path | None:
    """Turn segments of the same kind into one Parquet file and remove them; None without rows."""
    target = files[0].with_suffix(COMPACT)
    if target.exists():  # a crash left both
        _remove([files[0].with_name(f"{name}{files[0].suffix}") for name in _known(target)])
        return target
    tables = [table for table in map(table_of, files) if table is not None]
    if tables:
        table = pa.concat_tables(tables, promote_options="permissive")
        names = json.dumps([file.stem for file in files]).encode()
        lost = json.dumps([gap for file in files for gap in gaps_of(file)]).encode()
        kept = tables[0].schema.metadata or {}
        table = table.replace_schema_metadata({**kept, SOURCES: names, GAPS: lost})
        draft = target.with_suffix(".draft")
        pq.write_table(table, draft, compression="zstd")
        _synced(draft)
        draft.replace(target)
        _synced(target.parent)
    elif any(map(gaps_of, files)):
        return None  # nothing but the word of what is missing, which stays
    _remove(files)
    return target if tables else None


def groups(files: Sequence[Path]) -> list[list[Path]]:
    """Put segments together that can be one file, oldest first."""
    found: dict[Any, list[list[Path]]] = {}
    sizes: dict[Any, int] = {}
    for file in sorted(files):
        header, _ = entries_of(file)
        kind = json.dumps(header, sort_keys=True)
        size = file.stat().st_size
        if kind not in found or sizes[kind] + size > LARGEST:
            found.setdefault(kind, []).append([])
            sizes[kind] = 0
        found[kind][-1].append(file)
        sizes[kind] += size
    return [group for several in found.values() for group in several]


def _known(target: Path) -> list[str]:
    return [target.stem, *sources(pq.read_schema(target))]


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def main() -> None:
    """Compact the files named on the command line, giving way to whoever serves."""
    os.nice(10)
    for group in groups([Path(name) for name in sys.argv[1:]]):
        compact(group)


if __name__ == "__main__":
    main()
