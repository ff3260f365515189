"""The manifest of a table version: where its values are.

A table at rest is a *base* of Parquet files plus, where the version was made from another one,
little layers over it::

    parts      row ranges, one after the other; each has one or more Parquet files, each file
               some of the columns. Added columns are further files of the same parts.
    selection  which base rows the version has, in which order (all of them when empty)
    patches    cells that differ from the base: base row and value, later ones win

Every manifest names all it needs, so a chain of versions is never followed. ``units`` are hashes
of the version's logical content, column by column and in ranges of `UNIT_ROWS` rows; they tell
what a later save has to write, and what a difference has to read.
"""

from dataclasses import dataclass, field
from functools import cached_property

from mlnb.core.records import Record

UNIT_ROWS = 262_144


@dataclass(frozen=True, kw_only=True)
class Chunk(Record):
    """A run of bytes in an object, and their digest."""

    start: int
    size: int
    digest: str


@dataclass(frozen=True, kw_only=True)
class StoredColumn(Chunk):
    """One column of a part: its pages in the file."""

    column: int
    """Position in the version's table."""
    name: str
    """Name in the file; it differs after a rename."""
    words: bool = False
    """Whether it is text that is quickest read as dictionaries."""


@dataclass(frozen=True, kw_only=True)
class PartFile(Record):
    """One Parquet file: some columns of a part."""

    object: str
    size: int
    footer: Chunk
    """Everything after the last column."""
    columns: list[StoredColumn]


@dataclass(frozen=True, kw_only=True)
class Part(Record):
    """A range of base rows."""

    rows: int
    files: list[PartFile]


@dataclass(frozen=True, kw_only=True)
class Selected(Record):
    """A piece of a selection: base rows ``start`` to ``stop``, or those places of a list."""

    start: int
    stop: int
    object: str = ""
    """A Parquet file with a column ``row`` of base rows, for a list."""
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Patch(Record):
    """Cells of one column that replace those of the base: a Parquet file inside an object."""

    column: int
    cells: int
    object: str
    object_size: int
    start: int
    size: int
    fresh: bool = False
    """Whether each cell is known to differ from the one that it replaces."""


@dataclass(frozen=True, kw_only=True)
class TableManifest(Record):
    """Where a table version's values are, and the hashes of its content."""

    rows: int
    layout: str
    """Object with the exact types, categories and pandas layout (see `mlnb.datasets.tables`)."""
    layout_size: int
    key: list[str] = field(default_factory=list)
    """Columns that identify a row, where they were given or are known."""
    identities: list[str]
    """Per column: what else its values depend on, type and categories."""
    units: list[list[str]]
    """Per column, per `unit_rows` rows: the digest of the content."""
    unit_rows: int = UNIT_ROWS
    parts: list[Part]
    selection: list[Selected] = field(default_factory=list)
    patches: list[Patch] = field(default_factory=list)

    @cached_property
    def base_rows(self) -> int:
        """Return how many rows the base has."""
        return sum(part.rows for part in self.parts)

    @property
    def is_flat(self) -> bool:
        """Tell whether the base is the version."""
        return not self.selection and not self.patches

    @property
    def objects(self) -> dict[str, int]:
        """Return the objects the version needs: digest → size in bytes."""
        found = {file.object: file.size for part in self.parts for file in part.files}
        found |= {piece.object: piece.size for piece in self.selection if piece.object}
        found |= {patch.object: patch.object_size for patch in self.patches}
        return found | {self.layout: self.layout_size}
