"""The records that say what a version of a folder holds, what changed, what a checkout did."""

from dataclasses import dataclass, field

from mlnb.core.records import DatasetVersion, Record


@dataclass(frozen=True, kw_only=True)
class FileFacts(Record):
    """One file."""

    path: str
    """Relative to the folder, with forward slashes."""
    size: int
    """Bytes."""


@dataclass(frozen=True, kw_only=True)
class FileType(Record):
    """The files with one suffix."""

    suffix: str
    """In lower case, with its dot; empty for files without one."""
    files: int
    size: int
    """Bytes, all together."""


@dataclass(frozen=True, kw_only=True)
class FolderSummary(Record):
    """A version of a folder and what is in it."""

    version: DatasetVersion
    files: int
    links: int
    folders: int
    """Folders with something in them, and empty ones."""
    size: int
    """Bytes of all files."""
    types: list[FileType] = field(default_factory=list)
    """The largest first."""
    largest: list[FileFacts] = field(default_factory=list)
    """Some of the largest files."""


@dataclass(frozen=True, kw_only=True)
class FileChange(Record):
    """A file, link or empty folder that one version has otherwise than another, or not at all."""

    path: str
    size_before: int | None = None
    """Bytes; None where there was no file."""
    size_after: int | None = None
    was: str = ""
    """Its path before, if it was renamed."""
    note: str = ""
    """What changed beside the content: ``now executable``, ``now a link to …``."""


@dataclass(frozen=True, kw_only=True)
class FolderDiff(Record):
    """What changed from one version of a folder to another."""

    before: DatasetVersion
    after: DatasetVersion
    identical: bool
    added: list[FileChange] = field(default_factory=list)
    removed: list[FileChange] = field(default_factory=list)
    changed: list[FileChange] = field(default_factory=list)
    renamed: list[FileChange] = field(default_factory=list)
    """Same content, other path."""
    kept: int = 0
    """Files and links that are the same in both."""
    bytes_added: int = 0
    """Size of what is new: files added, and changed files as they are now."""
    bytes_removed: int = 0


@dataclass(frozen=True, kw_only=True)
class Checkout(Record):
    """What a checkout did to a folder."""

    version: DatasetVersion
    folder: str
    """Relative to the project, with forward slashes."""
    written: int
    """Files and links."""
    removed: int
    same: int
    """Files and links that were there already."""
    left: int
    """Files and links that the version lacks and that were left alone."""
    bytes: int
    """Size of the files that were written."""
