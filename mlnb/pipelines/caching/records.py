"""What is kept of a step that has run, for those who would run it again."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from mlnb.core.records import Record, StepResult
from mlnb.execution.steps.records import DatasetRead


@dataclass(frozen=True, kw_only=True)
class Made(Record):
    """Something outside the result that a step has made; without it the result is worth nothing."""

    kind: Literal["dataset", "model", "release", "run"]
    ref: str
    """``flights@3``, or a run's id."""
    digest: str = ""


@dataclass(frozen=True, kw_only=True)
class CachedStep(Record):
    """The result of a step for one key."""

    key: str
    run: str
    """The pipeline run in which it was executed."""
    result: StepResult
    files: dict[str, str] = field(default_factory=dict)
    """Files that it reads without declaring them → their digests; relative to where it runs."""
    reads: list[DatasetRead] = field(default_factory=list)
    """Dataset versions that it reads without declaring them."""
    made: list[Made] = field(default_factory=list)
    bytes: int = 0
    author: str = ""
    created: datetime
