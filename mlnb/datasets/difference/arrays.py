"""Arrow arrays as numpy sees them: bits, text bytes, list lengths, which values are null."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Positions = np.ndarray[Any, np.dtype[np.int64]]

BLOCK = 65_536
"""Rows that are worked on at a time, so that what is in between stays in the processor's cache."""


def flat(column: Any) -> Any:
    """Return a column as one array of a plain type with 64-bit offsets; dictionaries are kept."""
    if isinstance(column, pa.ChunkedArray):
        if pa.types.is_dictionary(column.type) and column.num_chunks > 1:
            column = column.unify_dictionaries()
        column = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if isinstance(column.type, pa.BaseExtensionType):
        return flat(column.storage)
    if pa.types.is_run_end_encoded(column.type):
        return flat(pc.run_end_decode(column))
    if pa.types.is_string(column.type) or pa.types.is_string_view(column.type):
        return column.cast(pa.large_string())
    if pa.types.is_binary(column.type) or pa.types.is_binary_view(column.type):
        return column.cast(pa.large_binary())
    return column


def decoded(column: Any) -> Any:
    """Return a column with the values themselves, if it has places in a dictionary."""
    if not pa.types.is_dictionary(column.type):
        return column
    if not isinstance(column, pa.ChunkedArray):
        return column.dictionary.take(column.indices)
    chunks = [chunk.dictionary.take(chunk.indices) for chunk in column.chunks]
    return pa.chunked_array(chunks, column.type.value_type)


def taken(column: Any, rows: Positions) -> Any:
    """Return some rows of a chunked column as one array, copying no more than these.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        The column.
    rows : numpy.ndarray of int64
        Not decreasing.
    """
    ends = np.cumsum([len(chunk) for chunk in column.chunks])
    cuts = np.searchsorted(rows, ends)
    pieces, start = [], 0
    for chunk, end, cut in zip(column.chunks, ends, cuts, strict=True):
        if cut > start:
            pieces.append(chunk.take(pa.array(rows[start:cut] - (int(end) - len(chunk)))))
        start = int(cut)
    return flat(pa.chunked_array(pieces, column.type))


def is_text(kind: Any) -> bool:
    """Tell whether values are text or bytes of any length, as `flat` gives them."""
    return bool(pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


def validity(array: Any) -> Any:
    """Return which values are not null, or None where none is null."""
    if not array.null_count:
        return None
    buffer = array.buffers()[0]
    if buffer is None:  # unions and the null type have none
        return np.asarray(pc.is_valid(array))
    return _bits(buffer, array.offset, len(array))


def bits_of(array: Any) -> list[Any]:
    """Return the bits of values of fixed width as uint64 words; NaN has one form.

    Returns
    -------
    list of numpy.ndarray of uint64
        One per 8 bytes, never a view of the array's memory; words of nulls mean nothing.
    """
    if pa.types.is_boolean(array.type):
        return [_bits(array.buffers()[1], array.offset, len(array)).astype(np.uint64)]
    raw = raw_of(array)
    if raw.ndim == 1:
        return [raw.astype(np.uint64)]
    width = raw.shape[1]
    padded = np.zeros((len(raw), -(-width // 8) * 8), np.uint8)
    padded[:, :width] = raw
    words = padded.view(np.uint64)
    return [np.ascontiguousarray(words[:, place]) for place in range(words.shape[1])]


def raw_of(array: Any) -> Any:
    """Return the memory of values of fixed width: unsigned integers, or rows of bytes.

    NaN has one form; otherwise it is a view of the array's memory.
    """
    width = array.type.bit_width // 8
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.zeros(0, f"u{width}") if width in _WIDTHS else np.zeros((0, width), np.uint8)
    start = array.offset * width
    view = np.frombuffer(data, np.uint8)[start : start + len(array) * width]
    if width not in _WIDTHS:
        return view.reshape(len(array), width)
    if pa.types.is_floating(array.type):
        floats = view.view(f"f{width}")
        missing = np.isnan(floats)
        if missing.any():
            view = floats.copy()
            view[missing] = np.nan
    return view.view(f"u{width}")


_WIDTHS = (1, 2, 4, 8)


def strings_of(array: Any) -> tuple[Any, Any, Any]:
    """Return where each text starts in the data, its length in bytes (null: 0), and the data."""
    _valid, offsets, data = array.buffers()
    if not len(array) or offsets is None:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.uint8)
    places = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    lengths = np.diff(places)
    valid = validity(array)
    if valid is not None:
        lengths[~valid] = 0
    first, last = int(places[0]), int(places[-1])
    held = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)[first:last]
    return places[:-1] - first, lengths, held


def words_in(data: Any) -> Any:
    """Return the 8-byte word that starts at each byte, as a view; the end is padded with zeros."""
    padded = np.zeros(len(data) + 8, np.uint8)
    padded[: len(data)] = data
    return np.ndarray((len(data) + 1,), "<u8", buffer=padded, strides=(1,))


def lists_of(array: Any) -> tuple[Any, Any]:
    """Return the length of each list or map (null: 0) and all their values, one after another."""
    kind = array.type
    if pa.types.is_map(kind):
        array = array.cast(pa.list_(kind.field(0).type))
    if pa.types.is_fixed_size_list(kind):
        lengths = np.full(len(array), kind.list_size, np.int64)
        valid = validity(array)
        if valid is not None:
            lengths[~valid] = 0
    else:
        counted = pc.fill_null(pc.list_value_length(array), 0).cast(pa.int64())
        lengths = np.asarray(counted)
    return lengths, array.flatten()


def _bits(buffer: Any, offset: int, length: int) -> Any:
    """Return a bitmap as numpy booleans."""
    first = offset // 8
    packed = np.frombuffer(buffer, np.uint8)[first : (offset + length + 7) // 8]
    skipped = offset - first * 8
    found = np.unpackbits(packed, count=skipped + length, bitorder="little")
    return found[skipped:].view(np.bool_)


def numbers_of(array: Any) -> Any:
    """Return values of fixed width up to 8 bytes as numpy numbers: a view where they are so.

    Times and durations are whole numbers of their unit; values of nulls mean nothing.
    """
    kind = array.type
    if pa.types.is_boolean(kind):
        return _bits(array.buffers()[1], array.offset, len(array))
    width = kind.bit_width // 8
    letter = "f" if pa.types.is_floating(kind) else "iu"[pa.types.is_unsigned_integer(kind)]
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.zeros(0, f"{letter}{width}")
    return np.frombuffer(data, f"{letter}{width}", len(array), array.offset * width)
