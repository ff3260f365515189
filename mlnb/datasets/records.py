"""The records that only datasets use: stored entries, tags, profiles, differences."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, ClassVar

from mlnb.core.records import Column, DatasetVersion, Record

Scalar = int | float | str | bool | None


@dataclass(frozen=True, kw_only=True)
class StoredVersion(DatasetVersion):
    """An entry of the log ``datasets/<name>/versions``: a version and where its data is."""

    FORMAT: ClassVar[int] = 2

    manifest: str = ""
    """Object: what the version is made of (see `mlnb.datasets.manifests`); empty in format 1."""
    profile: str = ""
    """Object: the version's `StoredProfile`; empty for what has none."""
    source: dict[str, str] = field(default_factory=dict)
    """Of what was linked: ``type``, ``location`` and what pins it, or the ``statement``."""
    table: str = ""
    """Only in format 1: object with the values, as one Parquet file."""
    layout: str = ""
    """Only in format 1: object with the Arrow schema, categories and pandas layout."""

    @classmethod
    def upgrade(cls, data: dict[str, Any], number: int) -> dict[str, Any]:
        """Format 1 had the table's two objects in the entry itself."""
        return data

    def public(self, tags: list[str]) -> DatasetVersion:
        """Return the version alone, with the tags that point at it now."""
        body = {item.name: getattr(self, item.name) for item in fields(DatasetVersion)}
        return DatasetVersion(**{**body, "tags": tags})


@dataclass(frozen=True, kw_only=True)
class TagChange(Record):
    """An entry of the log ``datasets/<name>/tags``."""

    FORMAT: ClassVar[int] = 2

    tag: str
    number: int | None
    """The version it points at from now on; None when the tag was removed."""
    previous: int | None = None
    """The version it pointed at before."""
    author: str
    created: datetime
    tags: dict[str, int] | None = None
    """All tags after this change, so that reading them reads one entry; None in format 1."""

    @classmethod
    def upgrade(cls, data: dict[str, Any], number: int) -> dict[str, Any]:
        """Format 1 had neither ``previous`` nor ``tags``."""
        return data


@dataclass(frozen=True, kw_only=True)
class TagHistory(Record):
    """The tags of a dataset: where they point, and who moved what when."""

    name: str
    tags: dict[str, int]
    changes: list[TagChange]
    """Newest first, without the tags as they were after each."""


@dataclass(frozen=True, kw_only=True)
class Removal(Record):
    """An entry of the log ``datasets/<name>/removed``: versions that are no more."""

    numbers: list[int]
    """The versions that were removed; their numbers are never used again."""
    message: str
    author: str
    created: datetime
    removed: list[int] = field(default_factory=list)
    """All versions removed up to and with this one, so that reading them reads one entry."""


@dataclass(frozen=True, kw_only=True)
class RemovedVersion(Record):
    """A version that was removed: what is still known of it."""

    name: str
    number: int
    message: str
    """Why it was removed."""
    author: str
    """Who removed it."""
    created: datetime
    """When it was removed."""
    version: DatasetVersion | None = None
    """What it was; None when its entry cannot be read."""


@dataclass(frozen=True, kw_only=True)
class DamagedVersion(Record):
    """An entry of a log of versions that cannot be read."""

    name: str
    number: int
    problem: str


@dataclass(frozen=True, kw_only=True)
class TopValue(Record):
    """A frequent value and how often it occurs."""

    value: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Histogram(Record):
    """Counts between equally spaced edges; the last bin includes its right edge."""

    edges: list[float]
    """One more than counts; for times, seconds since 1970 (UTC)."""
    counts: list[int]


@dataclass(frozen=True, kw_only=True)
class ColumnProfile(Record):
    """What one column holds."""

    name: str
    type: str
    """Arrow type."""
    nulls: int
    distinct: int | None = None
    """Different values, nulls apart; None where values cannot be compared (lists, structs)."""
    estimated: bool = False
    """Whether ``distinct`` is an estimate from some of the rows."""
    minimum: Scalar = None
    maximum: Scalar = None
    mean: float | None = None
    deviation: float | None = None
    """Standard deviation of the population."""
    quantiles: dict[str, Scalar] = field(default_factory=dict)
    """Keys ``0.05``, ``0.25``, ``0.5``, ``0.75``, ``0.95``; values that occur in the data."""
    top: list[TopValue] = field(default_factory=list)
    histogram: Histogram | None = None


@dataclass(frozen=True, kw_only=True)
class StoredProfile(Record):
    """A profile as it is stored: it depends on the content alone."""

    columns: list[ColumnProfile]
    sampled: int | None = None


@dataclass(frozen=True, kw_only=True)
class DatasetProfile(Record):
    """A version and what each of its columns holds, computed once when it was saved."""

    version: DatasetVersion
    columns: list[ColumnProfile]
    sampled: int | None = None
    """Rows that quantiles, top values and histograms were computed on, when there were too many
    to use all; nulls, extremes, mean and deviation are always exact."""
    source: dict[str, str] = field(default_factory=dict)
    """Of what was linked: ``type``, ``location`` and what pins it, or the ``statement``."""


@dataclass(frozen=True, kw_only=True)
class ColumnChange(Record):
    """A column whose type differs between two versions."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class DatasetDiff(Record):
    """What changed from one version to another."""

    before: DatasetVersion
    after: DatasetVersion
    identical: bool
    """Same content: same schema, same values, same order."""
    columns_added: list[Column] = field(default_factory=list)
    columns_removed: list[Column] = field(default_factory=list)
    columns_changed: list[ColumnChange] = field(default_factory=list)
    compared: list[str] = field(default_factory=list)
    """Columns that rows were compared by: those of both versions with one type."""
    rows_added: int = 0
    """Rows of ``after`` that ``before`` lacks, counted as often as they occur."""
    rows_removed: int = 0
    rows_kept: int = 0
