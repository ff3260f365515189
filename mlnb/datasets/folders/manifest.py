"""How a version of a folder is stored: a manifest, one or two listings, and packs.

A *pack* is an object of some megabytes: frames one after the other. A *frame* is either several
small files joined, or one chunk of a large file; it is a zstd frame if it takes fewer bytes than
its content, else the content itself. A *listing* is an object, zstd of JSON, that names every file
and the frames it is in. A version that changes little has two: the base, which it shares with
earlier versions, and what differs from it.
"""

import json
from dataclasses import dataclass, field

from mlnb.core.errors import StoreError, UnreadableRecord
from mlnb.core.records import Record
from mlnb.core.store import ObjectStore
from mlnb.datasets.folders import zstd

LISTING_LIMIT = 1 << 30
"""Largest listing that is unpacked, in bytes; some ten million files."""


@dataclass(frozen=True, kw_only=True)
class FolderManifest(Record):
    """What a version of a folder is made of."""

    files: int
    """Files and links."""
    folders: int
    """Empty folders; the others follow from the files in them."""
    bytes: int
    """Size of all files as they are in a folder."""
    listings: list[tuple[str, int]]
    """Objects and their sizes: the base listing, and the one of what differs from it, if any."""
    packs: list[tuple[str, int]] = field(default_factory=list)
    """Objects and their sizes: every pack that holds something of this version."""

    @property
    def objects(self) -> dict[str, int]:
        """Return the version's objects: digest → size in bytes."""
        return dict(self.listings) | dict(self.packs)


@dataclass(frozen=True, kw_only=True)
class FolderListing(Record):
    """Files and where their bytes are, column by column; rows are sorted by path.

    A listing of differences counts on with the frames of its base: its own first frame has the
    number after the base's last.
    """

    paths: list[str]
    """Relative, with forward slashes."""
    kinds: str
    """Per path: ``f`` file, ``x`` executable file, ``l`` link, ``d`` empty folder."""
    sizes: list[int]
    """Per file."""
    contents: str
    """Per file its BLAKE3 hash, 64 digits each."""
    targets: list[str]
    """Per link."""
    parts: list[int]
    """Per file: in how many frames it is. An empty file is in none."""
    frames: list[int]
    """Those frames' numbers, file by file."""
    offsets: list[int]
    """Per file: where in its first frame it begins; more than 0 only with one frame."""
    removed: list[str] = field(default_factory=list)
    """Paths of the base that this version lacks."""
    packs: list[tuple[str, int]] = field(default_factory=list)
    """Objects and their sizes."""
    frame_packs: list[int] = field(default_factory=list)
    """Per frame: the pack, counted in this listing."""
    starts: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    frame_sizes: list[int] = field(default_factory=list)
    """Per frame: bytes of content; more than its length if it is compressed."""
    chunks: str = ""
    """The hashes of the last frames, 64 digits each: those that are chunks of large files."""


def put_listing(store: ObjectStore, listing: FolderListing) -> tuple[str, int]:
    """Store a listing and return its object and size."""
    text = json.dumps(listing.to_dict(), ensure_ascii=False, separators=(",", ":"))
    data = zstd.compress(text.encode(), level=6)
    return store.put(data), len(data)


def read_listing(store: ObjectStore, digest: str, wanted_by: str) -> FolderListing:
    """Return a stored listing.

    Raises
    ------
    ObjectMissing, ObjectCorrupt, UnreadableRecord
        If it is not as it was stored.
    """
    data = store.get(digest, wanted_by=wanted_by)
    try:
        return FolderListing.from_dict(json.loads(zstd.decompress(data, limit=LISTING_LIMIT)))
    except StoreError:
        raise
    except ValueError as error:
        raise UnreadableRecord(f"list of files of {wanted_by}", str(error)) from None
