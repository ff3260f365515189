"""The suite: which checks a model must pass, as a YAML file or a dictionary."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mlnb.core.errors import InvalidSuite, suggestion
from mlnb.core.names import check_name
from mlnb.validation.metrics import METRICS, Task


class _UnknownMetric(ValueError):
    pass


def _known(name: str) -> str:
    if name not in METRICS:
        raise _UnknownMetric(f"there is no metric {name!r}. {suggestion(name, METRICS, listed=20)}")
    return name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(_Part):
    """An absolute limit on one metric."""

    min: float | None = Field(None, allow_inf_nan=False)
    max: float | None = Field(None, allow_inf_nan=False)
    judge: Literal["value", "bound"] = "value"
    """What is judged: the value, or the confidence bound on the limit's side (stricter)."""

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}")
        return self


class ChampionRule(_Part):
    """How much worse than the champion a challenger may be."""

    metric: str
    margin: float = Field(0.0, ge=0, allow_inf_nan=False)
    """In the metric's own unit."""

    @field_validator("metric")
    @classmethod
    def _comparable(cls, name: str) -> str:
        if not METRICS[_known(name)].better:
            raise ValueError(f"{name} has no better direction; choose another metric")
        return name


class FairnessRule(_Part):
    """How far a metric may differ between the groups of one column."""

    slice: str
    metric: str
    max_difference: float = Field(ge=0, allow_inf_nan=False)
    min_rows: int = Field(100, ge=1)
    """Smaller groups are left out, and named."""

    _metric = field_validator("metric")(_known)


class Suite(_Part):
    """The checks that make a model's gate."""

    name: str
    label: str
    positive: bool | int | float | str | None = None
    """The positive class; the greater of two when not given."""
    confidence: float = Field(0.95, gt=0.5, lt=1)
    resamples: int = Field(1000, ge=100, le=100_000)
    seed: int = Field(0, ge=0)
    limits: dict[str, Limit] = Field(default_factory=dict)
    champion: ChampionRule | None = None
    fairness: FairnessRule | None = None

    @field_validator("name")
    @classmethod
    def _named(cls, name: str) -> str:
        return check_name("suite", name)

    @field_validator("limits")
    @classmethod
    def _metrics(cls, limits: dict[str, Limit]) -> dict[str, Limit]:
        for name in limits:
            _known(name)
        return limits

    @model_validator(mode="after")
    def _one_task(self) -> Self:
        names = self.metrics()
        if not names:
            raise ValueError("it has no check: give limits, champion or fairness")
        tasks = {METRICS[name].task for name in names}
        if len(tasks) > 1:
            raise ValueError(f"{', '.join(names)} mix metrics of classifiers and of regressors")
        return self

    def metrics(self) -> list[str]:
        """Return the metrics that the checks name, each once."""
        rules = [rule.metric for rule in (self.champion, self.fairness) if rule]
        return list(dict.fromkeys([*self.limits, *rules]))

    @property
    def task(self) -> Task:
        """Return whether classifiers or regressors are judged."""
        return METRICS[self.metrics()[0]].task

    @classmethod
    def read(cls, source: "Suite | Mapping[str, Any] | Path | str") -> "Suite":
        """Return a suite from a YAML file, a dictionary, or as it is.

        Raises
        ------
        InvalidSuite
            Naming the key, with the nearest known one.
        """
        if isinstance(source, Suite):
            return source
        if isinstance(source, Mapping):
            return _parse(source, "The suite")
        return _parse(_yaml(Path(source)), str(source))


def _yaml(path: Path) -> Any:
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        folder = path.parent
        near = [item.name for item in folder.iterdir()] if folder.is_dir() else []
        near = [name for name in near if name.endswith((".yaml", ".yml"))]
        hint = suggestion(path.name, near)
        raise InvalidSuite(f"There is no suite {str(path)!r}.", hint) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSuite(f"{path} cannot be read: {error}.") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise InvalidSuite(f"{path} is not YAML: {reason}.") from None


def _parse(data: Any, where: str) -> Suite:
    if not isinstance(data, Mapping):
        raise InvalidSuite(
            f"{where} does not describe a suite: it must be a mapping.",
            "Start with `name:`, `label:` and `limits:`.",
        )
    try:
        return Suite.model_validate(dict(data))
    except ValidationError as error:
        # one clear error: an unknown key explains a missing one, so it goes first
        first = min(error.errors(), key=lambda item: item["type"] != "extra_forbidden")
        raise _clear(first, where) from None


def _clear(error: Any, where: str) -> InvalidSuite:
    path = [str(part) for part in error["loc"]]
    if error["type"] == "extra_forbidden":
        inside = f" in {'.'.join(path[:-1])}" if path[:-1] else ""
        return InvalidSuite(
            f"{where}: unknown key {path[-1]!r}{inside}.", suggestion(path[-1], _keys(path[:-1]))
        )
    place = ".".join(path)
    reason = str(error["msg"]).removeprefix("Value error, ")
    end = "" if reason.endswith(("?", ".")) else "."
    return InvalidSuite(f"{where}: {place + ': ' if place else ''}{reason}{end}")


def _keys(path: list[str]) -> Iterable[str]:
    """Return the keys allowed at a place of the file."""
    parts: dict[str, type[BaseModel]] = {
        "limits": Limit,
        "champion": ChampionRule,
        "fairness": FairnessRule,
    }
    return (parts[path[0]] if path else Suite).model_fields
