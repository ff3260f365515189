"""What the server and the panel say to each other, beside the records themselves."""

from dataclasses import dataclass, field
from typing import Literal

from mlnb.core.records import DatasetVersion, EndpointStatus, ModelVersion, Record, RunRecord
from mlnb.pipelines.progress import PipelineProgress

Section = Literal["runs", "datasets", "models", "endpoints", "pipelines"]


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
class Overview(Record):
    """Everything the panel shows, at one moment."""

    project: Place
    runs: list[RunRecord] = field(default_factory=list)
    datasets: list[DatasetVersion] = field(default_factory=list)
    models: list[ModelVersion] = field(default_factory=list)
    endpoints: list[EndpointStatus] = field(default_factory=list)
    pipelines: list[PipelineProgress] = field(default_factory=list)
    problems: dict[Section, Problem] = field(default_factory=dict)
    """Sections that could not be read; the others are still answered."""


@dataclass(frozen=True, kw_only=True)
class Change(Record):
    """What the server pushes: lists to fetch again, and pipeline runs as they are now."""

    folder: str = ""
    """Whose project changed: the folder as the panel asked for it."""
    sections: list[Section] = field(default_factory=list)
    pipelines: list[PipelineProgress] = field(default_factory=list)
