"""What is kept of a step that has run, for those who would run it again."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mlnb.core.records import Record
from mlnb.execution.steps.records import DatasetRead


@dataclass(frozen=True, kw_only=True)
class Made(Record):
    """Something outside the result that a step has made; without it the result is worth nothing."""

    kind: Literal["dataset", "model", "release", "run"]
    name: str
    """Of the dataset, or the run's id."""
    number: int = 0
    """Of the version. It stands apart from the name: a cache must not look like somebody who needs
    the version, so that it could not be removed."""
    digest: str = ""

    @property
    def ref(self) -> str:
        """Return ``name@number``."""
        return f"{self.name}@{self.number}" if self.number else self.name


@dataclass(frozen=True, kw_only=True)
class CachedStep(Record):
    """The result of a step for one key."""

    key: str
    run: str
    """The pipeline run in which it was executed."""
    result: str
    """Digest of the `StepResult`, as JSON; apart for the same reason."""
    outputs: dict[str, str] = field(default_factory=dict)
    """The files that it declares to make → their digests."""
    notebook: str
    """Digest of the executed notebook."""
    files: dict[str, str] = field(default_factory=dict)
    """Files that it reads without declaring them → their digests; relative to where it runs."""
    reads: list[DatasetRead] = field(default_factory=list)
    """Dataset versions that it reads without declaring them."""
    made: list[Made] = field(default_factory=list)
    bytes: int = 0
    author: str = ""
    created: datetime
