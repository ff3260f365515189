"""The records of a difference of two tables."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from mlnb.core.records import Column, DatasetVersion, Record
from mlnb.datasets.records import ColumnProfile

if TYPE_CHECKING:
    from mlnb.datasets.difference.comparing import Comparison

RowKind = Literal["added", "removed", "changed"]


@dataclass(frozen=True, kw_only=True)
class ColumnChange(Record):
    """A column whose type, or whose name, differs between two versions."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class CellSample(Record):
    """A cell whose value changed."""

    place: str
    """Its row: the key's values (``id=17``)."""
    before: str | None
    """None for null."""
    after: str | None


@dataclass(frozen=True, kw_only=True)
class ColumnDifference(Record):
    """What changed in one column that both versions have."""

    name: str
    type: str
    """Of the later version."""
    cells: int | None
    """Cells that changed in rows that both versions have; None where rows have no key."""
    samples: list[CellSample] = field(default_factory=list)
    """Some of them, evenly spread over the rows."""
    psi: float | None = None
    """Population stability index of all values, from the stored profiles; None where they do not
    tell it. Customary readings: below 0.1 stable, above 0.25 another distribution."""
    before: ColumnProfile | None = None
    after: ColumnProfile | None = None


@dataclass(frozen=True, kw_only=True)
class RowSample(Record):
    """A row that one version lacks, or that changed."""

    change: RowKind
    row: int
    """Counted from 0, in the later version, or in the earlier one when it was removed."""
    values: list[str | None]
    """In the order of `DatasetDiff.sample_columns`; of a changed row, as they are now."""


@dataclass(frozen=True, kw_only=True)
class DatasetDiff(Record):
    """What changed from one version to another."""

    before: DatasetVersion
    after: DatasetVersion
    identical: bool
    """Same content: same schema, same values, same order."""
    columns_added: list[Column] = field(default_factory=list)
    columns_removed: list[Column] = field(default_factory=list)
    columns_changed: list[ColumnChange] = field(default_factory=list)
    """Columns of another type."""
    columns_renamed: list[ColumnChange] = field(default_factory=list)
    """Columns whose content says that they only have another name."""
    columns_reordered: bool = False
    """Whether the columns that both have stand in another order."""
    compared: list[str] = field(default_factory=list)
    """Columns that rows were compared by: those of both versions whose values are comparable."""
    key: list[str] = field(default_factory=list)
    """Columns that say which row is which; without, rows are the same when all values are."""
    key_source: Literal["", "given", "recorded", "detected"] = ""
    rows_added: int = 0
    """Rows of ``after`` that ``before`` lacks; without a key counted as often as they occur."""
    rows_removed: int = 0
    rows_changed: int | None = None
    """Rows of both with another value in a compared column; None without a key: then a changed
    row counts as one removed and one added."""
    rows_kept: int = 0
    """Rows of both in which no compared column changed."""
    order_changed: bool = False
    """Whether rows that both have stand in another order."""
    cells_changed: int | None = None
    columns: list[ColumnDifference] = field(default_factory=list)
    """Columns with changed cells or values, those with the most changes first."""
    sample_columns: list[str] = field(default_factory=list)
    row_samples: list[RowSample] = field(default_factory=list)

    def rows(self, kind: RowKind) -> Any:
        """Return all rows of one kind, as a pandas frame with their row numbers as index.

        Parameters
        ----------
        kind : {"added", "removed", "changed"}
            Removed rows are those of the earlier version, the others of the later one.
        """
        frame = _to_pandas(self.comparison().rows(kind))
        return frame.set_index(frame.columns[0]).rename_axis("row")

    def cells(self, column: str | None = None) -> Any:
        """Return all changed cells of one column or of all, as a pandas frame.

        Its columns are ``row_before``, ``row_after``, the key, and ``before`` and ``after`` with
        the values; for all columns, ``column``, and the values as text.
        """
        return _to_pandas(self.comparison().cells(column))

    def to_pandas(self) -> Any:
        """Return all rows that differ, as a pandas frame.

        Its first columns are ``change`` (``added``, ``removed``, and for each changed row
        ``before`` and ``after``) and ``row``, the row's number in its version.
        """
        return _to_pandas(self.comparison().changes())

    def comparison(self) -> "Comparison":
        """Return the comparison that this is the summary of; made anew when it was not kept."""
        made: Comparison | None = self.__dict__.get("_comparison")
        if made is None:
            from mlnb.datasets.difference.comparing import compare

            made = compare(self.before.ref, self.after.ref, key=self.key)
            object.__setattr__(self, "_comparison", made)
        return made


def _to_pandas(table: Any) -> Any:
    from mlnb.datasets.pandas_frames import to_pandas
    from mlnb.datasets.tables import content

    return to_pandas(content(table))
