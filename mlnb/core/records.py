"""The records that packages hand to each other, to the stores and to the browser.

Each is a frozen dataclass with ``to_dict``/``from_dict`` (JSON types only). A stored record
carries ``"format": N``. To change a record incompatibly: raise its ``FORMAT``, extend its
``upgrade`` to lift a dictionary of the older format, and add a fixture written by that format to
``tests/core/formats/``. The extension's TypeScript types are generated from these classes.
"""

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from math import isfinite
from typing import Any, ClassVar, Literal, Self

from pydantic import TypeAdapter, ValidationError

from mlnb.core.errors import UnreadableRecord

Status = Literal["PENDING", "RUNNING", "FINISHED", "FAILED", "KILLED", "SKIPPED"]


def now() -> datetime:
    """Return the current time, in UTC, aware."""
    return datetime.now(UTC)


def finite(value: Any) -> Any:
    """Return a JSON value with None for NaN and infinities, which JSON does not have."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    return [finite(item) for item in value] if isinstance(value, list | tuple) else value


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


@dataclass(frozen=True, kw_only=True)
class Record:
    """The base of every record: conversion to and from JSON types, with a format number."""

    FORMAT: ClassVar[int] = 1

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON types, with its format number."""
        return {"format": self.FORMAT, **_adapter(type(self)).dump_python(self, mode="json")}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Read a record of this or an older format.

        Raises
        ------
        UnreadableRecord
            If the dictionary is damaged, or of a newer format.
        """
        if not isinstance(data, dict):
            raise UnreadableRecord(cls.__name__, "it is no JSON object")
        body = dict(data)
        number = body.pop("format", None)
        if not isinstance(number, int) or number > cls.FORMAT or number < 1:
            raise UnreadableRecord(
                cls.__name__, f"it has format {number!r}, this mlnb reads up to {cls.FORMAT}"
            )
        if number < cls.FORMAT:
            body = cls.upgrade(body, number)
        known = {item.name for item in fields(cls)}
        try:
            record: Self = _adapter(cls).validate_python(
                {key: value for key, value in body.items() if key in known}
            )
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise UnreadableRecord(cls.__name__, f"{place}: {first['msg']}") from None
        return record

    @classmethod
    def upgrade(cls, data: dict[str, Any], number: int) -> dict[str, Any]:
        """Lift a dictionary of the older format ``number`` to the present one."""
        raise UnreadableRecord(cls.__name__, f"no reader for format {number}")

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema of the serialised record."""
        return _adapter(cls).json_schema(mode="serialization")


@dataclass(frozen=True, kw_only=True)
class Column(Record):
    """One column of a table or of a model's input: its name and Arrow type."""

    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class DatasetVersion(Record):
    """One immutable version of a dataset."""

    name: str
    number: int
    digest: str
    columns: list[Column]
    rows: int
    bytes: int
    """Size at rest."""
    parent: int | None
    message: str
    author: str
    created: datetime
    run: str | None = None
    """MLflow run that saved it."""
    kind: Literal["table", "files", "link"] = "table"
    """What was saved; ``rows`` counts the files of a folder."""
    tags: list[str] = field(default_factory=list)
    """Tags that point here now; filled in on reading, not stored."""
    unchanged: bool = field(default=False, compare=False)
    """Whether a save found exactly this content here and made no new version; not stored."""

    @property
    def ref(self) -> str:
        """Return ``name@number``."""
        return f"{self.name}@{self.number}"


@dataclass(frozen=True, kw_only=True)
class RunRecord(Record):
    """One tracked run, as read back from MLflow."""

    id: str
    name: str
    experiment: str
    status: Status
    started: datetime
    ended: datetime | None
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    """The user's own tags, without ``mlflow.`` and ``mlnb.`` ones."""
    inputs: list[str] = field(default_factory=list)
    """Dataset versions read, ``name@number``."""
    outputs: list[str] = field(default_factory=list)
    """Dataset and model versions written, ``name@number``."""
    error: str = ""
    notebook: str = ""
    """Path relative to the project, or ``""`` when unknown."""
    git_commit: str = ""
    git_dirty: bool = False
    author: str = ""
    artifacts: list[str] = field(default_factory=list)
    waiting: bool = False
    """Whether some of it is still in this machine's journal, for the store does not have it yet."""


