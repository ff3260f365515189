"""Put columns together from their decoded pieces.

A piece goes to its place in the column as soon as it is decoded, so that the next one is decoded
into the same memory: to touch new memory takes longer than to copy into it. Patched cells are
written over the column then, and rows that stand in another order are taken from it at last.
"""

from collections.abc import Iterator
from threading import Lock
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlnb.datasets.storage.encoding import is_text
from mlnb.datasets.storage.picked import Rows
from mlnb.datasets.storage.rearranging import (
    in_one_dictionary,
    is_fixed,
    made,
    numbers,
    replaced,
    taken,
    views,
    with_dictionary,
)

_PIECE = 262_144
"""Rows of a chunk of text that is put together."""
_INLINE = 12
"""Bytes of text that an Arrow view holds itself."""
_VIEW = 16
"""Bytes of a view."""

Patches = list[tuple[Any, Any]]
"""Base rows and values of cells that differ from the base; later ones win."""


class Column(Protocol):
    """A column that is put together; pieces may be put in by several threads at once."""

    def put(self, piece: Any, first: int) -> None:
        """Put a decoded piece in, the values of the base rows from `first` on."""

    def finish(self) -> Any:
        """Return the column as a chunked array; nothing is put in any more."""


class Rooms:
    """Memory that columns are put together in, used again and again."""

    def __init__(self) -> None:
        self._free: list[Any] = []
        self._lock = Lock()

    def lend(self, size: int) -> Any:
        """Return so many bytes or more."""
        with self._lock:
            for at, room in enumerate(self._free):
                if len(room) >= size:
                    return self._free.pop(at)
        return np.empty(size, np.uint8)

    def give_back(self, room: Any) -> None:
        """Take memory back that nothing is read from any more."""
        with self._lock:
            self._free.append(room)


def column(
    kind: Any, dictionary: Any, rows: Rows, patches: Patches, rooms: Rooms, *, words: bool
) -> Column:
    """Return a column to be put together in the way that suits its type.

    Parameters
    ----------
    kind : pyarrow.DataType
        Its plain type.
    dictionary : pyarrow.Array or None
        Of a dictionary column: it is put together as indices into this.
    rows : Rows
        The base rows it is made of.
    patches : list of (numpy.ndarray, pyarrow.Array)
        As in `Patches`.
    rooms : Rooms
        Lends memory.
    words : bool
        Whether all pieces of a text come as dictionaries.
    """
    if dictionary is not None:
        return _Categories(dictionary, rows, patches, rooms)
    if pa.types.is_boolean(kind) or is_fixed(kind):
        return _Numbers(kind, rows, patches, rooms)
    if words:
        return _Words(kind, rows, patches, rooms)
    moved = bool(patches) or rows.places is not None
    if moved and is_text(kind) and views(pa.array([], kind)) is not None:
        return _Texts(kind, rows, patches, rooms)
    return _Others(kind, rows, patches)


def _cells(kind: Any, rows: Rows, patches: Patches) -> Iterator[tuple[Any, Any]]:
    """Yield where patched cells go, and their values."""
    for base, cells in patches:
        places, there = rows.positions(base)
        if len(places):
            chosen = cells if there is None else cells.filter(pa.array(there))
            yield places, chosen if chosen.type == kind else chosen.cast(kind)


class _Valid:
    """Which values are not null; takes no memory while all are."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = Lock()
        self.flags: Any = None

    def put(self, piece: Any, places: Any) -> None:
        """Note which of a piece's values are null."""
        with self._lock:
            if self.flags is None and piece.null_count:
                self.flags = np.ones(self._size, np.bool_)
        if self.flags is not None:
            self.flags[places] = np.asarray(pc.is_valid(piece))

    def taken(self, places: Any) -> Any:
        """Return the flags in another order."""
        if self.flags is None or places is None:
            return self.flags
        flags = pa.array(self.flags.view(np.uint8))
        return np.asarray(pc.take(flags, pa.array(places), boundscheck=False)).view(np.bool_)


