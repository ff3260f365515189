"""What a run would do: the plan of a pipeline and its jobs."""

from dataclasses import dataclass, field
from typing import Any

from mlnb.core.project import Project
from mlnb.core.records import Record
from mlnb.pipelines.spec import Kind, Pipeline


@dataclass(frozen=True, kw_only=True)
class PlannedStep(Record):
    """One job: a step, one combination of its matrix, or one item of its ``foreach``.

    With ``foreach`` it stands for jobs that are known only when the steps it needs have ended:
    whoever schedules evaluates the expression then and runs what `expand` makes of the items in
    its place. Steps that need it wait for all of them.
    """

    name: str
    """``train``, or ``train[logistic]`` of a matrix."""
    step: str
    notebook: str
    """What it runs: a notebook or a script, relative to the project, or ``module:function``."""
    kind: Kind = "notebook"
    cwd: str = ""
    """Folder that it runs in, relative to the project, when it says one."""
    needs: list[str]
    """Names of planned steps."""
    stage: int
    """Counts from 1; a step needs only steps of earlier stages."""
    matrix: dict[str, Any] = field(default_factory=dict)
    """Its combination, or its item."""
    foreach: str = ""
    """Expression of a list that is not known yet; ``when`` is then meant for each job."""
    each: str = ""
    """Name that each item of the list gets."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """As known now; expressions that wait for a step's values are kept as text."""
    when: str = ""
    inputs: list[str] = field(default_factory=list)
    """As declared; expressions that wait for a step's values are kept as text."""
    outputs: list[str] = field(default_factory=list)
    environment: dict[str, str] = field(default_factory=dict)
    """The pipeline's and its own; expressions may wait, too."""
    resources: dict[str, float] = field(default_factory=dict)
    """By name; memory in bytes."""
    cells: int = 0
    """Of the notebook; 1 for anything else."""
    file: str = ""
    """Name of the executed notebook."""
    fresh: bool | None = None
    """Whether a stored result would be used; None where that is not known before the run."""
    why: str = ""
    """Why it would run, or what it would be skipped for."""


@dataclass(frozen=True, kw_only=True)
class Plan(Record):
    """What a run of a pipeline would do."""

    pipeline: str
    path: str
    """Pipeline file, relative to the project."""
    parameters: dict[str, Any]
    steps: list[PlannedStep]
    """In an order in which they could run one by one."""
    on_failure: PlannedStep | None = None
    """What runs when the run has failed."""


@dataclass(frozen=True)
class Prepared:
    """A plan with what is needed to carry it out."""

    plan: Plan
    pipeline: Pipeline
    project: Project
