"""What the steps of a run hand to a later one: versions of datasets, and files by their content.

Only what the later step declares as an input, and only from steps that come before it.
"""

from mlnb.pipelines import artifacts as files
from mlnb.pipelines.plans import Plan, PlannedStep
from mlnb.pipelines.scheduling import Results
from mlnb.pipelines.spec import Pipeline, Step, data


def inputs(plan: Plan, planned: PlannedStep, results: Results) -> dict[str, str]:
    """Return a step's declared inputs, each dataset with the version that this run has made."""
    made = _made(plan, planned, results)
    found: dict[str, str] = {}
    for declared in planned.inputs:
        found[declared] = ""
        if not files.is_file(declared):
            wanted = data.read(declared)
            if wanted.selector in ("", "latest"):
                found[declared] = made.get(f"{data.DATASET}{wanted.name}", "")
    return found


def artifacts(plan: Plan, planned: PlannedStep, results: Results) -> dict[str, str]:
    """Return the files of earlier steps that a step declares to read, with their digests."""
    declared = [item for item in planned.inputs if files.is_file(item)]
    return {
        path: digest
        for path, digest in _made(plan, planned, results).items()
        if files.is_file(path) and any(files.fits(path, item) for item in declared)
    }


def hidden(pipeline: Pipeline, step: Step) -> list[str]:
    """Return the names of the secrets that only other steps may see."""
    steps = [*pipeline.steps.values(), *([pipeline.on_failure] if pipeline.on_failure else [])]
    return sorted({name for item in steps for name in item.secrets} - set(step.secrets))


def _made(plan: Plan, planned: PlannedStep, results: Results) -> dict[str, str]:
    """Return the outputs of all steps before one; of two with one name, those of the later."""
    steps = {step.name: step for step in plan.steps}
    before: set[str] = set()
    waiting = list(planned.needs)
    while waiting:
        name = waiting.pop()
        if name in steps and name not in before:
            before.add(name)
            waiting += steps[name].needs
    found: dict[str, str] = {}
    for step in plan.steps:
        if step.name in before and step.name in results:
            found |= results[step.name].outputs
    return found
