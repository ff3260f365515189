"""Read a stored table's values: the base, its patches, the selected rows; all of it verified."""

from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mlnb.core.errors import ObjectCorrupt, UnreadableRecord
from mlnb.core.hashing import digest_bytes
from mlnb.core.store import ObjectStore
from mlnb.datasets.storage.manifest import Part, PartFile, TableManifest
from mlnb.datasets.storage.rearranging import (
    Room,
    in_one_dictionary,
    replaced,
    taken,
    taken_texts,
    texts,
    with_dictionary,
)


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
    picked = selected_rows(store, manifest, start, stop, wanted_by)
    if picked is not None and manifest.base_rows < 2**31:
        picked = picked.astype(np.int32)  # half the memory to read, over and over
    if picked is None:
        low, high = start, stop
    else:
        low, high = (int(picked.min()), int(picked.max()) + 1) if len(picked) else (0, 0)
    parts, first = _parts_between(manifest.parts, low, high)
    wanted = {column for column, _dictionary, _kind in fields}
    pieces = _decode_all(store, parts, wanted, pool, wanted_by)
    room = Room()
    patches = _patches(store, manifest, wanted, pool, wanted_by)

    def assemble(field: tuple[int, Any, Any]) -> Any:
        column, dictionary, kind = field
        chunks = pieces.pop(column)
        if dictionary is not None:
            chunks = [in_one_dictionary(chunk, dictionary) for chunk in chunks]
            kind = pa.int32()
        elif picked is not None and column not in patches and _are_dictionaries(chunks):
            return taken_texts(chunks, kind, picked - first if first else picked)
        else:
            chunks = texts(chunks, kind)
        chunks = [chunk if chunk.type == kind else chunk.cast(kind) for chunk in chunks]
        values = pa.chunked_array(chunks, kind)
        for places, cells in patches.get(column, ()):
            values = replaced(values, places - first, cells)
        values = (
            values.slice(low - first, high - low)
            if picked is None
            else taken(values, picked - first if first else picked, room)
        )
        if dictionary is None:
            return values
        return with_dictionary(values, dictionary)

    return list(pool.map(assemble, fields))


def _decode_all(
    store: ObjectStore, parts: Sequence[Part], wanted: set[int], pool: Executor, wanted_by: str
) -> dict[int, list[Any]]:
    """Return the chunks of each wanted column; nothing else holds their memory."""
    jobs = [
        pool.submit(_decode, store, file, wanted, wanted_by)
        for part in parts
        for file in part.files
        if any(stored.column in wanted for stored in file.columns)
    ]
    pieces: dict[int, list[Any]] = {column: [] for column in wanted}
    for job in jobs:
        for column, values in job.result().items():
            pieces[column].extend(values.chunks)
    return pieces


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


def _parts_between(parts: Sequence[Part], low: int, high: int) -> tuple[list[Part], int]:
    """Return the parts that hold base rows ``low`` to ``high``, and the first row of them."""
    found: list[Part] = []
    first = place = 0
    for part in parts:
        if place < high and place + part.rows > low:
            if not found:
                first = place
            found.append(part)
        place += part.rows
    return found, first


def _decode(store: ObjectStore, file: PartFile, wanted: set[int], wanted_by: str) -> dict[int, Any]:
    """Return the wanted columns of a file, its bytes verified."""
    stored = [column for column in file.columns if column.column in wanted]
    if len(stored) == len(file.columns) or not file.footer.digest:
        data = pa.py_buffer(store.view(file.object, wanted_by=wanted_by))
    else:
        data = _some(store, file, stored, wanted_by)
    names = [column.name for column in stored]
    words = [column.name for column in stored if column.words]
    table = _parquet(data, names, wanted_by, words)
    return {column.column: table[column.name] for column in stored}


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


def _are_dictionaries(chunks: Sequence[Any]) -> bool:
    return bool(chunks) and all(pa.types.is_dictionary(chunk.type) for chunk in chunks)


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
