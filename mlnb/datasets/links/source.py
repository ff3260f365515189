"""What every kind of linked source offers."""

from collections.abc import Sequence
from typing import Any, Protocol

from mlnb.core.errors import BrokenLink
from mlnb.datasets.links.manifest import LinkManifest


class Source(Protocol):
    """The pinned state of an external table, verified as far as that needs no reading of it all.

    Made from a manifest; raises `BrokenLink` when what was pinned is not there as it was. Owns
    nothing on disk and never writes to the source. Not safe to share between threads.
    """

    @property
    def schema(self) -> Any:
        """Return the Arrow schema."""

    @property
    def rows(self) -> int:
        """Return the number of rows, without reading them where the format knows it."""

    @property
    def bytes(self) -> int:
        """Return the size of the pinned data, at rest."""

    def read(self, columns: Sequence[str] | None = None) -> Any:
        """Return an Arrow table of these columns, in this order."""

    def dataset(self) -> Any:
        """Return a ``pyarrow.dataset.Dataset``: lazy where the format allows it."""

    def polars(self) -> Any:
        """Return a ``polars.LazyFrame``."""


def broken(wanted_by: str, manifest: LinkManifest, reason: str, fix: str = "") -> BrokenLink:
    """Return the error of a link whose source is not as it was pinned."""
    return BrokenLink(wanted_by, manifest.title, reason, fix)


def first_line(error: BaseException) -> str:
    """Return what a library's error says, without its traces."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__).rstrip(".")
