"""Store what is new of files: small ones joined, large ones cut where their content says, in packs.

Cutting by content (FastCDC) makes an insertion change the chunk it is in and no other.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from pyfastcdc import FastCDC

from mlnb.core.errors import ObjectCorrupt, ObjectMissing, UnreadableRecord
from mlnb.core.hashing import digest_bytes
from mlnb.core.store import ObjectStore
from mlnb.datasets.folders import reading, tree, zstd
from mlnb.datasets.folders.ahead import ahead, pool
from mlnb.datasets.folders.scanning import Found
from mlnb.datasets.folders.tree import Base, Frame, Row
from mlnb.datasets.records import StoredVersion

SMALL = 64 << 10
"""Files below this size are stored whole, several to a frame."""
FRAME = 256 << 10
"""Content of such a frame: compresses well, and one file alone is soon read from it."""
CHUNK = 512 << 10
"""Average chunk of a large file."""
PACK = 16 << 20
"""A pack is closed once it is as large."""
_MOST = 256
"""Files that one thread reads at a time."""
_SAMPLE = 4 << 10
_WORTH = 0.97
"""A frame is compressed if that leaves less than this part of it."""
_WINDOW = 12
"""Frames under way at once: with chunks of at most four times the average, 24 MB."""


class Place(NamedTuple):
    """Where a file's content is."""

    frames: tuple[Frame, ...]
    offset: int = 0


@dataclass
class Contents:
    """Contents that are stored already; those that are stored by and by are added."""

    files: dict[str, Row | Place] = field(default_factory=dict)
    """By hash: a file that has it, or where it is."""
    chunks: dict[str, Frame] = field(default_factory=dict)


def known_contents(
    store: ObjectStore, parent: StoredVersion | None
) -> tuple[Contents, Base | None]:
    """Return what is stored already, as far as the parent names it, and the parent's base listing.

    Contents of a version before the parent are among them while the base names them. What is in
    a pack that is gone is not; then, or when the parent cannot be read, there is no base.
    """
    contents = Contents()
    if parent is None or parent.kind != "files":
        return contents, None
    try:
        before = tree.read(store, parent)
    except (ObjectMissing, ObjectCorrupt, UnreadableRecord):
        return contents, None
    packs = {frame.pack: frame.pack_size for frame in before.frames}
    gone = packs.keys() - store.keep(packs)
    for rows in (before.base.rows if before.base else {}, before.rows):
        contents.files.update(
            {
                row.content: row
                for row in rows.values()
                if row.is_file and not (gone and any(frame.pack in gone for frame in row.frames))
            }
        )
    contents.chunks.update(
        {frame.chunk: frame for frame in before.frames if frame.chunk and frame.pack not in gone}
    )
    return contents, None if gone else before.base


@dataclass
class _Large:
    """A large file on its way: its hash is known once it was read to the end."""

    content: str = ""
    frames: list[Frame] = field(default_factory=list)


class _Piece(NamedTuple):
    """The content of a frame to be; ``large`` is the file that a chunk belongs to."""

    data: bytes
    large: _Large | None


class _Encoded(NamedTuple):
    data: bytes
    size: int
    chunk: str
    large: _Large | None


def store_files(
    store: ObjectStore, root: str, files: Iterable[Found], contents: Contents
) -> Iterator[tuple[Found, str]]:
    """Read files and store what is new of them.

    Parameters
    ----------
    store : ObjectStore
        Where packs go to.
    root : str
        The folder.
    files : iterable of Found
        Which to read.
    contents : Contents
        What is stored already. It is complete for these files once the iterator is exhausted.

    Yields
    ------
    tuple of Found and str
        Each file's facts as it was read, and its hash.
    """
    packer = _Packer(store, root, contents)
    yield from packer.run(sorted(files, key=_likeness))


def _likeness(file: Found) -> tuple[str, str]:
    """Order files so that those which compress well together are beside each other."""
    return PurePosixPath(file.path).suffix, file.path


