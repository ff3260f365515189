"""How pipeline runs and plans are laid out."""

import re
from dataclasses import replace
from typing import Any

from mlnb.core.records import PipelineRun, StepResult
from mlnb.pipelines.planning import Plan, PlannedStep
from mlnb.pipelines.reading.gathering import state_of
from mlnb.pipelines.reading.showing import PipelineReading
from mlnb.pipelines.wording import duration, shown
from mlnb.ui import render
from mlnb.ui.render import Block, Table, View

_STATES = {True: "fresh", False: "would run", None: ""}
_STYLES = {"FINISHED": "good", "FAILED": "bad", "KILLED": "bad", "SKIPPED": "dim"}


@render.view.register(PipelineReading)
def _(run: PipelineReading) -> View:
    shown = _run(run)
    failure = run.first_failure
    if failure is None:
        return shown
    where = f", cell {failure.cell}" if failure.cell else ""
    more = f" ({run.failures - 1} more below)" if run.failures > 1 else ""
    blocks = [
        Block(failure.source, f"What failed first: {failure.step}{where}{more}", "python"),
        Block(failure.shown, "It showed"),
        Block(failure.traceback or failure.error, "It failed with" if failure.source else ""),
    ]
    if not failure.source:
        blocks[0] = Block("", f"What failed first: {failure.step}{more}")
    notes = [f"Executed notebook: {failure.output}"] if failure.output else []
    kept = [block for block in blocks if block.text or block.title.startswith("What")]
    return replace(shown, blocks=kept, notes=notes)


@render.view.register(PipelineRun)
def _run(run: PipelineRun) -> View:
    rows = [
        [
            step.name,
            state_of(step),
            f"{step.cells_done}/{step.cells}" if step.started else "",
            duration(step.started, step.ended) if not step.cached_from else "",
            _what(step),
        ]
        for step in run.steps
    ]
    return View(
        f"{run.id}: {run.status}",
        fields=[
            ("parameters", shown(run.parameters)),
            ("started", run.started),
            ("took", duration(run.started, run.ended)),
            ("report", run.report),
        ],
        tables=[
            Table(
                ["step", "state", "cells", "time", "values or reason"],
                rows,
                styles=[_STYLES.get(step.status, "") for step in run.steps],
            )
        ],
        status=_STYLES.get(run.status, ""),
    )


def _what(step: StepResult) -> str:
    if step.error:
        return step.error.splitlines()[0]
    if step.cached_from:
        return step.why
    short = {key: value for key, value in step.values.items() if len(str(value)) <= 60}
    tried = f"at attempt {step.attempts}" if step.attempts > 1 else ""
    return ", ".join(part for part in (shown(short), tried) if part)


@render.row.register(PipelineRun)
def _(run: PipelineRun) -> dict[str, Any]:
    done = sum(step.status == "FINISHED" for step in run.steps)
    return {
        "run": run.id,
        "state": run.status,
        "started": run.started,
        "took": duration(run.started, run.ended),
        "steps": f"{done}/{len(run.steps)}",
        "failed": ", ".join(step.name for step in run.steps if step.status == "FAILED"),
    }


@render.view.register(Plan)
def _(plan: Plan) -> View:
    rows = [
        [
            step.stage,
            step.name,
            step.notebook,
            ", ".join(step.needs),
            _bare(shown(_given(step))),
            _bare(step.when),
            _STATES[step.fresh],
            step.why,
        ]
        for step in plan.steps
    ]
    heads = ["stage", "step", "notebook", "needs", "parameters", "when", "state", "why"]
    styles = ["dim" if step.fresh else "" for step in plan.steps]
    return View(
        f"Plan of {plan.pipeline}",
        fields=[("file", plan.path), ("parameters", shown(plan.parameters))],
        tables=[Table(heads, rows, styles=styles)],
        notes=["Steps of one stage may run at the same time."],
    )


def _given(step: PlannedStep) -> dict[str, Any]:
    """Return what a step is given, with the item of a list that is not known yet."""
    each = {step.each: f"each of {step.foreach}"} if step.foreach else {}
    return each | step.parameters


def _bare(text: str) -> str:
    """Leave out the marks of expressions, which are plain from their words."""
    return re.sub(r"\$\{\{\s*(.*?)\s*\}\}", r"\1", text)


@render.row.register(StepResult)
def _(step: StepResult) -> dict[str, Any]:
    return {
        "step": step.name,
        "state": step.status,
        "cells": f"{step.cells_done}/{step.cells}" if step.started else "",
        "time": duration(step.started, step.ended),
        "values or reason": _what(step),
        "notebook": step.output,
    }
