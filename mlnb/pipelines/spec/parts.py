"""The parts of a pipeline file: typed parameters, matrix, foreach, retries, notices, schedule."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from mlnb.core.errors import InvalidPipeline
from mlnb.pipelines.spec.units import Seconds
from mlnb.pipelines.triggers.cron import Cron

Expression = Annotated[str, Field(pattern=r"^\s*\$\{\{[\s\S]*\}\}\s*$")]
"""Text that is one ``${{ … }}``."""


STRICT = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)
"""Of all models of a pipeline file: nothing unknown, and never changed."""
NAMING = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)
"""Of those in which the file chooses names itself."""


class Parameter(BaseModel):
    """A parameter of the pipeline, with what its values must be."""

    model_config = STRICT

    default: Any = None
    """Its value when none is given; without one, it must be given."""
    type: str = ""
    """As Python annotates it: int, float, str, bool, date, list[int], dict, …"""
    choices: Annotated[list[Any], Field(min_length=1)] | None = None
    """The only values it may have."""
    min: int | float | None = None
    """Least value of a number; least length of text or a list."""
    max: int | float | None = None
    """Greatest value of a number; greatest length of text or a list."""
    help: str = ""
    """What it is for."""
    secret: bool = False
    """Taken from the environment, and never shown or stored."""
    required: bool = False
    """Whether it must be given; by default, when it has no default."""

    @model_validator(mode="after")
    def _required_or_not(self) -> Self:
        if self.required and (self.secret or self.default is not None):
            raise ValueError("what must be given has no default, and no secret need be given")
        return self

    @property
    def plain(self) -> bool:
        """Tell whether it is only a default, as ``year: 2013`` writes it."""
        return self == Parameter(default=self.default)


TYPED = {"type", "default", "secret", "choices", "required"}
"""A mapping with one of these words is a declaration; any other is itself a default."""


def _parameter(value: Any) -> Any:
    """Read ``2013`` as ``{default: 2013}``; a mapping with a word of `Parameter` is one."""
    if isinstance(value, Parameter):
        return value
    if not isinstance(value, dict) or not (TYPED & set(value)):
        return {"default": value}
    if "default" not in value and not value.get("secret"):
        return {"required": True, **value}
    return value


ParameterField = Annotated[
    Parameter, BeforeValidator(_parameter, json_schema_input_type=Parameter | Any)
]
"""A default, or a mapping with type, default, choices, min, max, help, secret."""


class Retries(BaseModel):
    """How often, when and for what a step is tried again."""

    model_config = STRICT

    limit: int = Field(default=0, ge=0, le=100)
    """How often after the first time."""
    backoff: Seconds = Field(default=0, ge=0)
    """Seconds to wait before the first retry."""
    factor: float = Field(default=2, ge=1, allow_inf_nan=False)
    """By how much each wait is longer than the one before."""
    max_delay: Seconds = Field(default=600, ge=0)
    """The longest wait, in seconds."""
    on: Annotated[list[Literal["failed", "timeout", "memory"]], Field(min_length=1)] = [
        "failed",
        "timeout",
        "memory",
    ]
    """What is worth another try: a failing cell, a time-out, too little memory."""

    def delay(self, attempt: int) -> float:
        """Return the seconds to wait after the attempt of that number, counted from 1."""
        try:
            return min(self.backoff * self.factor ** (attempt - 1), self.max_delay)
        except OverflowError:
            return self.max_delay


RetriesField = Annotated[
    Retries,
    BeforeValidator(
        lambda value: {"limit": value} if isinstance(value, int) else value,
        json_schema_input_type=Retries | Annotated[int, Field(ge=0, le=100)],
    ),
]


class Matrix(BaseModel):
    """Names with lists of values; one job per combination.

    ``include``, ``exclude`` and ``max_parallel`` mean what they mean in a GitHub workflow.
    """

    model_config = NAMING
    __pydantic_extra__: dict[str, Annotated[list[Any], Field(min_length=1)] | Expression] = Field(
        init=False
    )

    include: list[dict[str, Any]] = []
    """Further values for the combinations they fit, else further combinations."""
    exclude: list[dict[str, Any]] = []
    """Combinations that are left out; part of one is enough."""
    max_parallel: int | None = Field(default=None, ge=1)
    """At most this many of its jobs at a time."""

    @property
    def axes(self) -> dict[str, list[Any] | str]:
        """Return the names with their values, or the expression that gives them."""
        return dict(self.__pydantic_extra__ or {})

    def __bool__(self) -> bool:
        return bool(self.axes or self.include)


class Foreach(BaseModel):
    """One job for each item of a list, which an earlier step may have made."""

    model_config = NAMING
    __pydantic_extra__: dict[str, list[Any] | Expression] = Field(init=False)

    max_parallel: int | None = Field(default=None, ge=1)
    """At most this many of its jobs at a time."""

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if len(self.__pydantic_extra__ or {}) != 1:
            raise ValueError("it has one name with a list, as in {month: [1, 2, 3]}")
        return self

    @property
    def name(self) -> str:
        """Return the name of the parameter that gets an item."""
        return next(iter(self.__pydantic_extra__ or {}))

    @property
    def items(self) -> list[Any] | str:
        """Return the list, or the expression that gives it."""
        return (self.__pydantic_extra__ or {})[self.name]


class Notification(BaseModel):
    """Whom to tell how a run ended."""

    model_config = STRICT

    on: Literal["failure", "success", "always"] = "failure"
    """When."""
    webhook: str | None = Field(default=None, min_length=1)
    """Name of the secret that holds the address to which the news is posted."""
    command: str | Annotated[list[str], Field(min_length=1)] | None = None
    """Program to start; the news is in its environment and, as JSON, its standard input."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.webhook is None) == (self.command is None):
            raise ValueError("it needs either a webhook or a command")
        return self

    @field_validator("webhook")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        if value is not None and not value.isidentifier():
            raise ValueError(
                "a webhook is the name of a secret that holds the address, "
                "because who knows the address can write to it"
            )
        return value


class Schedule(BaseModel):
    """When runs start by themselves."""

    model_config = STRICT

    cron: str
    """Minute, hour, day of the month, month, day of the week."""
    timezone: str = "UTC"
    """Name of the IANA time zone in which that is meant."""
    overlap: Literal["skip", "allow", "replace"] = "skip"
    """What becomes of a time at which the run before still goes on: no run, a run beside it, or a
    run after that one was stopped."""
    missed: Literal["latest", "skip", "all"] = "latest"
    """Which of the times that passed while nobody served the schedule are made up for."""

    @model_validator(mode="after")
    def _readable(self) -> Self:
        try:
            Cron(self.cron, self.timezone)
        except InvalidPipeline as error:
            raise ValueError(str(error).rstrip(".")) from None
        return self

    @field_validator("cron")
    @classmethod
    def _one_space(cls, value: str) -> str:
        return " ".join(value.split())


ScheduleField = Annotated[
    Schedule,
    BeforeValidator(
        lambda value: {"cron": value} if isinstance(value, str) else value,
        json_schema_input_type=Schedule | str,
    ),
]
