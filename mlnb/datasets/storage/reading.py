"""Read a stored table's values: the base, its patches, the selected rows; all of it verified."""

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlnb.core.errors import ObjectCorrupt, UnreadableRecord
from mlnb.core.hashing import digest_bytes
from mlnb.core.store import ObjectStore
from mlnb.datasets.storage import assembling
from mlnb.datasets.storage.assembling import Column, Rooms
from mlnb.datasets.storage.encoding import is_text
from mlnb.datasets.storage.manifest import Part, PartFile, TableManifest
from mlnb.datasets.storage.picked import Rows


def read(
    store: ObjectStore,
    manifest: TableManifest,
    fields: Sequence[Any],
    pool: Executor,
    *,
    rows: tuple[int, int] | None = None,
    wanted_by: str = "",
) -> list[Any]:
    """Return columns of a table version as plain values.

    Parameters
    ----------
    store : ObjectStore
        Where its objects are.
    manifest : TableManifest
        The version.
    fields : sequence of (int, pyarrow.Array or None, pyarrow.DataType)
        For each column wanted its position in the version's table, its dictionary (when it is a
        dictionary column) and its plain type.
    pool : Executor
        Decodes in parallel.
    rows : tuple of int, optional
        From row to before row; all by default.
    wanted_by : str
        The version, for errors.

    Returns
    -------
    list of pyarrow.ChunkedArray

    Raises
    ------
    ObjectMissing, ObjectCorrupt, UnreadableRecord
        If an object is not there, or not as it was stored.
    """
    start, stop = rows or (0, manifest.rows)
    picked = Rows(selected_rows(store, manifest, start, stop, wanted_by), start, stop)
    source = _Source(store, manifest, fields, picked, wanted_by)
    patches = _patches(store, manifest, source.wanted, pool, wanted_by)
    rooms, found = Rooms(), {}
    # In one order all columns are decoded file by file. In another one each column takes a detour
    # over memory that the next one uses again; few are then under way at once.
    order = sorted(fields, key=lambda field: not is_text(field[2]))
    groups = [order] if picked.places is None else [[field] for field in order]
    under_way: deque[tuple[list[Any], dict[int, Column]]] = deque()

    def finish() -> None:
        jobs, columns = under_way.popleft()
        for job in jobs:
            job.result()
        found.update({at: pool.submit(column.finish) for at, column in columns.items()})
        columns.clear()

    for group in groups:
        columns = {
            at: assembling.column(
                kind, dictionary, picked, patches.get(at, []), rooms, words=source.are_words(at)
            )
            for at, dictionary, kind in group
        }
        under_way.append((source.decode(columns, pool), columns))
        if len(under_way) > 1:
            finish()
    while under_way:
        finish()
    return [found[at].result() for at, _dictionary, _kind in fields]


class _Source:
    """The files that hold what is wanted of a table version."""

    def __init__(
        self,
        store: ObjectStore,
        manifest: TableManifest,
        fields: Sequence[Any],
        rows: Rows,
        wanted_by: str,
    ) -> None:
        self._store, self._wanted_by = store, wanted_by
        self.wanted = {at for at, _dictionary, _kind in fields}
        self._files = [
            (first, file)
            for first, part in _parts_between(manifest.parts, rows.low, rows.high)
            for file in part.files
            if any(stored.column in self.wanted for stored in file.columns)
        ]
        self._keep = rows.places is not None
        self._opened: dict[int, Any] = {}

    def are_words(self, column: int) -> bool:
        """Tell whether all of a column comes as dictionaries."""
        held = [
            stored.words
            for _first, file in self._files
            for stored in file.columns
            if stored.column == column
        ]
        return bool(held) and all(held)

    def decode(self, columns: Mapping[int, Column], pool: Executor) -> list[Any]:
        """Have columns decoded and put together; return the jobs that do it."""
        return [
            pool.submit(self._decode, place, columns)
            for place, (_first, file) in enumerate(self._files)
            if any(stored.column in columns for stored in file.columns)
        ]

    def _decode(self, place: int, columns: Mapping[int, Column]) -> None:
        first, file = self._files[place]
        stored = [column for column in file.columns if column.column in columns]
        data = self._opened.get(place)
        if data is None:
            data = self._verified(file)
            if self._keep:
                self._opened[place] = data
        words = [column.name for column in stored if column.words]
        table = _parquet(data, [column.name for column in stored], self._wanted_by, words)
        for column in stored:
            start = first
            for piece in table[column.name].chunks:
                columns[column.column].put(piece, start)
                start += len(piece)

    def _verified(self, file: PartFile) -> Any:
        """Return the bytes of a file, with those of the wanted columns verified."""
        stored = [column for column in file.columns if column.column in self.wanted]
        if len(stored) == len(file.columns) or not file.footer.digest:
            return pa.py_buffer(self._store.view(file.object, wanted_by=self._wanted_by))
        return _some(self._store, file, stored, self._wanted_by)


