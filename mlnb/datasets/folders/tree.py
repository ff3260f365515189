"""A version of a folder in memory: its rows, and the frames they are in; read and stored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from mlnb.core.errors import UnreadableRecord
from mlnb.core.hashing import Hasher
from mlnb.core.store import ObjectStore
from mlnb.datasets import manifests
from mlnb.datasets.folders.manifest import FolderListing, FolderManifest, put_listing, read_listing
from mlnb.datasets.folders.paths import check_paths
from mlnb.datasets.folders.pausing import uncollected
from mlnb.datasets.records import StoredVersion

FRAME_LIMIT = 16 << 20
"""Largest content of a frame, in bytes; a reader never makes room for more."""
_DELTA_SHARE = 8
"""A version whose differences are more than this part of the base gets a base of its own."""
_SMALL = 200
"""A listing of so few paths is always written whole."""


class Frame:
    """A piece of a pack. While the pack is still being filled, ``pack`` is empty."""

    __slots__ = ("chunk", "length", "pack", "pack_size", "size", "start")

    def __init__(self, start: int = 0, length: int = 0, size: int = 0, chunk: str = "") -> None:
        self.pack = ""
        self.pack_size = 0
        self.start = start
        self.length = length
        self.size = size
        self.chunk = chunk
        """Hash of the content, if it is a chunk of a large file."""


class Row(NamedTuple):
    """One file, link or empty folder of a version."""

    path: str
    kind: str
    """``f`` file, ``x`` executable file, ``l`` link, ``d`` empty folder."""
    size: int
    content: str
    """A file's hash; where a link leads to."""
    frames: tuple[Frame, ...] = ()
    offset: int = 0

    @property
    def is_file(self) -> bool:
        """Tell whether it has bytes."""
        return self.kind in "fx"


@dataclass(frozen=True)
class Base:
    """A base listing as it is stored."""

    place: tuple[str, int]
    rows: dict[str, Row]
    frames: list[Frame]


@dataclass(frozen=True)
class Tree:
    """All rows of a version, by path in order."""

    rows: dict[str, Row]
    frames: list[Frame]
    """Those that the rows are in, and all others that the base knows."""
    base: Base | None = None
    """What it is stored as a difference to, or as."""


def digest_rows(rows: Iterable[tuple[str, str, str]]) -> str:
    """Return the digest of paths, kinds and contents, given in order of the paths."""
    text = "\0".join([f"{kind}\0{content}\0{path}" for path, kind, content in rows])
    return str(Hasher(b"mlnb files 1\0").update(text.encode()).hexdigest())


@uncollected
def read(store: ObjectStore, version: StoredVersion) -> Tree:
    """Return the rows of a stored version.

    Raises
    ------
    ObjectMissing, ObjectCorrupt, UnreadableRecord
        If they are not as they were stored.
    """
    manifest: FolderManifest = manifests.read(store, version)
    rows: dict[str, Row] = {}
    base: Base | None = None
    frames: list[Frame] = []
    try:
        for place in manifest.listings:
            listing = read_listing(store, place[0], version.ref)
            frames += _frames(listing)
            for path in listing.removed:
                del rows[path]
            rows.update(_rows(listing, frames))
            if base is None:
                base = Base(place, dict(rows), list(frames))
        rows = {path: rows[path] for path in sorted(rows)}
    except (ValueError, KeyError, IndexError) as error:
        raise UnreadableRecord(f"list of files of {version.ref}", str(error)) from None
    return Tree(rows, frames, base)


def check(rows: dict[str, Row], ref: str) -> None:
    """Raise if a version, maybe of a stranger, would lead out of the folder it is put in.

    Raises
    ------
    UnreadableRecord
        Naming the version and the path.
    """
    try:
        check_paths(rows, {row.path: row.content for row in rows.values() if row.kind == "l"})
    except ValueError as error:
        raise UnreadableRecord(f"list of files of {ref}", str(error)) from None


def write(store: ObjectStore, rows: dict[str, Row], base: Base | None) -> FolderManifest:
    """Store the listing of rows, as differences to a base where that is little.

    Parameters
    ----------
    store : ObjectStore
        Where the packs of all rows are already.
    rows : dict
        By path in order.
    base : Base, optional
        The parent's, if all its packs are there.
    """
    listings = []
    if base is not None and len(rows) > _SMALL:
        changed = [row for row in rows.values() if base.rows.get(row.path) is not row]
        removed = [path for path in base.rows if path not in rows]
        if (len(changed) + len(removed)) * _DELTA_SHARE <= len(base.rows):
            listings.append(base.place)
            if changed or removed:
                delta = _listing(changed, base.frames, removed)
                listings.append(put_listing(store, delta))
    if not listings:
        listings.append(put_listing(store, _listing(list(rows.values()), [], [])))
    packs = {frame.pack: frame.pack_size for frame in used_frames(rows.values())}
    folders = sum(row.kind == "d" for row in rows.values())
    return FolderManifest(
        files=len(rows) - folders,
        folders=folders,
        bytes=sum(row.size for row in rows.values()),
        listings=listings,
        packs=sorted(packs.items()),
    )


