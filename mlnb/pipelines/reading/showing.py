"""One run as ``pipeline show`` tells it: its record, and what went wrong first."""

from dataclasses import dataclass, fields

from mlnb.core import redaction
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, Record
from mlnb.pipelines.reading import cells, gathering
from mlnb.pipelines.reading.gathering import Reading, StepReading

LIMIT = 8_000
"""Characters of a source, an output or a traceback."""


@dataclass(frozen=True, kw_only=True)
class StepFailure(Record):
    """What went wrong in a step."""

    step: str
    error: str
    cell: int | None = None
    """One-based position in the source notebook; None when it was no cell's fault."""
    source: str = ""
    """The cell's code."""
    shown: str = ""
    """What it showed before it failed, as text."""
    traceback: str = ""
    output: str = ""
    """Executed notebook, relative to the project."""


@dataclass(frozen=True, kw_only=True)
class PipelineReading(PipelineRun):
    """A run, and what went wrong first."""

    first_failure: StepFailure | None = None
    failures: int = 0
    """How many steps failed or were killed."""
    compared_with: str = ""
    """The newest earlier run that finished, if there is one."""


def of(project: Project, run: PipelineRun) -> PipelineReading:
    """Return a run with what went wrong first, read from the executed notebook.

    Parameters
    ----------
    project : Project
        Its project; must be the current one.
    run : PipelineRun
        The run.
    """
    reading = gathering.gather(project, run)
    failures = reading.failures
    body = {item.name: getattr(run, item.name) for item in fields(PipelineRun)}
    return PipelineReading(
        **body,
        first_failure=failure_of(failures[0]) if failures else None,
        failures=len(failures),
        compared_with=reading.against.id if reading.against else "",
    )


def comment(project: Project, run: PipelineRun, against: PipelineRun | None = None) -> str:
    """Return the text of a comment on a pull request; see `mlnb.pipelines.reading.comment`."""
    from mlnb.pipelines.reading import comment as comments

    reading: Reading = gathering.gather(project, run, against=against)
    return comments.text(reading)


def failure_of(step: StepReading) -> StepFailure:
    """Return what went wrong in a step, as its executed notebook shows it."""
    result, cell = step.result, step.failed_cell
    if cell is None:
        return StepFailure(step=result.name, error=result.error, output=result.output)
    trace = cells.plain(cells.traceback(cell))
    return StepFailure(
        step=result.name,
        error=result.error,
        cell=cell.number,
        source=redaction.text(cells.cut(cell.source, LIMIT)),
        shown=redaction.text(cells.shown(cell, LIMIT)),
        traceback=redaction.text(cells.cut(trace, LIMIT)),
        output=result.output,
    )
