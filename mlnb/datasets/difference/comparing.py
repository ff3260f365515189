"""What changed between two versions of a table: columns, rows, cells."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mlnb.core import project
from mlnb.datasets import versions
from mlnb.datasets.difference import extracts, matching
from mlnb.datasets.difference.arrays import Positions
from mlnb.datasets.difference.cells import changed_cells
from mlnb.datasets.difference.columns import Columns, columns_of
from mlnb.datasets.difference.lineage import Lineage, lineage_of
from mlnb.datasets.difference.matching import Rows
from mlnb.datasets.difference.records import DatasetDiff, RowKind
from mlnb.datasets.difference.sides import Side, picked, side_of
from mlnb.datasets.files import check_target, write_file
from mlnb.datasets.loading import show
from mlnb.datasets.records import ColumnProfile, DatasetProfile, StoredVersion

if TYPE_CHECKING:
    from mlnb.datasets.folders.records import FolderDiff

KeySource = Literal["", "given", "recorded", "detected"]

_KEPT = 100_000
"""At most so many cells of a column are kept for what is shown of it."""


def diff(
    before: str,
    after: str,
    *,
    key: str | Sequence[str] | None = None,
    sample: int = 3,
    rows: int = 0,
    out: Path | None = None,
    replace: bool = False,
) -> "DatasetDiff | FolderDiff":
    """Return what changed from one version to another.

    Rows are matched by a key: the one given, or the one that both versions were saved with, or a
    column of both that has no null and no value twice. Without one, rows are the same when all
    their values are: then a changed row is one removed and one added, and rows count as often as
    they occur. Columns of another type are compared where one type holds the values of both.
    Values are equal when they are stored alike: NaN is NaN, null is null, -0.0 is not 0.0.

    Only what may differ is read: ranges of a column that have one digest in both are not.

    Parameters
    ----------
    before, after : str
        References as in `resolve`, usually of one dataset.
    key : str or sequence of str, optional
        Columns that identify a row; an empty sequence to compare rows by content.
    sample : int
        Show so many changed cells of each column.
    rows : int
        Show so many rows of each kind: added, removed, changed.
    out : Path, optional
        A .parquet, .csv, .json or .jsonl file to write all rows that differ to, as
        `DatasetDiff.to_pandas` has them.
    replace : bool
        Whether that file may exist already.

    Returns
    -------
    DatasetDiff
        Of tables; all rows and cells that changed are had from it, too (`DatasetDiff.rows`).
    FolderDiff
        Of versions of files.

    Raises
    ------
    UnknownName, InvalidReference
        If a reference means no version, or a version has no such column.
    BadInput
        If the key does not identify the rows of both; or one is a table and one is files.
    Conflict, UnsupportedData
        If the file exists, or is of another kind.
    """
    old, new = versions.find(before), versions.find(after)
    if "files" in (old.kind, new.kind):
        from mlnb.datasets.folders import difference as folders

        return folders.diff(project.current().store, old, new)
    if out is not None:
        check_target(out, replace=replace)
    compared = compare_versions(old, new, key)
    if out is not None:
        write_file(compared.changes(), out, replace=replace)
    from mlnb.datasets.difference.summary import summary

    found = summary(compared, cells=sample, rows=rows)
    object.__setattr__(found, "_comparison", compared)  # see DatasetDiff.comparison
    return found


def compare(before: str, after: str, *, key: Sequence[str] | None = None) -> "Comparison":
    """Return two versions of tables, compared (as `diff`)."""
    return compare_versions(versions.find(before), versions.find(after), key)


@dataclass
class Comparison:
    """Two tables and what differs: the rows, and the places of the cells."""

    versions: tuple[StoredVersion, StoredVersion]
    before: Side
    after: Side
    columns: Columns
    key: list[str]
    key_source: KeySource
    found: Rows
    profiles: tuple[dict[str, ColumnProfile], dict[str, ColumnProfile]]
    changed: dict[str, Positions] = field(default_factory=dict)
    """Per compared column the later table's rows whose cell changed; empty without a key."""
    read: dict[str, tuple[Positions, Any, Any]] = field(default_factory=dict)
    """Per column the later table's rows whose cells were read already, and what they hold in the
    earlier and in the later table."""

    @property
    def identical(self) -> bool:
        """Tell whether both have the same content."""
        return self.versions[0].digest == self.versions[1].digest

    def changed_rows(self) -> Positions:
        """Return the later table's rows in which a cell changed."""
        places = [rows for rows in self.changed.values() if len(rows)]
        if not places:
            return np.zeros(0, np.int64)
        flags = np.zeros(self.after.rows, np.bool_)
        for rows in places:
            flags[rows] = True
        return np.flatnonzero(flags)

    def rows(self, kind: RowKind) -> Any:
        """Return rows of one kind, all columns, as an Arrow table; first are their numbers."""
        return extracts.rows(self, kind)

    def cells(self, column: str | None = None) -> Any:
        """Return the changed cells of one column, or of all as text, as an Arrow table."""
        return extracts.cells(self, column)

    def changes(self) -> Any:
        """Return all rows that differ, as an Arrow table that begins with ``change``, ``row``."""
        return extracts.changes(self)


