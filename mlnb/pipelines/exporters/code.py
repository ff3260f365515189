"""Which files of the project a step's code is in, for systems that watch files."""

from pathlib import Path

from mlnb.core.project import Project
from mlnb.execution.steps.modules import ProjectModules
from mlnb.pipelines import sources
from mlnb.pipelines.caching import code
from mlnb.pipelines.plans import PlannedStep
from mlnb.pipelines.spec import Step


def files(project: Project, folder: Path, step: Step, job: PlannedStep) -> list[str]:
    """Return a step's notebook or script, the project's modules it imports, and its `modules`.

    Parameters
    ----------
    project : Project
        Of the pipeline.
    folder : Path
        Where the pipeline file is.
    step : Step
        The step.
    job : PlannedStep
        One of its jobs.

    Returns
    -------
    list of str
        Relative to the project; the step's own file first.
    """
    if job.kind == "function":
        own: list[str] = []
        names = [job.notebook.partition(":")[0]]
        places = sources.search_path(project, folder)
    else:
        own = [job.notebook]
        path = project.root / job.notebook
        read = code.of_notebook if job.kind == "notebook" else code.of_file
        names = read(path).imports
        places = [path.parent, *sources.search_path(project, folder)]
    found = ProjectModules(project.root, places, imported=False).closure(names)
    further = [project.relative(folder / module) for module in step.modules]
    return list(dict.fromkeys([*own, *found, *further]))
