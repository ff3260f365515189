"""What a version of a folder holds: how many files of which types, and the largest."""

from collections import Counter
from pathlib import PurePosixPath

from mlnb.core.store import ObjectStore
from mlnb.datasets import versions
from mlnb.datasets.folders import tree
from mlnb.datasets.folders.records import FileFacts, FileType, FolderSummary
from mlnb.datasets.records import StoredVersion

LARGEST = 10
"""Files that are named."""


def summary(store: ObjectStore, version: StoredVersion) -> FolderSummary:
    """Return what is in a version of a folder; no file is read."""
    rows = tree.read(store, version).rows.values()
    files = [row for row in rows if row.is_file]
    counts: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for row in files:
        suffix = PurePosixPath(row.path).suffix.lower()
        counts[suffix] += 1
        sizes[suffix] += row.size
    order = sorted(counts, key=lambda suffix: (-sizes[suffix], suffix))
    largest = sorted(files, key=lambda row: (-row.size, row.path))[:LARGEST]
    return FolderSummary(
        version=versions.public(version),
        files=len(files),
        links=sum(row.kind == "l" for row in rows),
        folders=_folders(rows_and_empty=[(row.path, row.kind == "d") for row in rows]),
        size=sum(row.size for row in files),
        types=[FileType(suffix=name, files=counts[name], size=sizes[name]) for name in order],
        largest=[FileFacts(path=row.path, size=row.size) for row in largest],
    )


def _folders(rows_and_empty: list[tuple[str, bool]]) -> int:
    found = {path if empty else path.rpartition("/")[0] for path, empty in rows_and_empty}
    for folder in list(found):
        while folder:
            folder = folder.rpartition("/")[0]
            found.add(folder)
    return len(found - {""})
