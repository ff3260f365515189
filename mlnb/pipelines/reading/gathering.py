"""All that is read of a run: its record, the cells of its notebooks, an earlier run beside it."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Literal

from mlnb.core.project import Project
from mlnb.core.records import PipelineRun, Status, StepResult
from mlnb.pipelines import history
from mlnb.pipelines.reading import cells, earlier, excerpts, plots
from mlnb.pipelines.reading.cells import Cell
from mlnb.pipelines.reading.earlier import Change, DatasetChange
from mlnb.pipelines.reading.plots import PlotChange

State = Status | Literal["CACHED"]


@dataclass(frozen=True)
class StepReading:
    """One step, with the cells of its executed notebook."""

    result: StepResult
    cells: list[Cell]

    @property
    def state(self) -> State:
        """Return its status; CACHED when a stored result was used."""
        return state_of(self.result)

    @property
    def is_bad(self) -> bool:
        """Tell whether it failed or was killed."""
        return self.result.status in ("FAILED", "KILLED")

    @property
    def reason(self) -> str:
        """Return why it failed, was skipped, ran or did not have to."""
        return self.result.error or self.result.why

    @cached_property
    def failed_cell(self) -> Cell | None:
        """The cell that failed."""
        return cells.failed(self.cells)


@dataclass(frozen=True)
class Reading:
    """One run of a pipeline, and what it is compared with."""

    project: Project
    run: PipelineRun
    steps: list[StepReading]
    against: PipelineRun | None
    """The run that it is compared with."""
    earlier: list[PipelineRun]
    """Earlier runs of the pipeline, the newest first."""
    compares_data: bool = True
    """Whether versions of datasets are compared, which takes reading them."""

    @property
    def failures(self) -> list[StepReading]:
        """Return the steps that failed, the first one first."""
        bad = [step for step in self.steps if step.is_bad]
        return sorted(bad, key=lambda step: (step.result.status != "FAILED", _end(step.result)))

    @property
    def counts(self) -> dict[str, int]:
        """Return how many steps are in each state, the bad ones first."""
        found = Counter(step.state for step in self.steps)
        order: list[State] = ["FAILED", "KILLED", "FINISHED", "CACHED", "SKIPPED"]
        return {state: found[state] for state in [*order, *found] if found[state]}

    @cached_property
    def needs(self) -> dict[str, list[str]]:
        """What each step needs, as the event stream tells; empty on another machine."""
        for event in self.project.events.containing("pipeline.started", self.run.id):
            if event.subject == self.run.id and event.kind == "pipeline.started":
                steps = event.data.get("steps", [])
                return {str(step["name"]): list(step.get("needs", [])) for step in steps}
        return {}

    @cached_property
    def changes(self) -> list[Change]:
        """What the steps handed on, beside the run before."""
        return earlier.changes(self.run, self.against, self.earlier[: earlier.HISTORY])

    @cached_property
    def datasets(self) -> list[DatasetChange]:
        """Datasets of which this run used or made other versions."""
        return earlier.dataset_changes(
            self.project, self.run, self.against, compare=self.compares_data
        )

    @cached_property
    def plots(self) -> list[PlotChange]:
        """Pictures that are others than in the run before."""
        if self.against is None:
            return []
        old = {step.name: step for step in self.against.steps}
        same = {
            step.result.name
            for step in self.steps
            if step.result.name in old
            and step.result.output_digest == old[step.result.name].output_digest
        }
        before = {
            name: _pictures(cells.read(cells.notebook_of(self.project, result)))
            for name, result in old.items()
            if name not in same
        }
        now = {
            step.result.name: _pictures(step.cells)
            for step in self.steps
            if step.result.name not in same
        }
        return plots.changes(before, now)


def gather(
    project: Project,
    run: PipelineRun,
    *,
    against: PipelineRun | None = None,
    compares_data: bool = True,
) -> Reading:
    """Read a run.

    Parameters
    ----------
    project : Project
        Its project; must be the current one.
    run : PipelineRun
        The run.
    against : PipelineRun, optional
        What to compare it with; by default the newest earlier run that finished.
    compares_data : bool
        Whether versions of datasets are compared, which takes reading them.
    """
    older = history.earlier(run)
    steps = [StepReading(step, cells.read(cells.notebook_of(project, step))) for step in run.steps]
    return Reading(project, run, steps, against or earlier.before(older), older, compares_data)


def state_of(result: StepResult) -> State:
    """Return a step's status; CACHED when a stored result was used."""
    return "CACHED" if result.status == "FINISHED" and result.cached_from else result.status


def _pictures(notebook: list[Cell]) -> list[excerpts.Picture]:
    return [picture for cell in notebook for picture in excerpts.pictures_of(cell)]


def _end(result: StepResult) -> float:
    return result.ended.timestamp() if result.ended else inf