def selected_rows(
    store: ObjectStore, manifest: TableManifest, start: int, stop: int, wanted_by: str = ""
) -> Any:
    """Return the base rows that rows ``start`` to ``stop`` are; None without a selection."""
    if not manifest.selection:
        return None
    pieces = []
    place = 0
    for piece in manifest.selection:
        rows = piece.stop - piece.start
        low, high = max(start - place, 0), min(stop - place, rows)
        place += rows
        if low >= high:
            continue
        if piece.object:
            data = store.view(piece.object, wanted_by=wanted_by)
            listed = _parquet(data, ["row"], wanted_by)["row"]
            pieces.append(_as_numbers(listed)[piece.start + low : piece.start + high])
        else:
            pieces.append(np.arange(piece.start + low, piece.start + high))
    if len(pieces) == 1:
        return pieces[0]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int64)


def patched_cells(
    store: ObjectStore, manifest: TableManifest, column: int, wanted_by: str = ""
) -> list[tuple[Any, Any]]:
    """Return a column's patches in their order: base rows and values of each."""
    found = []
    for patch in manifest.patches:
        if patch.column == column:
            data = store.view(patch.object, wanted_by=wanted_by)
            piece = data[patch.start : patch.start + patch.size]
            table = _parquet(piece, ["row", "value"], wanted_by)
            found.append((_as_numbers(table["row"]), table["value"].combine_chunks()))
    return found


def _patches(
    store: ObjectStore, manifest: TableManifest, wanted: set[int], pool: Executor, wanted_by: str
) -> dict[int, list[tuple[Any, Any]]]:
    columns = sorted({patch.column for patch in manifest.patches} & wanted)
    found = pool.map(lambda at: patched_cells(store, manifest, at, wanted_by), columns)
    return dict(zip(columns, found, strict=True))


def _parts_between(parts: Sequence[Part], low: int, high: int) -> list[tuple[int, Part]]:
    """Return the parts that hold base rows ``low`` to ``high``, each with its first row."""
    found: list[tuple[int, Part]] = []
    first = 0
    for part in parts:
        if first < high and first + part.rows > low:
            found.append((first, part))
        first += part.rows
    return found


def _some(store: ObjectStore, file: PartFile, stored: Sequence[Any], wanted_by: str) -> Any:
    """Return a file with only some columns' bytes in it (and the footer); the rest is zeros."""
    pieces = [*stored, file.footer]
    ranges = [(piece.start, piece.start + piece.size) for piece in pieces]
    found = store.get_ranges(file.object, ranges, wanted_by=wanted_by)
    whole = np.zeros(file.size, np.uint8)  # pages that are never touched take no memory
    for piece, data in zip(pieces, found, strict=True):
        if digest_bytes(data) != piece.digest:
            raise ObjectCorrupt(file.object, wanted_by)
        whole[piece.start : piece.start + piece.size] = np.frombuffer(data, np.uint8)
    return pa.py_buffer(whole)


def _parquet(data: Any, names: list[str], wanted_by: str, words: Sequence[str] = ()) -> Any:
    try:
        buffer = data if isinstance(data, pa.Buffer) else pa.py_buffer(data)
        source = pa.BufferReader(buffer)
        with pq.ParquetFile(source, read_dictionary=list(words)) as file:
            return file.read(columns=names, use_threads=False)
    except (pa.ArrowException, OSError, KeyError) as error:
        raise UnreadableRecord(f"table of {wanted_by}", str(error)) from error


def _as_numbers(column: Any) -> Any:
    if column.num_chunks == 1:
        return column.chunk(0).to_numpy()
    return np.concatenate([chunk.to_numpy() for chunk in column.chunks] or [np.zeros(0, np.int64)])