class _Numbers:
    """Values of a fixed width, and booleans (a byte each)."""

    def __init__(self, kind: Any, rows: Rows, patches: Patches, rooms: Rooms) -> None:
        self._kind, self._rows, self._patches, self._rooms = kind, rows, patches, rooms
        self._raw = pa.uint8() if pa.types.is_boolean(kind) else kind
        self._width = self._raw.bit_width // 8
        size = rows.size * self._width
        self._room = np.empty(size, np.uint8) if rows.places is None else rooms.lend(size)
        unit = np.dtype(f"i{min(self._width, 8)}")
        values = self._room[:size].view(unit)
        self.values = values.reshape(-1, self._width // 8) if self._width > 8 else values
        self._valid = _Valid(rows.size)

    def put(self, piece: Any, first: int) -> None:
        chosen, start = self._rows.chosen(piece, first)
        self.put_at(chosen, slice(start, start + len(chosen)))

    def put_at(self, piece: Any, places: Any) -> None:
        """Put values in certain places."""
        self._valid.put(piece, places)
        if piece.type != self._kind:
            piece = piece.cast(self._kind)
        raw, _valid = numbers(pa.chunked_array([piece.cast(self._raw)]))
        self.values[places] = raw

    def finish(self) -> Any:
        for places, cells in _cells(self._kind, self._rows, self._patches):
            self.put_at(cells, places)
        values, places = self.values, self._rows.places
        valid = self._valid.taken(places)
        if places is not None:
            whole = made(self._raw, values, None).chunk(0)
            found = pc.take(whole, pa.array(places), boundscheck=False)
            values, _none = numbers(pa.chunked_array([found]))
            self._rooms.give_back(self._room)
        if self._raw == self._kind:
            return made(self._kind, values, valid)
        bits = np.packbits(values.view(np.bool_), bitorder="little")
        return made(self._kind, bits, valid, len(values))


class _Categories:
    """Indices into a dictionary that has all values."""

    def __init__(self, dictionary: Any, rows: Rows, patches: Patches, rooms: Rooms) -> None:
        self._dictionary = dictionary
        self._indices = _Numbers(pa.int32(), rows, patches, rooms)

    def put(self, piece: Any, first: int) -> None:
        self._indices.put(in_one_dictionary(piece, self._dictionary), first)

    def finish(self) -> Any:
        return with_dictionary(self._indices.finish(), self._dictionary)


class _Words:
    """Text that comes as dictionaries: it stays so until the end."""

    def __init__(self, kind: Any, rows: Rows, patches: Patches, rooms: Rooms) -> None:
        self._kind, self._rows, self._patches = kind, rows, patches
        self._codes = _Numbers(pa.int32(), rows, [], rooms)
        self._pieces: list[tuple[slice, Any]] = []

    def put(self, piece: Any, first: int) -> None:
        chosen, start = self._rows.chosen(piece.indices, first)
        places = slice(start, start + len(chosen))
        self._codes.put_at(chosen, places)
        self._pieces.append((places, piece.dictionary))

    def finish(self) -> Any:
        words, count = [pa.array([], self._kind)], 0
        for places, dictionary in self._pieces:
            self._codes.values[places] += count
            words.append(dictionary.cast(self._kind))
            count += len(dictionary)
        for places, cells in _cells(self._kind, self._rows, self._patches):
            codes = pa.array(np.arange(count, count + len(cells), dtype=np.int32))
            self._codes.put_at(pc.if_else(pc.is_valid(cells), codes, None), places)
            words.append(cells)
            count += len(cells)
        every = pa.concat_arrays(words)
        codes = self._codes.finish().chunk(0)
        pieces = [every.take(codes.slice(start, _PIECE)) for start in range(0, len(codes), _PIECE)]
        return pa.chunked_array(pieces, self._kind)


class _Texts:
    """Other text, by its views: 16 bytes each, whatever its length."""

    def __init__(self, kind: Any, rows: Rows, patches: Patches, rooms: Rooms) -> None:
        self._kind, self._rows, self._patches, self._rooms = kind, rows, patches, rooms
        self._room = rooms.lend(rows.size * _VIEW)
        self._views = self._room[: rows.size * _VIEW].view(np.int32).reshape(-1, 4)
        self._valid = _Valid(rows.size)
        self._held: list[Any] = []
        self._lock = Lock()

    def put(self, piece: Any, first: int) -> None:
        chosen, start = self._rows.chosen(piece, first)
        self._put_at(chosen, slice(start, start + len(chosen)))

    def _put_at(self, piece: Any, places: Any) -> None:
        self._valid.put(piece, places)
        made_views = views(piece if piece.type == self._kind else piece.cast(self._kind))
        _bits, found, *data = made_views.buffers()
        own = np.frombuffer(found, np.int32).reshape(-1, 4)
        own = own[made_views.offset : made_views.offset + len(piece)]
        long = own[:, 0] > _INLINE
        if piece.null_count:
            long &= np.asarray(pc.is_valid(piece))
        if long.any():  # where it lies: in which of the buffers, and where in that
            with self._lock:
                before = len(self._held)
                self._held.extend(data)
            own = own.copy()
            own[long, 2] += before
        if piece.null_count:
            own = np.where(np.asarray(pc.is_valid(piece))[:, None], own, 0)
        self._views[places] = own

    def finish(self) -> Any:
        for places, cells in _cells(self._kind, self._rows, self._patches):
            self._put_at(cells, places)
        order, count = self._rows.places, self._rows.count
        valid = self._valid.taken(order)
        view = views(pa.array([], self._kind)).type
        whole = pa.Array.from_buffers(
            pa.binary(_VIEW), len(self._views), [None, pa.py_buffer(self._room)]
        )
        pieces = []
        for start in range(0, count, _PIECE):  # the views of all would take much memory
            stop = min(start + _PIECE, count)
            if order is None:
                found = pa.py_buffer(self._views[start:stop])
            else:
                chosen = pa.array(order[start:stop])
                found = pc.take(whole, chosen, boundscheck=False).buffers()[1]
            bits = None
            if valid is not None:
                bits = pa.py_buffer(np.packbits(valid[start:stop], bitorder="little"))
            piece = pa.Array.from_buffers(view, stop - start, [bits, found, *self._held])
            pieces.append(piece.cast(self._kind))
        self._rooms.give_back(self._room)
        return pa.chunked_array(pieces, self._kind)


class _Others:
    """Whatever else there is, and text that stays where it is: pieces one after the other."""

    def __init__(self, kind: Any, rows: Rows, patches: Patches) -> None:
        self._kind, self._rows, self._patches = kind, rows, patches
        self._pieces: list[tuple[int, Any]] = []

    def put(self, piece: Any, first: int) -> None:
        chosen, start = self._rows.chosen(piece, first)
        if pa.types.is_dictionary(chosen.type):
            chosen = chosen.dictionary.cast(self._kind).take(chosen.indices)
        chosen = chosen if chosen.type == self._kind else chosen.cast(self._kind)
        self._pieces.append((start, chosen))

    def finish(self) -> Any:
        chunks = [chunk for _start, chunk in sorted(self._pieces, key=lambda item: item[0])]
        values = pa.chunked_array(chunks, self._kind)
        for places, cells in _cells(self._kind, self._rows, self._patches):
            values = replaced(values, places, cells)
        return values if self._rows.places is None else taken(values, self._rows.places)
