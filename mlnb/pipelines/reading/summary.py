"""A run as Markdown for a job's page: what went wrong, the graph, steps, metrics, data, plots."""

from collections.abc import Sequence

from mlnb.core import redaction
from mlnb.pipelines.reading import cells, mermaid
from mlnb.pipelines.reading.earlier import Change
from mlnb.pipelines.reading.gathering import Reading, StepReading
from mlnb.pipelines.reading.markdown import Page, block, code, folded
from mlnb.pipelines.wording import duration, shown

LIMIT = 900_000
"""Bytes; GitHub takes 1 MiB for all summaries of a job's step."""
TITLES, WHOLE = 25, 5
"""So many failures are told, and so many of them with their cells."""
_MARKS = {
    "FINISHED": "✅",
    "CACHED": "♻️",
    "FAILED": "❌",
    "KILLED": "🛑",
    "SKIPPED": "⏭️",
}


def text(reading: Reading, limit: int = LIMIT) -> str:
    """Return the summary of a run.

    Parameters
    ----------
    reading : Reading
        The run.
    limit : int
        Bytes that it may have.
    """
    page = Page(limit)
    add_head(page, reading)
    add_failures(page, reading)
    if graph := mermaid.draw(reading.steps, reading.needs):
        page.add(block(graph, "mermaid"), "the graph")
    add_steps(page, reading)
    add_differences(page, reading, reading.changes)
    return redaction.text(page.text())


def add_head(page: Page, reading: Reading) -> None:
    """Add the title, how it ended and what it was given."""
    run = reading.run
    page.add(f"## {_MARKS.get(run.status, '')} Pipeline {code(run.pipeline)}: {run.status.lower()}")
    counts = " · ".join(f"**{count}** {state.lower()}" for state, count in reading.counts.items())
    took = duration(run.started, run.ended)
    page.add(f"{counts or 'no steps'} · took {took} · run {code(run.id)}")
    if run.parameters:
        given = (f"{code(name)} = {code(shown(value))}" for name, value in run.parameters.items())
        page.add(f"Parameters: {', '.join(given)}", "the parameters")


def add_failures(page: Page, reading: Reading) -> None:
    """Add what went wrong first, with the cell's code, outputs and error."""
    failures = reading.failures
    for number, step in enumerate(failures[:TITLES]):
        said = step.result.error.strip().partition("\n")[0]
        title = f"### {_MARKS[step.result.status]} {code(step.result.name)}\n\n{code(said, 300)}"
        page.add(title, "failures")
        if number < WHOLE and (details := _cell(step, min(6_000, page.room // 6))):
            page.add(details, "cells that failed")
    if len(failures) > TITLES:
        page.add(f"{len(failures) - TITLES:,} more steps failed.")


def add_steps(page: Page, reading: Reading, *, fold: bool = False) -> None:
    """Add the table of steps."""
    rows = [
        [
            code(step.result.name),
            f"{_MARKS.get(step.state, '')} {step.state.lower()}",
            duration(step.result.started, step.result.ended) if step.state != "CACHED" else "",
            f"{step.result.cells_done}/{step.result.cells}" if step.result.started else "",
            _values(step),
        ]
        for step in reading.steps
    ]
    columns = ["step", "state", "time", "cells", "values, or why not"]
    if fold:
        inner = Page(page.room // 2)
        inner.add_table(columns, rows, "steps")
        page.add(folded(f"{len(rows)} steps", inner.text().strip()), "the steps")
    else:
        page.add_table(columns, rows, "steps")


def add_differences(page: Page, reading: Reading, values: Sequence[Change]) -> None:
    """Add metrics, datasets and plots beside the run that it is compared with."""
    against = reading.against
    metrics = [item for item in values if item.is_number or item.differs]
    if metrics:
        page.add("### Metrics" + (f" against {code(against.id)}" if against else ""))
        columns = ["step", "value", *(["before"] if against else []), "now"]
        columns += ["difference"] if against else []
        rows = [_metric(item, compared=against is not None) for item in metrics]
        page.add_table(columns, rows, "metrics", numbers=range(2, len(columns)))
    if reading.datasets:
        page.add("### Datasets that changed")
        found = [
            [code(item.name), code(item.before), code(item.now), code(item.said, 400)]
            for item in reading.datasets
        ]
        page.add_table(["dataset", "before", "now", "what changed"], found, "datasets")
    if reading.plots:
        page.add("### Plots that changed")
        pictures = [[code(item.step), code(item.caption), item.said] for item in reading.plots]
        page.add_table(["step", "plot", "difference"], pictures, "plots")


def _cell(step: StepReading, limit: int) -> str:
    """Return the failing cell: code, what it showed, and its error."""
    cell = step.failed_cell
    if cell is None:
        return block(cells.cut(step.result.error, limit)) if "\n" in step.result.error else ""
    trace = cells.cut(cells.plain(cells.traceback(cell)), limit)
    parts = [
        f"Cell {cell.number} of {code(step.result.notebook)}:",
        block(cells.cut(cell.source, limit), "python"),
        block(said) if (said := cells.shown(cell, limit)) else "",
        folded("Traceback", block(trace)) if trace else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _values(step: StepReading) -> str:
    values = ", ".join(
        f"{code(name)} = {code(shown(value), 60)}"
        for name, value in list(step.result.values.items())[:8]
    )
    why = code(step.reason, 200) if step.state != "FINISHED" else ""
    return "<br>".join(part for part in (why, values) if part)


def _metric(item: Change, *, compared: bool) -> list[str]:
    cells_ = [code(item.step), code(item.name)]
    if not compared:
        return [*cells_, code(shown(item.now))]
    before = code(shown(item.before)) if item.known else ""
    difference = item.difference
    if difference:
        said = f"**{'+' if difference > 0 else '−'}{shown(abs(difference))}**"
    elif difference is not None:
        said = "same"
    else:
        said = "changed" if item.differs else "new"
    return [*cells_, before, code(shown(item.now)), said]
