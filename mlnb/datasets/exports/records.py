"""What an export says of itself."""

from dataclasses import dataclass, field
from typing import Literal

from mlnb.core.records import DatasetVersion, Record

Format = Literal["parquet", "csv", "json", "jsonl", "delta", "dvc", "files"]


@dataclass(frozen=True, kw_only=True)
class Loss(Record):
    """Something that does not come back from an export as it was."""

    column: str
    """Empty for what is of the table as a whole."""
    was: str
    now: str


@dataclass(frozen=True, kw_only=True)
class DatasetExport(Record):
    """A version that was written for other tools."""

    version: DatasetVersion
    to: Format
    path: str
    """Relative to the project."""
    bytes: int
    """Size of the data that was written."""
    lost: list[Loss] = field(default_factory=list)
    """What a reader of the export does not get; empty when all comes back."""
    checked: int | None = None
    """Rows that were read back and compared, when there were too many to compare all."""
    notes: list[str] = field(default_factory=list)
    """What is left to do, such as a push."""

    @property
    def ref(self) -> str:
        """Return the version that was exported, ``name@number``."""
        return self.version.ref