@dataclass(frozen=True, kw_only=True)
class StepResult(Record):
    """What became of one pipeline step (one cell of its matrix)."""

    name: str
    notebook: str
    status: Status
    parameters: dict[str, Any] = field(default_factory=dict)
    """As injected."""
    values: dict[str, Any] = field(default_factory=dict)
    """What the notebook glued."""
    started: datetime | None = None
    ended: datetime | None = None
    cells: int = 0
    cells_done: int = 0
    failed_cell: int | None = None
    """One-based position in the source notebook."""
    error: str = ""
    output: str = ""
    """Executed notebook, relative to the project."""
    output_digest: str = ""
    runs: list[str] = field(default_factory=list)
    """MLflow runs opened in it."""
    attempts: int = 1
    """How often it was tried; more than once only with ``retries`` or in a resumed run."""
    key: str = ""
    """Digest of all that the result depends on; ``""`` when the step is not cached."""
    cached_from: str = ""
    """The pipeline run in which it was executed, when its stored result was used."""
    why: str = ""
    """Why it ran, or why it did not have to."""
    inputs: dict[str, str] = field(default_factory=dict)
    """Declared inputs as they were before it ran: ``dataset:flights`` → ``flights@3``, a file →
    its digest."""
    outputs: dict[str, str] = field(default_factory=dict)
    """Declared outputs as it left them."""
    cause: Literal["", "failed", "timeout", "memory"] = ""
    """What kind of failure a FAILED step's is."""


@dataclass(frozen=True, kw_only=True)
class PipelineRun(Record):
    """One run of a pipeline."""

    id: str
    pipeline: str
    status: Status
    parameters: dict[str, Any] = field(default_factory=dict)
    started: datetime
    ended: datetime | None = None
    steps: list[StepResult] = field(default_factory=list)
    error: str = ""
    report: str = ""
    """HTML report, relative to the project."""


@dataclass(frozen=True, kw_only=True)
class Check(Record):
    """One check of a validation suite and its verdict."""

    name: str
    kind: Literal["limit", "champion", "fairness"]
    metric: str
    value: float | None
    low: float | None = None
    """Lower bound of the confidence interval."""
    high: float | None = None
    limit: float | None = None
    passed: bool = False
    skipped: bool = False
    detail: str = ""
    """Why, in words."""


@dataclass(frozen=True, kw_only=True)
class SuiteResult(Record):
    """The verdict of a validation suite on one model version."""

    id: str
    suite: str
    model: str
    """``name@number``, or the run's model URI before registration."""
    champion: str | None
    data: str
    """Dataset version, ``name@number``, or ``""`` for a frame that is no version."""
    rows: int
    checks: list[Check]
    passed: bool
    created: datetime
    confidence: float = 0.95
    metrics: dict[str, float] = field(default_factory=dict)
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Lower and upper bound of each metric at `confidence`."""
    task: Literal["classification", "regression", ""] = ""
    label: str = ""
    positive: bool | int | float | str | None = None
    """The positive class; None for a regressor."""


@dataclass(frozen=True, kw_only=True)
class ModelVersion(Record):
    """One version of a registered model."""

    name: str
    number: int
    digest: str
    """Content hash of the model's files; checked before anything is loaded."""
    aliases: list[str] = field(default_factory=list)
    run: str | None = None
    created: datetime
    author: str = ""
    description: str = ""
    flavor: str = ""
    inputs: list[Column] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    """Dataset versions it was trained on."""
    gate: Literal["passed", "refused", "none"] = "none"

    @property
    def ref(self) -> str:
        """Return ``name@number``."""
        return f"{self.name}@{self.number}"


