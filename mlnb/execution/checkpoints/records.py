"""What is kept of a checkpoint."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mlnb.core.records import Record
from mlnb.execution.steps.records import DatasetRead


@dataclass(frozen=True, kw_only=True)
class KeptVariables(Record):
    """The variables of a notebook after a cell, and what else a later cell could depend on."""

    pickle: str
    """Digest of the object."""
    signature: str
    names: list[str]
    missing: dict[str, str] = field(default_factory=dict)
    """What could not be stored, and why."""
    secrets: list[str] = field(default_factory=list)
    """Names that are read from the environment anew."""
    modules: dict[str, str] = field(default_factory=dict)
    """Digests of the project's modules that were imported, by file."""
    datasets: list[DatasetRead] = field(default_factory=list)
    count: int = 1
    """Execution count of the next cell."""
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class StoredCheckpoint(Record):
    """A checkpoint: the variables, and what the cells up to it have shown."""

    key: str
    notebook: str
    cell: int
    """Number of code cells up to it."""
    kept: KeptVariables
    shown: str
    """Digest of a JSON list: outputs and execution count of each cell."""
    seconds: float = 0.0
    """How long the cells took."""
    author: str = ""
    created: datetime

    def to_note(self, number: int) -> dict[str, Any]:
        """Return what is said when it is made; `number` is that of the source notebook."""
        return {
            "checkpoint": number,
            "variables": self.kept.names,
            "missing": self.kept.missing,
            "bytes": self.kept.bytes,
        }
