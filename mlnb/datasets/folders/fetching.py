"""Get files' bytes out of packs; every file is verified against its hash before it has its name."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from mlnb.core.errors import UnreadableRecord
from mlnb.core.hashing import Hasher, digest_bytes
from mlnb.core.store import ObjectStore
from mlnb.datasets.folders import zstd
from mlnb.datasets.folders.ahead import ahead
from mlnb.datasets.folders.tree import Frame, Row

_RUN = 8 << 20
"""Content of the chunks of a large file that are fetched at a time."""


class Fetched(NamedTuple):
    """A file whose content is wholly there, verified."""

    row: Row
    data: memoryview | bytes


def by_pack(rows: Iterable[Row]) -> list[list[Row]]:
    """Group rows that are in at most one frame by their pack, in order of their places."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row.frames[0].pack if row.frames else ""].append(row)
    for group in groups.values():
        group.sort(key=lambda row: (row.frames[0].start if row.frames else 0, row.offset))
    return list(groups.values())


def fetch(store: ObjectStore, ref: str, rows: Sequence[Row]) -> Iterator[Fetched]:
    """Yield the files of one group of `by_pack`.

    Parameters
    ----------
    store : ObjectStore
        Where the pack is.
    ref : str
        The version, for errors.
    rows : sequence of Row
        The group.

    Raises
    ------
    ObjectMissing, ObjectCorrupt
        Naming pack, version and file.
    UnreadableRecord
        If the pack is as it was stored but the list of files says otherwise.
    """
    todo = list(dict.fromkeys(frame for row in rows for frame in row.frames))
    pieces: dict[Frame, memoryview | bytes] = {}
    if todo:
        ranges = [(frame.start, frame.start + frame.length) for frame in todo]
        found = store.get_ranges(todo[0].pack, ranges, wanted_by=_wanted(ref, rows[0]))
        pieces = dict(zip(todo, found, strict=True))
    opened: Frame | None = None
    content: memoryview | bytes = b""
    for row in rows:
        if row.frames and row.frames[0] is not opened:
            opened = row.frames[0]
            content = _content(store, opened, pieces[opened], ref, row)
        data = _part(content, row)
        if digest_bytes(data) != row.content:
            fresh = _whole(store, opened, ref, row) if opened else b""
            data = _part(fresh, row)
            if digest_bytes(data) != row.content:
                raise _wrong(ref, row)
        yield Fetched(row, data)


def fetch_large(
    store: ObjectStore, ref: str, row: Row, threads: ThreadPoolExecutor
) -> Iterator[memoryview | bytes]:
    """Yield the content of a file that is in several frames, piece by piece.

    The last piece comes only once all of them together have the file's hash.

    Raises
    ------
    ObjectMissing, ObjectCorrupt, UnreadableRecord
        As `fetch` does.
    """
    hasher = Hasher(max_threads=Hasher.AUTO)
    last: memoryview | bytes = b""
    for pieces in ahead(threads, lambda run: _chunks(store, ref, row, run), _runs(row), 2):
        for piece in pieces:
            yield last
            last = piece
            hasher.update(piece)
    if hasher.hexdigest() != row.content:
        raise _wrong(ref, row)
    yield last


def _runs(row: Row) -> Iterator[list[Frame]]:
    """Split a file's frames into runs of one pack each."""
    run: list[Frame] = []
    for frame in row.frames:
        if run and (frame.pack != run[0].pack or sum(item.size for item in run) >= _RUN):
            yield run
            run = []
        run.append(frame)
    if run:
        yield run


def _chunks(store: ObjectStore, ref: str, row: Row, run: list[Frame]) -> list[memoryview | bytes]:
    ranges = [(frame.start, frame.start + frame.length) for frame in run]
    found = store.get_ranges(run[0].pack, ranges, wanted_by=_wanted(ref, row))
    pieces = []
    for frame, stored in zip(run, found, strict=True):
        piece = _content(store, frame, stored, ref, row)
        if digest_bytes(piece) != frame.chunk:
            piece = _whole(store, frame, ref, row)
        pieces.append(piece)
    return pieces


def _content(
    store: ObjectStore, frame: Frame, stored: memoryview | bytes, ref: str, row: Row
) -> memoryview | bytes:
    """Return a frame's content; whether it is the right one is seen by the hash."""
    if frame.length == frame.size:
        return stored
    try:
        return zstd.decompress(stored, size=frame.size)
    except ValueError:
        return _whole(store, frame, ref, row)


def _whole(store: ObjectStore, frame: Frame, ref: str, row: Row) -> memoryview | bytes:
    """Return a frame's content from its pack, read whole: the store verifies it then."""
    pack = store.get(frame.pack, wanted_by=_wanted(ref, row))
    stored = memoryview(pack)[frame.start : frame.start + frame.length]
    if frame.length == frame.size:
        return stored
    try:
        return zstd.decompress(stored, size=frame.size)
    except ValueError:
        raise _wrong(ref, row) from None


def _part(content: memoryview | bytes, row: Row) -> memoryview | bytes:
    if not row.frames:
        return b""
    return memoryview(content)[row.offset : row.offset + row.size]


def _wanted(ref: str, row: Row) -> str:
    return f"{ref}, file {row.path!r}"


def _wrong(ref: str, row: Row) -> UnreadableRecord:
    return UnreadableRecord(
        f"list of files of {ref}", f"{row.path!r} has other content than it says"
    )
