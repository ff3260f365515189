"""Hash a table's logical content: one digest per column and `UNIT_ROWS` rows.

Two columns have the same unit digests when they have the same values in the same order, whatever
library made them and however memory is laid out: chunks, offsets, bytes under nulls, NaN payloads
and 32- or 64-bit string offsets do not count (the sign of zero does). What else a column is, its
type and categories, is its *identity*. The digest of a version covers units, identities, names
and pandas layout. To change it, raise `DIGEST_FORMAT`: old versions keep their digests, and the
next save of the same data makes a version.
"""

import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlnb.core.hashing import Hasher, digest_json
from mlnb.datasets.storage import manifest as manifests
from mlnb.datasets.tables import Content, type_name

DIGEST_FORMAT = 2
_BLOCK = 65_536


@dataclass
class Units:
    """The digests of a table's columns.

    Attributes
    ----------
    columns : list of list of str
        Per column, per unit.
    early : list of str
        Per column, the digest of the unit with a certain row, of the rows before it alone; ""
        where it was not asked for or the unit begins there.
    """

    columns: list[list[str]]
    early: list[str]


def hash_units(
    values: Any,
    pool: Executor,
    known: Mapping[str, list[str]] | None = None,
    until: int = -1,
) -> Units:
    """Return the unit digests of each column of a table of plain values.

    Parameters
    ----------
    values : pyarrow.Table
        The table.
    pool : Executor
        Hashes in parallel.
    known : mapping, optional
        Columns whose digests are known already.
    until : int
        The row for `Units.early`.
    """
    step = manifests.UNIT_ROWS
    starts = range(0, values.num_rows, step)
    known = known or {}
    jobs = {
        name: [pool.submit(_hash_rows, values[name], at, at + step, until) for at in starts]
        for name in values.schema.names
        if name not in known
    }
    columns, early = [], []
    for name in values.schema.names:
        found = [job.result() for job in jobs.get(name, ())]
        columns.append(known.get(name) or [unit for unit, _early in found])
        early.append("".join(piece for _unit, piece in found))
    return Units(columns, early)


def same_memory(one: Any, other: Any) -> bool:
    """Tell whether two columns of text are the same Arrow memory, which nobody writes to.

    Numbers do not count: theirs may be the memory of a NumPy array.
    """
    if one.type != other.type or not _is_variable(one.type) or one.num_chunks != other.num_chunks:
        return False
    return all(
        left.offset == right.offset
        and len(left) == len(right)
        and [_place(buffer) for buffer in left.buffers()]
        == [_place(buffer) for buffer in right.buffers()]
        for left, right in zip(one.chunks, other.chunks, strict=True)
    )


def _place(buffer: Any) -> tuple[int, int]:
    return (0, 0) if buffer is None else (buffer.address, buffer.size)


def hash_rows(column: Any, start: int, stop: int) -> str:
    """Return the digest of rows ``start`` to ``stop`` (or the last) of a column."""
    return _hash_rows(column, start, stop, -1)[0]


def _hash_rows(column: Any, start: int, stop: int, until: int) -> tuple[str, str]:
    """Return the digests of rows ``start`` to ``stop``, and of those before ``until``.

    The second costs little, because both begin alike; it is "" when ``until`` is not in between.
    """
    hasher, early = Hasher(), ""
    for block in range(start, min(stop, len(column)), _BLOCK):
        size = min(_BLOCK, stop - block)
        if block < until <= block + size:
            branch = hasher.copy()
            _update(branch, _one_array(column.slice(block, until - block)))
            early = str(branch.hexdigest())
        _update(hasher, _one_array(column.slice(block, size)))
    return str(hasher.hexdigest()), early


def identities(content: Content) -> list[str]:
    """Return each column's identity: what its values mean beside their units."""
    return [
        type_name(item.type) + _dictionary_digest(column)
        for column, item in zip(content.table.columns, content.table.schema, strict=True)
    ]


def digest(content: Content, identity: Sequence[str], units: Sequence[Sequence[str]]) -> str:
    """Return the digest of a whole table."""
    return digest_json(
        {
            "format": DIGEST_FORMAT,
            "rows": content.table.num_rows,
            "names": content.table.schema.names,
            "columns": list(identity),
            "units": [list(column) for column in units],
            "pandas": content.pandas,
        }
    )


def _dictionary_digest(column: Any) -> str:
    if not pa.types.is_dictionary(column.type) or not column.num_chunks:
        return ""
    hasher = Hasher()
    _update(hasher, column.chunk(0).dictionary)
    return f" {hasher.hexdigest()}"


