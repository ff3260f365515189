"""Which steps of a plan take part in a run, and what is known of the others.

``--until S`` leaves out what S does not need; ``--from S`` runs S and what needs it again, changed
or not; ``--only S`` runs S alone. What the chosen steps need and what does not take part itself is
taken as it is, from the newest run that has a result of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from mlnb.core.errors import BadInput, UnknownName, UnreadableRecord
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, StepResult
from mlnb.pipelines.plans import Plan, PlannedStep

EVERY = "*"
"""Stands for all steps where some could be forced."""
NOT_SELECTED = "It was not selected."
_LOOKED_AT = 20
"""How many earlier runs are searched for a step's result."""


@dataclass(frozen=True)
class Selection:
    """What a user wants to take part."""

    only: str = ""
    until: str = ""
    since: str = ""
    """The step to start from."""
    force: tuple[str, ...] = ()
    """Steps to run though nothing has changed; `EVERY` for all."""


@dataclass(frozen=True)
class Wishes:
    """What is decided about the steps of a run before it starts."""

    force: frozenset[str] = frozenset()
    known: Mapping[str, StepResult] = field(default_factory=dict)
    """Results of steps that do not run (again)."""
    before: Mapping[str, str] = field(default_factory=dict)
    """Keys that steps had in earlier runs."""
    begun: frozenset[str] = frozenset()
    """Steps that were tried in this run before, and go on from a checkpoint."""


def resumed(chosen: Wishes, done: Mapping[str, StepResult], begun: Iterable[str]) -> Wishes:
    """Return what is decided about the steps of a run that goes on.

    Parameters
    ----------
    chosen : Wishes
        What its selection means.
    done : mapping
        Results of the steps that have finished in it.
    begun : iterable of str
        Steps that were begun in it, and have not finished.
    """
    return replace(chosen, known={**chosen.known, **done}, begun=frozenset(begun))


def jobs_of(plan: Plan, step: str) -> list[PlannedStep]:
    """Return the jobs that a step, or one combination of its matrix, means.

    Raises
    ------
    UnknownName
        If there is none.
    """
    found = [item for item in plan.steps if step in (item.name, item.step)]
    if not found:
        raise UnknownName("step", step, [item.name for item in plan.steps])
    return found


def wishes(project: Project, plan: Plan, wanted: Selection) -> Wishes:
    """Return what a selection means for the steps of a plan.

    Raises
    ------
    UnknownName
        If it names a step that is not there.
    BadInput
        If a step that is needed and does not take part has no result yet.
    """
    chosen = _chosen(plan, wanted)
    forced = {step for step in wanted.force if step == EVERY or jobs_of(plan, step)}
    if wanted.since:
        forced |= chosen
    earlier = _earlier(project, plan.pipeline)
    before: dict[str, str] = {}
    for run in earlier:
        for step in run.steps:
            if step.key:
                before.setdefault(step.name, step.key)
    everyone = {step.name for step in plan.steps}
    left_out = everyone - chosen
    needed = _before(plan, chosen) & left_out
    known = {
        step.name: StepResult(
            name=step.name,
            notebook=step.notebook,
            status="SKIPPED",
            cells=step.cells,
            error=NOT_SELECTED,
        )
        for step in plan.steps
        if step.name in left_out - needed
    }
    for name in sorted(needed):
        known[name] = _taken(earlier, name, sorted(chosen))
    return Wishes(force=frozenset(forced), known=known, before=before)


def _chosen(plan: Plan, wanted: Selection) -> set[str]:
    """Return the names of the jobs that take part."""
    chosen = {step.name for step in plan.steps}
    if wanted.until:
        last = {item.name for item in jobs_of(plan, wanted.until)}
        chosen &= last | _before(plan, last)
    if wanted.since:
        first = {item.name for item in jobs_of(plan, wanted.since)}
        chosen &= first | _after(plan, first)
    if wanted.only:
        chosen &= {item.name for item in jobs_of(plan, wanted.only)}
    if not chosen:
        raise BadInput("The selection leaves no step to run.", "Name steps that need each other.")
    return chosen


def _before(plan: Plan, names: Iterable[str]) -> set[str]:
    """Return all jobs that come before some."""
    needs = {step.name: step.needs for step in plan.steps}
    found: set[str] = set()
    waiting = [need for name in names for need in needs[name]]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += needs[name]
    return found


def _after(plan: Plan, names: set[str]) -> set[str]:
    """Return all jobs that need some, directly or not."""
    found = set(names)
    for step in plan.steps:  # in an order in which they could run
        if found & set(step.needs):
            found.add(step.name)
    return found - names


def _earlier(project: Project, pipeline: str) -> list[PipelineRun]:
    """Return the newest runs of a pipeline, newest first."""
    log = f"pipelines/{pipeline}"
    damaged: dict[int, UnreadableRecord] = {}
    numbers = project.store.numbers(log)[-_LOOKED_AT:]
    entries = list(project.store.entries(log, numbers=numbers, damaged=damaged))
    found = []
    for entry in reversed(entries):
        try:
            found.append(PipelineRun.from_dict(entry.data))
        except UnreadableRecord:
            continue
    return found


def _taken(earlier: list[PipelineRun], name: str, chosen: list[str]) -> StepResult:
    """Return the newest result of a step.

    Raises
    ------
    BadInput
        If there is none.
    """
    for run in earlier:
        for step in run.steps:
            if step.name == name and step.status == "FINISHED":
                origin = step.cached_from or run.id
                why = f"taken as it is from run {origin}, for it was not selected"
                return replace(step, cached_from=origin, why=why)
    raise BadInput(
        f"Step {chosen[0]!r} needs {name!r}, which is not selected and has no result yet.",
        f"Run it first: --until {name}.",
    )
