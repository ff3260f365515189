"""Runs side by side, as a record."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mlnb.core.records import Record, RunRecord

if TYPE_CHECKING:
    import pandas as pd


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
