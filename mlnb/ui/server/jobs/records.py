"""What is known of a background job."""

from dataclasses import dataclass, field
from datetime import datetime

from mlnb.core.records import Record, Status


@dataclass(frozen=True, kw_only=True)
class NewJob(Record):
    """What a new job is to do."""

    line: str
    """One line of the grammar: ``%pipeline resume nightly``, ``mlnb run pipeline.yaml``."""
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    """Secret parameters of its notebooks: in the environment of its process, and nowhere else."""


@dataclass(frozen=True, kw_only=True)
class Job(Record):
    """One line of the grammar, carried out in a process of its own."""

    id: str
    line: str
    """Without ``%`` or ``mlnb``."""
    status: Status
    """RUNNING, FINISHED, FAILED, or KILLED when it was cancelled or its process has vanished."""
    started: datetime
    ended: datetime | None = None
    code: int | None = None
    """Exit code, as in `mlnb.core.errors`; below 0: the signal that ended it."""
    message: str = ""
    """Why it failed."""
    fix: str = ""
    author: str = ""
    said: int = 0
    """Bytes of output so far."""
    last: str = ""
    """The last line of output."""


@dataclass(frozen=True, kw_only=True)
class JobOutput(Record):
    """A job, and what it has said."""

    job: Job
    text: str
    start: int
    """Bytes before the text; more than was asked for when what came before is not kept."""
    end: int
    """Where to go on reading (``after=``)."""


@dataclass(frozen=True, kw_only=True)
class Jobs(Record):
    """The latest jobs of a project, newest first."""

    jobs: list[Job]
