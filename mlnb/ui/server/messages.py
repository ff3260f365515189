"""What the server and the panel say to each other, beside the records themselves."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from mlnb.core.records import DatasetVersion, EndpointStatus, Record
from mlnb.datasets.difference.records import DatasetDiff
from mlnb.datasets.folders.records import FolderDiff, FolderSummary
from mlnb.datasets.records import ColumnProfile, DamagedVersion
from mlnb.pipelines.progress import PipelineProgress
from mlnb.ui.server.jobs.records import Job

Section = Literal["runs", "datasets", "models", "endpoints", "pipelines"]
SECTIONS: tuple[Section, ...] = get_args(Section)


@dataclass(frozen=True, kw_only=True)
class Problem(Record):
    """Why something could not be answered: an `MlnbError` as JSON."""

    error: str
    message: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class Place(Record):
    """The project shown, and how its paths relate to the server's file browser."""

    name: str
    prefix: str = ""
    """Put before a project path to get a path in the file browser."""
    within: str = ""
    """Folder of the project that the file browser shows; paths outside it cannot be opened."""
    reachable: bool = True
    """Whether the file browser and the project share any folder."""


@dataclass(frozen=True, kw_only=True)
class DatasetSummary(Record):
    """A dataset as one line of a list: its newest version."""

    name: str
    number: int
    kind: Literal["table", "files", "link"]
    rows: int
    """Of a table; files of a folder."""
    columns: int
    bytes: int
    message: str
    author: str
    created: datetime
    tags: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class ModelSummary(Record):
    """A model version as one line of a list."""

    name: str
    number: int
    aliases: list[str]
    created: datetime
    description: str
    gate: Literal["passed", "refused", "none"]
    metrics: dict[str, float] = field(default_factory=dict)
    """A few."""


@dataclass(frozen=True, kw_only=True)
class DatasetList(Record):
    """Some of the datasets that a query finds."""

    items: list[DatasetSummary]
    offset: int
    total: int


@dataclass(frozen=True, kw_only=True)
class ModelList(Record):
    """Some of the registered models' versions that a query finds."""

    items: list[ModelSummary]
    offset: int
    total: int


@dataclass(frozen=True, kw_only=True)
class EndpointList(Record):
    """Some of the endpoints that a query finds, and what they are doing now."""

    items: list[EndpointStatus]
    offset: int
    total: int


@dataclass(frozen=True, kw_only=True)
class PipelineList(Record):
    """Some of the pipeline runs that a query finds, and how far they are."""

    items: list[PipelineProgress]
    offset: int
    total: int


@dataclass(frozen=True, kw_only=True)
class TextFile(Record):
    """The beginning of a file."""

    path: str
    size: int
    """Bytes, of all of it."""
    text: str | None
    """None if it is no text."""
    cut: bool
    """Whether there is more than this."""


@dataclass(frozen=True, kw_only=True)
class DatasetDocument(Record):
    """A version of a dataset, what it holds, and where it stands among the others."""

    version: DatasetVersion
    columns: list[ColumnProfile]
    columns_total: int
    """How many there are; those after the first ones are asked for apart."""
    sampled: int | None
    source: dict[str, str]
    """Of what was linked: ``type``, ``location`` and what pins it, or the ``statement``."""
    notes: list[str]
    """What the figures rest on, and how other tools read what was linked."""
    folder: FolderSummary | None
    """Of a version of files, what is in it."""
    newest: int
    total: int
    """How many versions there are."""
    tags: dict[str, int]
    remote: bool
    """Whether the project knows where to push to."""


@dataclass(frozen=True, kw_only=True)
class VersionLine(Record):
    """A version in the list of all."""

    number: int
    rows: int
    bytes: int
    columns: int
    parent: int | None
    message: str
    author: str
    created: datetime
    run: str | None
    kind: Literal["table", "files", "link"]
    tags: list[str]


@dataclass(frozen=True, kw_only=True)
class VersionList(Record):
    """Versions of a dataset, the newest first."""

    versions: list[VersionLine]
    damaged: list[DamagedVersion]
    total: int
    more: bool


@dataclass(frozen=True, kw_only=True)
class DatasetDifference(Record):
    """What changed between two versions: of a table or of a folder."""

    table: DatasetDiff | None
    folder: FolderDiff | None
    notes: list[str]
    """What the counts rest on."""
    more_columns: int
    """So many columns with changes more than are here."""
    more_files: int


@dataclass(frozen=True, kw_only=True)
class Change(Record):
    """What the server pushes: lists to fetch again; pipeline runs and jobs as they are now."""

    folder: str = ""
    """Whose project changed: the folder as the panel asked for it."""
    sections: list[Section] = field(default_factory=list)
    pipelines: list[PipelineProgress] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    revision: int = 0
    """Up to which change this tells; the next question begins there."""


@dataclass(frozen=True, kw_only=True)
class News(Record):
    """Which project a folder belongs to, and what has changed there."""

    project: Place
    change: Change