@dataclass(frozen=True, kw_only=True)
class AliasChange(Record):
    """One entry of an alias's history: promotion or rollback."""

    model: str
    alias: str
    number: int
    previous: int | None
    action: Literal["promote", "rollback"]
    reason: str
    author: str
    created: datetime


@dataclass(frozen=True, kw_only=True)
class Release(Record):
    """One deployment revision of an endpoint."""

    endpoint: str
    number: int
    model: str
    """``name@number``."""
    model_digest: str
    action: Literal["deploy", "canary", "shadow", "shift", "promote", "rollback"]
    reason: str
    author: str
    created: datetime
    restores: int | None = None
    """The earlier release that a rollback brings back."""
    about: int | None = None
    """The release that is shifted, promoted or taken back; else this entry is itself one."""
    share: float | None = None
    """Of a canary, from now on."""
    sticky_by: str = ""
    rules: list[str] = field(default_factory=list)
    """What a canary has to keep."""
    promote_after: float | None = None
    """Seconds after which a canary that kept its rules is promoted."""
    rule: str = ""
    """The rule that decided this, where no human did."""
    package: str = ""
    """Key of what it consists of: signature, packages, data, run (`serving.package.recorded`)."""

    @property
    def ref(self) -> str:
        """Return ``endpoint@number``."""
        return f"{self.endpoint}@{self.number}"


@dataclass(frozen=True, kw_only=True)
class EndpointPart(Record):
    """One of the releases that an endpoint serves at the same time."""

    release: int
    model: str
    role: Literal["current", "canary", "shadow"]
    share: float | None = None
    """Of a canary: its share of the requests."""
    sticky_by: str = ""
    rules: list[str] = field(default_factory=list)
    workers: int = 0
    crashes: int = 0
    """Of its workers, in a row."""


@dataclass(frozen=True, kw_only=True)
class EndpointStatus(Record):
    """What an endpoint is doing now."""

    name: str
    status: Literal["running", "starting", "stopped", "failed"]
    url: str = ""
    release: int | None = None
    model: str = ""
    pid: int | None = None
    since: datetime | None = None
    requests: int = 0
    errors: int = 0
    detail: str = ""
    parts: list[EndpointPart] = field(default_factory=list)
    """The releases that serve: the current one, a canary, a shadow."""


@dataclass(frozen=True, kw_only=True)
class FeatureDrift(Record):
    """How far one feature has moved from the training data."""

    feature: str
    kind: Literal["numeric", "categorical"]
    psi: float
    test: Literal["ks", "chi2"]
    statistic: float
    p_value: float
    p_adjusted: float
    """After correction for the number of features."""
    drifted: bool


@dataclass(frozen=True, kw_only=True)
class DriftReport(Record):
    """Served data of one period against the training data."""

    endpoint: str
    model: str
    period: str
    rows: int
    reference: str
    """Dataset version compared with."""
    features: list[FeatureDrift]
    drifted: bool
    predictions: FeatureDrift | None = None
    labelled: int = 0
    """Rows whose true outcome is known."""
    performance: dict[str, float] = field(default_factory=dict)
    """Realised metrics on the labelled rows."""
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Lower and upper bound of each realised metric."""
    baseline: dict[str, float] = field(default_factory=dict)
    """The same metrics at validation."""
    notes: list[str] = field(default_factory=list)
    """What could not be compared, and why."""


@dataclass(frozen=True, kw_only=True)
class Alert(Record):
    """Something a monitor found that somebody should act on."""

    endpoint: str
    kind: Literal["drift", "performance", "latency", "errors"]
    period: str
    message: str
    created: datetime
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True, kw_only=True)
class MonitorReport(Record):
    """Drift and realised performance of an endpoint, period by period."""

    endpoint: str
    model: str
    reference: str
    created: datetime
    periods: list[DriftReport]
    alerts: list[Alert] = field(default_factory=list)

    @property
    def flagged(self) -> list[str]:
        """Return the periods that drifted."""
        return [period.period for period in self.periods if period.drifted]
