"""What a pipeline file says: `Pipeline` and its `Step`s."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from mlnb.pipelines.spec.parts import (
    STRICT,
    Foreach,
    Matrix,
    Notification,
    ParameterField,
    Retries,
    RetriesField,
    ScheduleField,
)
from mlnb.pipelines.spec.units import Amount, Seconds

TriggerRule = Literal["all_success", "none_failed", "all_done"]
"""Airflow's words: every needed step finished; none failed, though some may have been skipped by
their condition; whatever became of them."""

Kind = Literal["notebook", "script", "function"]


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _as_text(value: Any) -> Any:
    """Environment variables are text; a number is written as it stands, ``true`` in quotes."""
    if isinstance(value, bool):
        raise ValueError("it is text; put it in quotes")
    return str(value) if isinstance(value, int | float) else value


Texts = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=list[str] | str)]
Variable = Annotated[str, BeforeValidator(_as_text, json_schema_input_type=str | float)]
Variables = dict[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], Variable]
SecretNames = Annotated[
    list[Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]],
    BeforeValidator(_listed, json_schema_input_type=list[str] | str),
]


class Step(BaseModel):
    """One step: a notebook, a script or a function, run when the steps it needs have finished."""

    model_config = STRICT

    notebook: str | None = Field(default=None, min_length=1)
    """Path relative to the pipeline file."""
    script: str | None = Field(default=None, min_length=1, pattern=r"\.py$")
    """Path of a Python file, which gets its parameters as ``--name value`` and MLNB_PARAMS."""
    function: str | None = Field(default=None, pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    """``package.module:name``; called with its parameters, the dict it returns is its values."""
    needs: Texts = []
    """Steps that must have ended before; who makes its inputs need not be named."""
    inputs: Texts = []
    """What it reads: ``dataset:NAME[@VERSION]``, or paths relative to the pipeline file."""
    outputs: Texts = []
    """What it makes: ``dataset:NAME``, or paths relative to the pipeline file."""
    params: dict[str, Any] = {}
    """Values for its parameters; may be expressions."""
    matrix: Matrix = Matrix()
    """One job per combination; the values are injected as parameters."""
    foreach: Foreach | None = None
    """One job per item of a list; the item is injected as a parameter."""
    when: bool | str = True
    """An expression; the step is SKIPPED when its value is false."""
    trigger_rule: TriggerRule = "all_success"
    """What must have become of the steps it needs."""
    timeout: Seconds | None = Field(default=None, gt=0)
    """Seconds for the whole step."""
    retries: RetriesField = Retries()
    """How often to try again after a failure, or a mapping that says more."""
    resources: dict[str, Amount] = {}
    """What it takes of the limits while it runs: cpus, memory, gpu, anything with a name."""
    env: Variables = {}
    """Environment variables."""
    secrets: SecretNames = []
    """Names of the secrets it may see, as environment variables and as `Secret` parameters."""
    cache: bool = True
    """Whether it may be skipped when it has run with the same code, parameters and inputs."""
    modules: Texts = []
    """Further Python files or folders whose change makes it run again."""
    cwd: str | None = Field(default=None, min_length=1)
    """Folder that its code runs in, relative to the pipeline file; by default that of its notebook,
    else of the pipeline file."""
    kernel: str | None = None
    """Kernelspec; by default the notebook's own, else the setting ``kernel``."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        kinds = [name for name in ("notebook", "script", "function") if getattr(self, name)]
        if len(kinds) != 1:
            said = f"it has {' and '.join(kinds)}" if kinds else "it says nothing to run"
            raise ValueError(f"{said}; give it a notebook, a script or a function")
        if self.matrix and self.foreach:
            raise ValueError("it has a matrix and a foreach; give it one of them")
        return self

    @property
    def kind(self) -> Kind:
        """Return what it runs."""
        return "notebook" if self.notebook else "script" if self.script else "function"

    @property
    def source(self) -> str:
        """Return the notebook, the script or the function."""
        return self.notebook or self.script or self.function or ""

    @property
    def many(self) -> bool:
        """Tell whether it makes several jobs, so that its values are lists."""
        return bool(self.matrix) or self.foreach is not None


class Pipeline(BaseModel):
    """A pipeline file."""

    model_config = STRICT

    name: str
    """What its runs are called."""
    description: str = ""
    """What it is for."""
    params: dict[str, ParameterField] = {}
    """Parameters of the pipeline, with their defaults or types."""
    steps: Annotated[dict[str, Step], Field(min_length=1)]
    """The steps by name, in any order."""
    env: Variables = {}
    """Environment variables of every step."""
    limits: dict[str, Amount] = {}
    """How much of each resource the steps that run at the same time may take together."""
    notify: Annotated[
        list[Notification],
        BeforeValidator(
            lambda value: [value] if isinstance(value, dict) else value,
            json_schema_input_type=list[Notification] | Notification,
        ),
    ] = []
    """Whom to tell how a run ended."""
    on_failure: Step | None = None
    """A step that is run when the run has failed."""
    schedule: ScheduleField | None = None
    """When runs start by themselves: a cron expression, or one with a time zone."""

    @property
    def defaults(self) -> dict[str, Any]:
        """Return the defaults of the parameters that have one."""
        return {
            name: item.default
            for name, item in self.params.items()
            if not (item.required or item.secret)
        }
