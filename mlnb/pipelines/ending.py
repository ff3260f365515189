"""The end of a run: its status, its report, and its record, from which it is known ever after."""

import warnings
from collections.abc import Mapping
from dataclasses import replace

from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, Status, StepResult, now
from mlnb.pipelines import history
from mlnb.pipelines.performing import folder_of
from mlnb.pipelines.plans import Prepared
from mlnb.pipelines.results import RunState


def ended(
    prepared: Prepared, state: RunState, made: Mapping[str, StepResult], *, stopped: bool = False
) -> PipelineRun:
    """Return the record of a run that has ended now, with its report written.

    Parameters
    ----------
    prepared : Prepared
        The plan, with all jobs that have become known.
    state : RunState
        What was asked for.
    made : mapping
        Results by name.
    stopped : bool
        Whether somebody has stopped it.
    """
    steps = list(made.values())
    run = PipelineRun(
        id=state.id,
        pipeline=prepared.plan.pipeline,
        status=status_of(steps, stopped=stopped),
        parameters=prepared.plan.parameters,
        started=state.started,
        ended=now(),
        steps=steps,
    )
    error = history.failure(run)
    run = replace(run, error=error.message if error else "")
    folder = folder_of(prepared.project, run.id)
    try:
        from mlnb.pipelines.reading import report  # Jinja and Pygments, needed at the end only

        written = report.write(run, prepared.plan, folder, prepared.project)
    except Exception as problem:  # the run's record must be kept in any case
        warnings.warn(f"The report could not be written: {problem!r}", stacklevel=2)
        return run
    return replace(run, report=prepared.project.relative(written))


def record(project: Project, run: PipelineRun) -> None:
    """Keep the record of a run, and tell the event stream that it has ended."""
    try:
        # The first steps may have ended days ago: nothing has named what they stored so far.
        outputs = [item.output_digest for item in run.steps if item.output_digest]
        project.store.keep(project.store.sizes(outputs))
        project.store.append(f"{history.LOG}/{run.pipeline}", lambda _number: run.to_dict())
    finally:  # the run has ended, whether the store takes its record or not
        project.events.emit(
            "pipeline.finished", run.id, status=run.status, error=run.error, report=run.report
        )


def status_of(made: list[StepResult], *, stopped: bool = False) -> Status:
    """Return what a run's results amount to."""
    statuses = {result.status for result in made}
    if stopped and statuses != {"FINISHED"}:
        return "KILLED"
    return "FAILED" if statuses & {"FAILED", "KILLED"} else "FINISHED"