class _Packer:
    def __init__(self, store: ObjectStore, root: str, contents: Contents) -> None:
        self._store = store
        self._root = root
        self._contents = contents
        self._read: deque[tuple[Found, str]] = deque()
        self._pack = bytearray()
        self._open: list[Frame] = []
        self._joined: deque[list[tuple[str, int]]] = deque()

    def run(self, files: list[Found]) -> Iterator[tuple[Found, str]]:
        small = [file for file in files if file.size < SMALL]
        large = [file for file in files if file.size >= SMALL]
        with pool() as threads:
            pieces = self._pieces(ahead(threads, self._read_batch, _batches(small), _WINDOW), large)
            packs = self._packs(ahead(threads, self._encode, pieces, _WINDOW))
            for _ in ahead(threads, self._write, packs, 2):
                while self._read:
                    yield self._read.popleft()
        yield from self._read

    # -- read ------------------------------------------------------------------------------------

    def _read_batch(self, batch: list[Found]) -> list[tuple[Found, bytes, str]]:
        return [reading.read(self._root, file) for file in batch]

    def _pieces(
        self, batches: Iterable[list[tuple[Found, bytes, str]]], large: list[Found]
    ) -> Iterator[_Piece]:
        for batch in batches:
            new: dict[str, bytes] = {}
            size = 0
            for file, data, content in batch:
                self._read.append((file, content))
                if content in self._contents.files:
                    continue
                self._contents.files[content] = Place(())  # until its frame is there
                if size + len(data) > FRAME:  # files that have grown since they were found
                    yield self._join(new)
                    new, size = {}, 0
                if data:
                    new[content] = data
                    size += len(data)
            if new:
                yield self._join(new)
        for file in large:
            yield from self._cut(file)

    def _join(self, new: dict[str, bytes]) -> _Piece:
        self._joined.append([(content, len(data)) for content, data in new.items()])
        return _Piece(b"".join(new.values()), None)

    def _cut(self, file: Found) -> Iterator[_Piece]:
        for _ in range(reading.ATTEMPTS):
            large = _Large()
            with reading.opened(self._root, file.path) as (descriptor, before):
                tee = reading.Tee(descriptor)
                for chunk in FastCDC(CHUNK).cut_stream(tee):
                    yield _Piece(bytes(chunk.data), large)
                if reading.unchanged(descriptor, before, tee.count):
                    large.content = tee.hexdigest()
                    self._contents.files.setdefault(large.content, Place(()))
                    self._read.append((before, large.content))
                    return
        raise reading.changing(file.path)

    # -- encode ----------------------------------------------------------------------------------

    def _encode(self, piece: _Piece) -> _Encoded:
        chunk = ""
        if piece.large is not None:
            chunk = digest_bytes(piece.data)
            if chunk in self._contents.chunks:
                return _Encoded(b"", len(piece.data), chunk, piece.large)
        return _Encoded(_squeezed(piece.data), len(piece.data), chunk, piece.large)

    # -- pack ------------------------------------------------------------------------------------

    def _packs(self, encoded: Iterable[_Encoded]) -> Iterator[tuple[bytearray, list[Frame]]]:
        for item in encoded:
            self._place(item)
            if len(self._pack) >= PACK:
                yield self._closed()
        if self._open:
            yield self._closed()

    def _place(self, item: _Encoded) -> None:
        frame = self._contents.chunks.get(item.chunk) if item.chunk else None
        if frame is None:
            frame = Frame(len(self._pack), len(item.data), item.size, item.chunk)
            self._pack += item.data
            self._open.append(frame)
        if item.large is None:
            offset = 0
            for content, size in self._joined.popleft():
                self._contents.files[content] = Place((frame,), offset)
                offset += size
        else:
            self._contents.chunks[item.chunk] = frame
            item.large.frames.append(frame)
            if item.large.content:
                self._contents.files[item.large.content] = Place(tuple(item.large.frames))

    def _closed(self) -> tuple[bytearray, list[Frame]]:
        closed = self._pack, self._open
        self._pack, self._open = bytearray(), []
        return closed

    def _write(self, pack: tuple[bytearray, list[Frame]]) -> None:
        data, frames = pack
        digest = self._store.put(data)
        for frame in frames:
            frame.pack, frame.pack_size = digest, len(data)


def _batches(files: Iterable[Found]) -> Iterator[list[Found]]:
    batch: list[Found] = []
    size = 0
    for file in files:
        if batch and (size + file.size > FRAME or len(batch) == _MOST):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _squeezed(data: bytes) -> bytes:
    """Return content compressed if that is worth it, to be told by its length."""
    if len(data) > 8 * _SAMPLE:
        step = len(data) // 4
        sample = b"".join(data[at : at + _SAMPLE] for at in range(step // 2, len(data), step))
        if len(zstd.compress(sample, level=1)) > _WORTH * len(sample):
            return data
    packed = zstd.compress(data)
    return packed if len(packed) < _WORTH * len(data) else data