def _one_array(column: Any) -> Any:
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column


def _update(hasher: Any, array: Any) -> None:
    """Hash an array's length, which values are null, and the values that are not."""
    kind = array.type
    hasher.update(len(array).to_bytes(8, "little"))
    if pa.types.is_null(kind):
        return
    if pa.types.is_dictionary(kind):
        width = pa.int8() if len(array.dictionary) < 2**7 else pa.int32()
        array, kind = array.indices.cast(width), width
    valid = None
    # Said first, so that no bytes of one part can be taken for those of another.
    hasher.update(array.null_count.to_bytes(8, "little"))
    if array.null_count:
        bits = _bits(array.buffers()[0], array.offset, len(array))
        hasher.update(bits)
        valid = np.unpackbits(bits, count=len(array), bitorder="little").view(np.bool_)
    if pa.types.is_boolean(kind):
        filled = array if valid is None else pc.fill_null(array, False)
        hasher.update(_bits(filled.buffers()[1], filled.offset, len(filled)))
    elif _is_variable(kind):
        _update_variable(hasher, array, valid)
    elif pa.types.is_struct(kind):
        for child in array.flatten():
            _update(hasher, child)
    elif pa.types.is_map(kind):
        _update(hasher, array.cast(pa.list_(kind.field(0).type)))
    elif pa.types.is_nested(kind):
        hasher.update(_lengths(array))
        _update(hasher, array.flatten())
    else:
        hasher.update(_fixed_width(array, valid))


def _bits(buffer: Any, offset: int, length: int) -> Any:
    """Return a bitmap's bits as bytes, from its first bit on and with zeros after the last."""
    if buffer is None:
        return np.zeros(0, np.uint8)
    first, shift = divmod(offset, 8)
    held = np.frombuffer(buffer, np.uint8)[first : first + (shift + length + 7) // 8]
    if shift:
        held = np.packbits(
            np.unpackbits(held, bitorder="little")[shift : shift + length], bitorder="little"
        )
    elif length % 8:
        held = held.copy()
        held[-1] &= (1 << length % 8) - 1
    return np.ascontiguousarray(held)


def _update_variable(hasher: Any, array: Any, valid: Any) -> None:
    if not (pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)):
        array = array.cast(pa.large_binary())
    lengths = _variable_lengths(array)
    if valid is not None and lengths[~valid].any():
        array = pc.fill_null(array, b"" if pa.types.is_large_binary(array.type) else "")
        lengths = _variable_lengths(array)
    _validity, offsets, data = array.buffers()
    if lengths.max(initial=0) < 2**31:
        lengths = lengths.astype(np.int32)  # half as much to hash
    hasher.update(bytes([lengths.itemsize]))
    hasher.update(lengths.view(np.uint8))
    if data is not None and len(array):
        starts = np.frombuffer(offsets, np.int64)
        begin, end = int(starts[array.offset]), int(starts[array.offset + len(array)])
        hasher.update(memoryview(data)[begin:end])


def _variable_lengths(array: Any) -> Any:
    if not len(array):
        return np.zeros(0, np.int64)
    offsets = np.frombuffer(array.buffers()[1], np.int64)
    return np.diff(offsets[array.offset : array.offset + len(array) + 1])


def _fixed_width(array: Any, valid: Any) -> Any:
    """Return the bytes of fixed-width values in one form: zero for null, one NaN."""
    width = array.type.bit_width // 8
    data = array.buffers()[1]
    if data is None:
        return np.zeros(0, np.uint8)
    view = np.frombuffer(data, np.uint8)[array.offset * width : (array.offset + len(array)) * width]
    if valid is not None:
        rows = view.view(f"i{width}") if width in (1, 2, 4, 8) else view.reshape(-1, width)
        rows = rows.copy()
        rows[~valid] = 0
        view = rows.view(np.uint8).reshape(-1)
    if pa.types.is_floating(array.type):
        floats = view.view(f"f{width}")
        if len(floats) and np.isnan(floats.min()):  # NaN if there is one; quicker than to look
            view = np.where(np.isnan(floats), np.nan, floats).astype(floats.dtype, copy=False)
            view = view.view(np.uint8)
    return view


def _lengths(array: Any) -> bytes:
    if pa.types.is_fixed_size_list(array.type):
        return b""
    lengths = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int64())
    return bytes(np.asarray(lengths).tobytes())


def _is_variable(kind: Any) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary_view(kind)
    )


if sys.byteorder != "little":  # the bytes of numbers are hashed as they lie in memory
    raise ImportError("mlnb.datasets needs a little-endian machine.")
