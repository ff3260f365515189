"""What the documents of pipelines show."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mlnb.core.records import Record, Status
from mlnb.pipelines.plans import Plan
from mlnb.pipelines.progress import PipelineProgress
from mlnb.pipelines.reading.showing import StepFailure
from mlnb.ui.server.messages import Problem


@dataclass(frozen=True, kw_only=True)
class StepDetail(Record):
    """What became of a step, beside how far it is."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    """What it glued; values that are long are cut."""
    failed_cell: int | None = None
    executed: bool = False
    """Whether there is an executed notebook to open."""
    runs: list[str] = field(default_factory=list)
    """Ids of the tracked runs that it opened."""
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PastRun(Record):
    """A run of a pipeline in one line."""

    id: str
    pipeline: str
    status: Status
    started: datetime
    ended: datetime | None = None
    steps: int = 0
    done: int = 0
    cached: int = 0
    failed: list[str] = field(default_factory=list)
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class PipelineDocument(Record):
    """One run of a pipeline."""

    run: PipelineProgress
    path: str
    """Pipeline file, relative to the project; empty when that is not known."""
    details: list[StepDetail] = field(default_factory=list)
    failure: StepFailure | None = None
    """What went wrong first."""
    failures: int = 0
    earlier: list[PastRun] = field(default_factory=list)
    """Other runs of the pipeline, newest first."""
    told_by: Literal["events", "store"] = "events"
    """The store tells of runs of other machines: their steps, not their cells."""
    author: str = ""
    asked: str = ""
    """The selection that the run was given, as flags."""


@dataclass(frozen=True, kw_only=True)
class StepLog(Record):
    """The end of what a step has shown so far."""

    step: str
    text: str
    saved: datetime | None = None
    """When the executed notebook was last written; it is every few seconds while cells run."""


@dataclass(frozen=True, kw_only=True)
class ExecutedNotebook(Record):
    """A notebook as it was executed in a run."""

    step: str
    content: dict[str, Any]
    written: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Page(Record):
    """A page of HTML, to be shown where nothing in it can run."""

    html: str


@dataclass(frozen=True, kw_only=True)
class PipelineParameter(Record):
    """A parameter that a pipeline declares."""

    name: str
    type: str = ""
    default: Any = None
    choices: list[Any] = field(default_factory=list)
    min: float | None = None
    max: float | None = None
    help: str = ""
    secret: bool = False
    required: bool = False


@dataclass(frozen=True, kw_only=True)
class Definition(Record):
    """A pipeline file."""

    path: str
    name: str
    description: str = ""
    steps: int = 0
    schedule: str = ""
    problem: Problem | None = None
    """Why it cannot run, as it is."""
    latest: PastRun | None = None


@dataclass(frozen=True, kw_only=True)
class Definitions(Record):
    """The pipeline files of a project, and the latest runs of all pipelines."""

    definitions: list[Definition]
    runs: list[PastRun]


@dataclass(frozen=True, kw_only=True)
class DefinitionDocument(Record):
    """A pipeline file: what a run of it would do."""

    definition: Definition
    parameters: list[PipelineParameter] = field(default_factory=list)
    plan: Plan | None = None
    """With what would become of each step; None when it cannot be planned."""
    problem: Problem | None = None
    runs: list[PastRun] = field(default_factory=list)
