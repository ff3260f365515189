"""What changed between two versions: columns, and rows by content."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlnb.core import project
from mlnb.core.records import Column
from mlnb.datasets import versions
from mlnb.datasets.records import ColumnChange, DatasetDiff, StoredVersion
from mlnb.datasets.storage.stored import StoredTable
from mlnb.datasets.tables import plain


def diff(before: str, after: str) -> DatasetDiff:
    """Return what changed from one version to another.

    Rows have no identity: a changed row is one removed and one added. They are compared as a
    whole, by all columns that both versions have with one type, and counted as often as they
    occur; their order does not count.

    Parameters
    ----------
    before, after : str
        References as in `resolve`, usually of one dataset.

    Raises
    ------
    UnknownName, InvalidReference
        If one means no version.
    """
    old, new = versions.find(before), versions.find(after)
    old_types = {column.name: column.type for column in old.columns}
    new_types = {column.name: column.type for column in new.columns}
    compared = [name for name, kind in old_types.items() if new_types.get(name) == kind]
    if old.digest == new.digest:
        added, removed = 0, 0
    elif compared:
        added, removed = _rows(_values(old, compared), _values(new, compared))
    else:
        added, removed = new.rows, old.rows
    return DatasetDiff(
        before=versions.public(old),
        after=versions.public(new),
        identical=old.digest == new.digest,
        columns_added=_missing(new.columns, old_types),
        columns_removed=_missing(old.columns, new_types),
        columns_changed=[
            ColumnChange(name=name, before=kind, after=new_types[name])
            for name, kind in old_types.items()
            if name in new_types and new_types[name] != kind
        ],
        compared=compared,
        rows_added=added,
        rows_removed=removed,
        rows_kept=new.rows - added,
    )


def _missing(columns: list[Column], known: dict[str, str]) -> list[Column]:
    return [column for column in columns if column.name not in known]


def _values(version: StoredVersion, columns: list[str]) -> Any:
    if version.kind == "link":
        from mlnb.datasets.links.reading import table

        return plain(table(version, columns))
    stored = StoredTable(project.current().store, version)
    return plain(stored.content(columns, None).table)


def _rows(old: Any, new: Any) -> tuple[int, int]:
    """Count the rows of the new table that the old one lacks, and the other way round.

    Each row becomes the tuple of its columns' codes, and equal tuples are counted on both sides.
    The codes are exact, so no two different rows are ever taken for one.
    """
    codes = [_codes(left, right) for left, right in zip(old.columns, new.columns, strict=True)]
    group = codes[0]
    for column in codes[1:]:
        pairs = group * (int(column.max(initial=0)) + 1) + column
        group = np.unique(pairs, return_inverse=True)[1]
    sizes = int(group.max(initial=-1)) + 1
    before = np.bincount(group[: old.num_rows], minlength=sizes)
    after = np.bincount(group[old.num_rows :], minlength=sizes)
    added = int(np.maximum(after - before, 0).sum())
    removed = int(np.maximum(before - after, 0).sum())
    return added, removed


def _codes(old: Any, new: Any) -> Any:
    """Return a number for each value of both columns; equal values get equal numbers."""
    both = pa.chunked_array([*old.chunks, *new.chunks], old.type)
    if pa.types.is_nested(both.type):
        both = pa.chunked_array([pa.array([repr(value) for value in both.to_pylist()])])
    if pa.types.is_null(both.type):
        return np.zeros(len(both), np.int64)
    if pa.types.is_dictionary(both.type):
        both = both.cast(both.type.value_type)
    encoded = both.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return np.asarray(pc.fill_null(encoded.indices, -1).cast(pa.int64())) + 1