def used_frames(rows: Iterable[Row]) -> set[Frame]:
    """Return the frames that rows are in."""
    return {frame for row in rows for frame in row.frames}


def stored_size(rows: Iterable[Row]) -> int:
    """Return the bytes that the frames of rows take, each counted once."""
    return sum(frame.length for frame in used_frames(rows))


def _listing(rows: list[Row], known: list[Frame], removed: list[str]) -> FolderListing:
    files = [row for row in rows if row.is_file]
    numbers = {frame: number for number, frame in enumerate(known)}
    used = dict.fromkeys(frame for row in files for frame in row.frames)
    new = [frame for frame in used if frame not in numbers]
    new.sort(key=lambda frame: bool(frame.chunk))  # chunks last; sorting keeps the order else
    numbers.update({frame: number for number, frame in enumerate(new, len(known))})
    packs = {frame.pack: frame.pack_size for frame in new}
    pack_numbers = {pack: number for number, pack in enumerate(packs)}
    return FolderListing(
        paths=[row.path for row in rows],
        kinds="".join(row.kind for row in rows),
        sizes=[row.size for row in files],
        contents="".join(row.content for row in files),
        targets=[row.content for row in rows if row.kind == "l"],
        parts=[len(row.frames) for row in files],
        frames=[numbers[frame] for row in files for frame in row.frames],
        offsets=[row.offset for row in files],
        removed=removed,
        packs=list(packs.items()),
        frame_packs=[pack_numbers[frame.pack] for frame in new],
        starts=[frame.start for frame in new],
        lengths=[frame.length for frame in new],
        frame_sizes=[frame.size for frame in new],
        chunks="".join(frame.chunk for frame in new),
    )


def _frames(listing: FolderListing) -> list[Frame]:
    count = len(listing.frame_packs)
    first = count - len(listing.chunks) // 64
    columns = zip(
        listing.frame_packs, listing.starts, listing.lengths, listing.frame_sizes, strict=True
    )
    frames = []
    for number, (pack, start, length, size) in enumerate(columns):
        at = 64 * (number - first)
        frame = Frame(start, length, size, listing.chunks[at : at + 64] if at >= 0 else "")
        frame.pack, frame.pack_size = listing.packs[_counted(pack)]
        if not (start >= 0 and 0 < length <= size <= FRAME_LIMIT):
            raise ValueError(f"frame {number} cannot be")
        if start + length > frame.pack_size:
            raise ValueError(f"frame {number} is outside its pack")
        frames.append(frame)
    return frames


def _rows(listing: FolderListing, frames: list[Frame]) -> Iterator[tuple[str, Row]]:
    files = zip(listing.sizes, listing.parts, listing.offsets, _digests(listing), strict=True)
    if min(listing.sizes, default=0) < 0 or min(listing.offsets, default=0) < 0:
        raise ValueError("a size is below zero")
    found = [frames[number] for number in map(_counted, listing.frames)]
    targets = iter(listing.targets)
    part = 0
    for path, kind in zip(listing.paths, listing.kinds, strict=True):
        if kind in "fx":
            size, count, offset, digest = next(files)
            mine = tuple(found[part : part + count])
            if size + offset > (mine[0].size if count == 1 else sum(item.size for item in mine)):
                raise ValueError(f"{path!r} is longer than what is stored of it")
            yield path, Row(path, kind, size, digest, mine, offset)
            part += count
        elif kind == "l":
            yield path, Row(path, kind, 0, next(targets))
        elif kind == "d":
            yield path, Row(path, kind, 0, "")
        else:
            raise ValueError(f"{path!r} is of the unknown kind {kind!r}")


def _digests(listing: FolderListing) -> list[str]:
    text = listing.contents
    return [text[at : at + 64] for at in range(0, len(text), 64)]


def _counted(number: int) -> int:
    """Return a number that Python would not count from the end."""
    if number < 0:
        raise ValueError(f"{number} is no place in a list")
    return number
