"""Which versions of which datasets a pipeline run read and wrote."""

from mlnb.core.names import split_reference
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun

DATASET = "dataset:"


def datasets(project: Project, run: PipelineRun) -> dict[str, str]:
    """Return the version of each dataset that a run used or made, the last one if several.

    What steps declare is in their results; what their notebooks loaded and saved besides is told
    by the event stream of the machine that ran them.
    """
    found: dict[str, str] = {}
    runs = {step.cached_from or run.id for step in run.steps}
    told = {name: _told(project, name) for name in runs}
    for step in run.steps:
        here = told[step.cached_from or run.id]
        declared = {**step.inputs, **step.outputs}
        refs = [value for name, value in declared.items() if name.startswith(DATASET)]
        for ref in [*here.get(step.name, []), *refs]:
            found[split_reference("dataset", ref)[0]] = ref
    return found


def _told(project: Project, run: str) -> dict[str, list[str]]:
    """Return the versions that each step loaded and saved, in that order."""
    found: dict[str, list[str]] = {}
    for event in project.events.containing("lineage.recorded", run):
        data = event.data
        if data.get("pipeline_run") == run and data.get("kind") == "dataset":
            found.setdefault(str(data.get("step")), []).append(str(data.get("ref")))
    return found
