"""What a link pins: which external data, where, and in which state."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from mlnb.core.records import Record

Kind = Literal["delta", "dvc", "iceberg", "parquet"]

_TITLES = {"delta": "Delta table", "dvc": "DVC data", "iceberg": "Iceberg table"}


@dataclass(frozen=True, kw_only=True)
class PinnedFile(Record):
    """One file of a link, and how to tell that it is unchanged."""

    path: str
    """Below the link's location, with forward slashes; ``""`` for the location itself."""
    size: int
    hash: str
    """BLAKE3 of its bytes."""


@dataclass(frozen=True, kw_only=True)
class LinkManifest(Record):
    """What a version of kind ``link`` is made of: a reference to data elsewhere.

    It owns no objects. The data stays where it is; `pin` says which state of it is meant.
    """

    FORMAT: ClassVar[int] = 1

    type: Kind
    location: str
    """Path relative to the project (``../lake/flights`` outside it), or URL without secrets."""
    pin: dict[str, str] = field(default_factory=dict)
    """Delta: ``version``, ``table`` (its id), ``files`` (digest of the list of its files).
    Iceberg: ``snapshot``, ``table`` (its UUID). DVC: ``path`` in the repository, ``md5``,
    ``revision`` (a commit; empty for what was never committed)."""
    files: list[PinnedFile] = field(default_factory=list)
    """Parquet: every file."""

    @property
    def objects(self) -> dict[str, int]:
        """Return the objects in the store: none, the data is elsewhere."""
        return {}

    @property
    def title(self) -> str:
        """Return what is pinned, for people: ``Delta table lake/flights at version 3``."""
        state = {
            "delta": f" at version {self.pin.get('version')}",
            "dvc": f" {self.pin.get('path')} at {self.pin.get('revision', '')[:10] or 'no commit'}",
            "iceberg": f" at snapshot {self.pin.get('snapshot')}",
            "parquet": "",
        }[self.type]
        if self.type == "parquet":
            count = len(self.files)
            name = f"{count:,} Parquet files in" if count != 1 else "Parquet file"
        else:
            name = _TITLES[self.type]
        joint = ":" if self.type == "dvc" else ""
        return f"{name} {self.location}{joint}{state}"

    @property
    def source(self) -> dict[str, str]:
        """Return what a version's entry says about where it comes from."""
        extra = {"files": f"{len(self.files):,}"} if self.files else {}
        return {"type": self.type, "location": self.location, **self.pin, **extra}

    def identity(self) -> dict[str, Any]:
        """Return what makes two links the same version."""
        body = self.to_dict()
        body["files"] = [[item["path"], item["size"], item["hash"]] for item in body["files"]]
        return body
