"""Go on with a run that failed, was stopped, or whose driver was killed.

A step whose result is in the store as FINISHED is not run again. A notebook that was begun goes on
from its last checkpoint, if it has any. Of two drivers, the one that came later is the driver: the
earlier one, should it still be alive, starts no further step.
"""

from concurrent.futures import Executor
from pathlib import Path

from mlnb.core import project as projects
from mlnb.core.errors import Conflict, InvalidReference, MlnbError, UnknownName
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines import history, progress, results, running
from mlnb.pipelines.planning import prepare, project_of
from mlnb.pipelines.plans import PlannedStep
from mlnb.pipelines.results import RunState
from mlnb.pipelines.running import OnProgress
from mlnb.pipelines.selection import Selection, resumed, wishes

LATEST = "latest"


def resume(
    run: str = LATEST,
    *,
    path: Path | str | None = None,
    workers: int | None = None,
    executor: str | Executor = "threads",
    on_progress: OnProgress | None = None,
) -> PipelineRun:
    """Carry out what is left of a run, with the parameters and the selection that it has.

    Parameters
    ----------
    run : str
        Its id, the beginning of it, or ``latest``.
    path : path, optional
        A pipeline file: only its runs count, and it is run as it is now.
    workers, executor, on_progress
        As `mlnb.pipelines.run` takes them.

    Returns
    -------
    PipelineRun
        As `mlnb.pipelines.run` returns it; one that has finished already is returned as it is.

    Raises
    ------
    UnknownName, InvalidReference
        If there is no such run, or several.
    Conflict
        If it is still going on.
    BadInput
        If the pipeline cannot run any more.
    """
    home = projects.current() if path is None else project_of(path)
    with projects.using(home) as project:
        pipeline = "" if path is None else prepare_name(path)
        state = find(project, run, pipeline)
        _check_over(project, state)
        prepared = prepare(project.root / state.path if path is None else path, state.parameters)
        ended = _finished(project, state)
        if ended is not None:
            return ended
        plan = prepared.plan
        wanted = Selection(
            only=state.only, until=state.until, since=state.since, force=tuple(state.force)
        )
        chosen = wishes(project, plan, wanted)
        there = results.of(project, state.id, plan.steps)
        done = {name: item for name, item in there.items() if item.status == "FINISHED"}
        begun = {
            step.name
            for step in plan.steps
            if step.name not in done and _was_begun(project, state.id, step, set(there))
        }
        return running.carry_on(
            prepared,
            state,
            resumed(chosen, done, begun),
            workers=workers,
            executor=executor,
            on_progress=on_progress,
        )


def prepare_name(path: Path | str) -> str:
    """Return the name of the pipeline in a file."""
    from mlnb.pipelines import spec

    return spec.load(spec.find(Path(path))).name


def find(project: Project, run: str, pipeline: str = "") -> RunState:
    """Return the state of the run that is meant.

    Parameters
    ----------
    project : Project
        Whose store knows it.
    run : str
        Its id, the beginning of it, or ``latest``.
    pipeline : str
        When given, only runs of this one count.

    Raises
    ------
    UnknownName, InvalidReference
        If there is none, or several.
    """
    if run != LATEST and (exact := results.find(project, run)) is not None:
        if pipeline and exact.pipeline != pipeline:
            raise InvalidReference("pipeline run", run, f"a run of pipeline {pipeline!r}")
        return exact
    names = project.store.logs(results.ROOT)
    fitting = [name for name in names if run == LATEST or name.startswith(run)]
    states = [state for name in fitting if (state := results.find(project, name)) is not None]
    states = [state for state in states if not pipeline or state.pipeline == pipeline]
    if not states:
        known = [name for name in names if not pipeline or name.startswith(pipeline)]
        raise UnknownName("pipeline run", run, known)
    if run != LATEST and len(states) > 1:
        ids = ", ".join(state.id for state in states[:5])
        raise InvalidReference("pipeline run", run, f"more of the id; it fits {ids}")
    return max(states, key=lambda state: state.started)


def _check_over(project: Project, state: RunState) -> None:
    """Check that nobody on this machine is carrying out a run.

    Raises
    ------
    Conflict
        If somebody is.
    """
    seen = progress.fold(project.events.read()[0]).get(state.id)
    if seen is not None and seen.status == "RUNNING":
        raise Conflict(
            f"Pipeline run {state.id} is still going on.",
            f"Wait for it, or stop it first: mlnb pipeline cancel {state.id}.",
        )


def _finished(project: Project, state: RunState) -> PipelineRun | None:
    """Return the record of a run that has finished, if it has."""
    try:
        found = history.show(state.id)
    except MlnbError:
        return None
    return found if found.id == state.id and found.status == "FINISHED" else None


def _was_begun(project: Project, run: str, step: PlannedStep, tried: set[str]) -> bool:
    """Tell whether a step was begun in a run, whatever became of it."""
    return step.name in tried or (project.state / "runs" / run / step.file).is_file()
