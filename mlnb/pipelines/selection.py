"""Which steps of a plan take part in a run."""

from mlnb.core.errors import UnknownName
from mlnb.pipelines.planning import Plan, PlannedStep


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