def compare_versions(
    old: StoredVersion, new: StoredVersion, key: str | Sequence[str] | None
) -> Comparison:
    """Return two stored tables, compared (as `diff`)."""
    columns, before, after = columns_of(side_of(old), side_of(new))
    profiles = (_profiles(old), _profiles(new))
    wanted = [key] if isinstance(key, str) else key
    lineage = lineage_of(before, after)
    chosen, source, rows = _matched(before, after, columns, wanted, lineage, profiles)
    compared = Comparison((old, new), before, after, columns, chosen, source, rows, profiles)
    if chosen and rows.common:
        compared.changed = _changed(compared, lineage)
    return compared


def _matched(
    before: Side,
    after: Side,
    columns: Columns,
    wanted: Sequence[str] | None,
    lineage: Lineage | None,
    profiles: tuple[dict[str, ColumnProfile], dict[str, ColumnProfile]],
) -> tuple[list[str], KeySource, Rows]:
    if wanted:
        matching.check_key(wanted, before, after, columns.compared)
        known = lineage if list(wanted) == before.key == after.key else None
        return list(wanted), "given", matching.by_key(before, after, wanted, known)
    if wanted is None:
        recorded = matching.recorded_key(before, after, columns.compared)
        if recorded:
            return recorded, "recorded", matching.by_key(before, after, recorded, lineage)
        found, rows = matching.detected(before, after, columns.compared, profiles)
        if rows is not None:
            return found, "detected", rows
    return [], "", matching.by_content(before, after, columns.compared, lineage)


def _changed(compared: Comparison, lineage: Lineage | None) -> dict[str, Positions]:
    """Return where each compared column but the key changed, of rows that belong together."""
    names = [name for name in compared.columns.compared if name not in compared.key]
    rows = compared.found
    found: dict[str, Positions] = {}
    if lineage is not None and lineage.agrees(rows.origin):
        known = {name: lineage.told_apart(name) for name in names if lineage.shares(name)}
        found = {name: certain for name, (certain, _suspects) in known.items()}
        suspects = {name: where for name, (_certain, where) in known.items() if len(where)}
        before = compared.before.cells({n: rows.sources(r) for n, r in suspects.items()})
        after = compared.after.cells(suspects)
        for name, where in suspects.items():
            changed = where[changed_cells(before[name], after[name])]
            if not len(found[name]):
                found[name] = changed
                if len(where) <= _KEPT:
                    compared.read[name] = where, before[name], after[name]
            elif len(changed):
                found[name] = np.union1d(found[name], changed)

    def compare(name: str) -> Positions:
        return _changed_rows(compared, name)

    others = [name for name in names if name not in found]
    if rows.common * len(others) < 200_000:  # starting threads would cost more
        found |= {name: compare(name) for name in others}
    else:
        with ThreadPoolExecutor(max_workers=2) as pool:
            found |= dict(zip(others, pool.map(compare, others), strict=True))
    return {name: found[name] for name in names}


def _changed_rows(compared: Comparison, name: str) -> Positions:
    """Return where a column changed that the two tables do not have from the same files."""
    before, after, rows = compared.before, compared.after, compared.found
    if rows.origin is None:
        return matching.differing(before, after, name, rows.common)
    left, right = before.read([name])[0], after.read([name])[0]
    if 2 * rows.common < rows.after:
        kept = rows.kept
        return kept[changed_cells(left, picked(right, kept), rows.origin[kept])]
    found = changed_cells(left, right, np.maximum(rows.origin, 0))
    return found[rows.origin[found] >= 0]


def _profiles(version: StoredVersion) -> dict[str, ColumnProfile]:
    shown = show(version.ref)
    columns = shown.columns if isinstance(shown, DatasetProfile) else []
    return {column.name: column for column in columns}
