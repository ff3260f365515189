"""How jobs on different machines hand results on where the object store is a folder.

Every job gives its copy of the store to those that need it; as all in it is addressed by
content or written once, copies lie over each other without harm. Where the setting ``store`` is
an address that all machines reach, nothing has to be handed on.
"""

from mlnb.pipelines.exporters.workflow import Task, Workflow

RUNS = ".mlnb/runs"


def runs_anyway(workflow: Workflow, task: Task) -> bool:
    """Tell whether a job has to start although one that it needs has failed.

    A step with a `trigger_rule` decides by the results of those before it, so each of those has
    to have one: the step command then writes that it was skipped.
    """
    deciding = [other for other in workflow.tasks if other.spec.trigger_rule != "all_success"]
    return bool(task.needs) and any(
        task is other or task in workflow.before(other) for other in deciding
    )


def longest(task: Task) -> float:
    """Return the seconds that a job may take with all its attempts, and two minutes to set up."""
    retries = task.spec.retries
    waits = sum(retries.delay(attempt) for attempt in range(1, retries.limit + 1))
    return (task.spec.timeout or 0) * (retries.limit + 1) + waits + 120
