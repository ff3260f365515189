"""The records that only datasets use: stored entries, tags, profiles, differences."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, ClassVar, Literal

from mlnb.core.records import DatasetVersion, Record

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
class VersionPage(Record):
    """Some versions of a dataset."""

    name: str
    versions: list[DatasetVersion]
    """Newest first."""
    damaged: list[DamagedVersion]
    total: int
    """How many there are in all, without those that were removed."""
    more: bool
    """Whether there are older ones than these."""


@dataclass(frozen=True, kw_only=True)
class GarbageCollection(Record):
    """What a collection of garbage removed from the store, or would remove."""

    dry_run: bool
    older_than: float
    """Seconds that what was removed had not been written or named for."""
    removed_objects: int
    removed_bytes: int
    waiting_objects: int
    """Objects that nothing names, but that are too young."""
    waiting_bytes: int
    kept_objects: int
    kept_bytes: int


@dataclass(frozen=True, kw_only=True)
class DamagedObject(Record):
    """An object that is missing from the store, or whose bytes are not those that were stored."""

    digest: str
    problem: Literal["missing", "corrupt"]
    versions: list[str]
    """All versions that need it, ``name@number``."""


@dataclass(frozen=True, kw_only=True)
class VerifyReport(Record):
    """Whether everything that versions need is in the store as it was stored."""

    versions: int
    objects: int
    bytes: int
    """Bytes that were read and hashed."""
    damaged: list[DamagedObject] = field(default_factory=list)
    unreadable: list[DamagedVersion] = field(default_factory=list)
    """Versions of which not even the entry or the manifest can be read."""

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.damaged or self.unreadable)


@dataclass(frozen=True, kw_only=True)
class Expectations(Record):
    """What a dataset is expected to hold: a pandera schema in a file of the project."""

    name: str
    file: str
    """Relative to the project."""
    text: str


@dataclass(frozen=True, kw_only=True)
class CheckFailure(Record):
    """A check of a schema that data fails."""

    column: str
    """Empty for a check of the whole table."""
    check: str
    """As pandera names it: ``isin(['a', 'b'])``, ``not_nullable``, ``dtype(int64)``."""
    count: int
    """Rows that fail; 0 where it is not about rows."""
    examples: list[str]
    """A few of the values that fail."""
    rows: list[int] = field(default_factory=list)
    """Their zero-based rows."""


@dataclass(frozen=True, kw_only=True)
class CheckReport(Record):
    """What became of the checks of a schema on data."""

    subject: str
    """The version, ``name@number``, or the dataset that data was to be saved to."""
    file: str
    rows: int
    checks: int
    """Checks that were made."""
    passed: bool
    failures: list[CheckFailure]
    seconds: float = 0.0


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
