"""How pipeline runs and plans are laid out."""

from typing import Any

from mlnb.core.records import PipelineRun, StepResult
from mlnb.pipelines.durations import duration
from mlnb.pipelines.planning import Plan
from mlnb.ui import render
from mlnb.ui.render import Table, View

_STYLES = {"FINISHED": "good", "FAILED": "bad", "KILLED": "bad", "SKIPPED": "dim"}


@render.view.register(PipelineRun)
def _(run: PipelineRun) -> View:
    rows = [
        [
            step.name,
            step.status,
            f"{step.cells_done}/{step.cells}" if step.started else "",
            duration(step.started, step.ended),
            _what(step),
        ]
        for step in run.steps
    ]
    return View(
        f"{run.id}: {run.status}",
        fields=[
            ("parameters", run.parameters),
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
    shown = {key: value for key, value in step.values.items() if len(str(value)) <= 60}
    tried = f"at attempt {step.attempts}" if step.attempts > 1 else ""
    return ", ".join(part for part in (render.text_of(shown), tried) if part)


@render.row.register(PipelineRun)
def _(run: PipelineRun) -> dict[str, Any]:
    done = sum(step.status == "FINISHED" for step in run.steps)
    return {
        "run": run.id,
        "state": run.status,
        "started": run.started,
        "took": duration(run.started, run.ended),
        "steps": f"{done}/{len(run.steps)}",
        "error": run.error.splitlines()[0] if run.error else "",
    }


@render.view.register(Plan)
def _(plan: Plan) -> View:
    rows = [
        [
            step.stage,
            step.name,
            step.notebook,
            ", ".join(step.needs),
            render.text_of(step.parameters),
            step.when,
        ]
        for step in plan.steps
    ]
    return View(
        f"Plan of {plan.pipeline}",
        fields=[("file", plan.path), ("parameters", plan.parameters)],
        tables=[Table(["stage", "step", "notebook", "needs", "parameters", "when"], rows)],
        notes=["Steps of one stage may run at the same time."],
    )
