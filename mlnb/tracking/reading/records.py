"""Runs looked at closely, runs side by side, and runs as lines of a list, as records."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from mlnb.core.records import Record, RunRecord, Status

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class RunName(Record):
    """A run that another one has to do with."""

    id: str
    name: str
    status: Status


@dataclass(frozen=True, kw_only=True)
class RunLink(Record):
    """Something that a run has read or written."""

    direction: Literal["input", "output"]
    kind: Literal["dataset", "model", "other"]
    """``other`` is data that mlnb keeps no versions of."""
    ref: str


@dataclass(frozen=True, kw_only=True)
class RunFile(Record):
    """A file that a run has kept."""

    path: str
    size: int | None
    """Bytes; None where the place that has it does not say."""


@dataclass(frozen=True, kw_only=True)
class RunDetail(Record):
    """One run, and what is known of where and on what it ran."""

    run: RunRecord
    facts: dict[str, str]
    note: str
    """A description, in Markdown."""
    links: list[RunLink]
    parent: RunName | None
    children: list[RunName]
    files: list[RunFile]
    more_files: int
    """So many files more than are named."""


@dataclass(frozen=True, kw_only=True)
class Packages(Record):
    """The packages that a run had, and their versions."""

    packages: dict[str, str] | None
    """None where no list was kept."""


@dataclass(frozen=True, kw_only=True)
class RunCurve(Record):
    """How a metric went, thinned out to what a picture can show."""

    metric: str
    points: int
    """How many there are, before thinning."""
    steps: list[int]
    values: list[float | None]
    """None is no number."""
    times: list[float]
    """Seconds since 1970."""


@dataclass(frozen=True, kw_only=True)
class RunHistory(Record):
    """How the metrics of a run went, or how they went on since the last look."""

    run: RunRecord
    """As it is now."""
    whole: bool
    """Whether the curves are all there is, and not only what is new."""
    after: int
    """What to ask with for what comes then."""
    curves: list[RunCurve]


@dataclass(frozen=True, kw_only=True)
class MetricCurve(Record):
    """How a metric went in one run; thinned out to what a picture can show."""

    metric: str
    run: int
    """Its place among the runs compared, from 0."""
    steps: list[int]
    values: list[float | None]
    """None is no number."""


@dataclass(frozen=True, kw_only=True)
class RunCurves(Record):
    """How metrics went in several runs."""

    curves: list[MetricCurve]


@dataclass(frozen=True, kw_only=True)
class CodeDifference(Record):
    """How the code of a run differs from the first one's."""

    run: int
    lines: list[str]
    """A unified diff of the code cells, without its head; empty if the code is the same."""
    note: str = ""
    """Why there is no difference to show, or not all of it."""


@dataclass(frozen=True, kw_only=True)
class RunComparison(Record):
    """Several runs side by side; the lists are in the order of ``runs``.

    What is not the same in all runs comes first.
    """

    runs: list[RunRecord]
    params: dict[str, list[str | None]]
    metrics: dict[str, list[float | None]]
    inputs: list[list[str]]
    different: list[str]
    """Parameters and metrics that are not the same in all runs."""
    facts: dict[str, list[str]] = field(default_factory=dict)
    """Where and what ran: notebook, commit, branch, Python, operating system."""
    packages: dict[str, list[str | None]] = field(default_factory=dict)
    """Versions of the packages that differ; None where it is not installed."""
    packages_same: int | None = None
    """How many packages are the same in all runs; None where a run has no list of them."""
    code: list[CodeDifference] = field(default_factory=list)
    """Per run but the first."""
    curves: list[MetricCurve] = field(default_factory=list)
    """Of the metrics that were logged more than once."""

    def frame(self) -> "pd.DataFrame":
        """Return the runs as the rows of a pandas frame, what differs in the first columns.

        Returns
        -------
        pandas.DataFrame
            Columns as of `mlnb.tracking.runs.frame`; the index are the names of the runs.
        """
        from mlnb.tracking.reading.listing import as_frame

        found = as_frame(self.runs).set_index("name", drop=False)
        differing = [
            column for column in found.columns if column.partition(".")[2] in self.different
        ]
        return found[["run_id", *differing, *found.columns.drop(["run_id", *differing])]]


@dataclass(frozen=True, kw_only=True)
class RunSummary(Record):
    """A run as one line of a list."""

    id: str
    name: str
    experiment: str
    status: Status
    started: datetime
    ended: datetime | None
    metrics: dict[str, float] = field(default_factory=dict)
    """A few: the one that the list is ordered by first, then by name."""
    error: str = ""
    """Its first line."""
    notebook: str = ""
    waiting: bool = False
    """Whether some of it is still in this machine's journal."""


@dataclass(frozen=True, kw_only=True)
class RunList(Record):
    """Some of the runs that a query finds."""

    items: list[RunSummary]
    offset: int
    total: int | None
    """How many it finds in all; None where a server does not say."""
    metrics: list[str] = field(default_factory=list)
    """Names of metrics that runs can be ordered by."""
    notice: str = ""
    """What the reader must know: that the store did not answer."""
