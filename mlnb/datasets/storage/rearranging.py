"""Take, replace and compare values of plain columns, exactly as they are stored.

Equal here means: loads back the same. Null equals null, NaN equals NaN, and 0.0 is not -0.0.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_BLOCK = 65_536
_PIECE = 262_144
"""Rows of a chunk of text that is put together."""
_INLINE = 12
"""Bytes of text that an Arrow view holds itself."""


def taken(column: Any, rows: Any) -> Any:
    """Return the values of some rows of a column.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Of a plain type.
    rows : numpy.ndarray of int32 or int64
        In any order; each is there.
    """
    kind = column.type
    if column.num_chunks > 1 and len(rows) and (rows[1:] >= rows[:-1]).all():
        return _taken_in_order(column, rows)
    many = 8 * len(rows) > len(column)
    if many and (pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)):
        return pa.chunked_array(_taken_text(one_array(column), rows), kind)
    return pa.chunked_array([_taken(one_array(column), rows)], kind)


def _taken(array: Any, rows: Any) -> Any:
    """Take rows in any order; values and what is null apart, which is much quicker in Arrow."""
    places = pa.array(rows)
    if not array.null_count or not is_fixed(array.type):
        return pc.take(array, places, boundscheck=False)
    bits, data = array.buffers()
    length = array.offset + len(array)
    values = pa.Array.from_buffers(array.type, length, [None, data])[array.offset :]
    valid = pa.Array.from_buffers(pa.bool_(), length, [None, bits])[array.offset :]
    values, valid = (pc.take(item, places, boundscheck=False) for item in (values, valid))
    return pa.Array.from_buffers(array.type, len(rows), [valid.buffers()[1], values.buffers()[1]])


def _taken_in_order(column: Any, rows: Any) -> Any:
    """Take rows that do not go back, chunk by chunk, so that nothing is put together first."""
    kind = column.type
    ends = np.cumsum([len(chunk) for chunk in column.chunks])
    borders = np.searchsorted(rows, ends)
    whole = valid = None
    if is_fixed(kind) and kind.bit_width <= 64:
        whole = np.empty(len(rows), f"i{kind.bit_width // 8}")
        valid = np.ones(len(rows), np.bool_) if column.null_count else None
    pieces, first, start = [], 0, 0
    for chunk, end, border in zip(column.chunks, ends.tolist(), borders.tolist(), strict=True):
        if border > first:
            one, chosen = pa.chunked_array([chunk]), rows[first:border] - start
            if whole is None:
                pieces.extend(taken(one, chosen).chunks)
            else:
                values, present = numbers(one)
                np.take(values, chosen, out=whole[first:border], mode="clip")
                if valid is not None and present is not None:
                    np.take(present, chosen, out=valid[first:border], mode="clip")
        first, start = border, end
    return pa.chunked_array(pieces, kind) if whole is None else made(kind, whole, valid)


def _taken_text(array: Any, rows: Any) -> list[Any]:
    """Take texts by their views, 16 bytes each: three times as quick as Arrow's own way."""
    found = views(array)
    if found is None:
        return [array.take(pa.array(rows))]
    bits, places, *data = found.buffers()
    places = np.frombuffer(places, np.complex128)[found.offset :]
    valid = None if bits is None else np.asarray(pc.is_valid(array))
    pieces = []
    for start in range(0, len(rows), _PIECE):  # the views of all would take much memory
        chosen = rows[start : start + _PIECE]
        if valid is not None:
            bits = pa.py_buffer(np.packbits(valid.take(chosen), bitorder="little"))
        buffers = [bits, pa.py_buffer(places.take(chosen)), *data]
        piece = pa.Array.from_buffers(found.type, len(chosen), buffers)
        pieces.append(piece.cast(array.type))
    return pieces


def replaced(column: Any, rows: Any, cells: Any) -> Any:
    """Return a column with other values in some rows.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Of a plain type.
    rows : numpy.ndarray of int64
        Rows to replace; those outside the column are passed over.
    cells : pyarrow.Array
        Their values.
    """
    kind = column.type
    inside = (rows >= 0) & (rows < len(column))
    if not inside.all():
        rows, cells = rows[inside], cells.filter(pa.array(inside))
    if not len(rows):
        return column
    cells = cells if cells.type == kind else cells.cast(kind)
    if is_fixed(kind):
        values, valid = numbers(column)
        new, new_valid = numbers(pa.chunked_array([cells]))
        values = values.copy()
        values[rows] = new
        if valid is not None or new_valid is not None:
            valid = np.ones(len(column), np.bool_) if valid is None else valid.copy()
            valid[rows] = True if new_valid is None else new_valid
        return made(kind, values, valid)
    if pa.types.is_nested(kind) or pa.types.is_null(kind):
        places = np.arange(len(column))
        places[rows] = len(column) + np.arange(len(rows))
        both = pa.concat_arrays([*column.chunks, cells])
        return pa.chunked_array([both.take(pa.array(places))], kind)
    mask = np.zeros(len(column), np.bool_)
    mask[rows] = True
    order = np.argsort(rows, kind="stable")
    if (np.diff(rows) < 0).any():
        cells = cells.take(pa.array(order))
    return pa.chunked_array([pc.replace_with_mask(one_array(column), pa.array(mask), cells)], kind)


def views(array: Any) -> Any:
    """Return texts as Arrow's views, or None where Arrow is too old for them."""
    text = pa.types.is_large_string(array.type)
    try:
        return array.cast(pa.string_view() if text else pa.binary_view())
    except (AttributeError, pa.ArrowNotImplementedError):
        return None


def differing(old: Any, new: Any, rows: Any = None) -> Any:
    """Return the rows in which two columns of one plain type differ.

    Parameters
    ----------
    old, new : pyarrow.ChunkedArray
        The columns; dictionary columns have the same dictionary.
    rows : numpy.ndarray of int, optional
        The row of ``old`` to compare with each of ``new``; the same rows by default.

    Returns
    -------
    numpy.ndarray of int64 or None
        None when values of this type cannot be compared one by one.
    """
    kind = new.type
    if pa.types.is_dictionary(kind):
        return differing(codes(old), codes(new), rows)
    if pa.types.is_nested(kind):
        return None
    if pa.types.is_null(kind):
        return np.zeros(0, np.int64)
    before, after = one_array(old), one_array(new)
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        found_views = views(before), views(after)
        if None not in found_views:
            return _differing_views(before, after, *found_views, rows)
    room = _raw(before)[:_BLOCK].copy() if is_fixed(kind) and rows is not None else None
    found = [np.zeros(0, np.int64)]
    for start in range(0, len(after), _BLOCK):  # in pieces that stay in the processor's cache
        block = after.slice(start, _BLOCK)
        chosen = slice(start, start + len(block)) if rows is None else rows[start : start + _BLOCK]
        if is_fixed(kind):
            changed = _differing_numbers(before, block, chosen, room)
        else:
            changed = _differing_others(before, block, chosen)
        found.append(np.flatnonzero(changed) + start)
    return np.concatenate(found)


def _differing_numbers(before: Any, after: Any, rows: Any, room: Any) -> Any:
    """Tell which values of a fixed width differ; their bytes are compared first."""
    held, new = _raw(before), _raw(after)
    if isinstance(rows, slice):
        old = held[rows]
    elif len(rows) <= len(room):
        # Into memory that is there already: to touch new pages takes longer than to copy.
        old = np.take(held, rows, axis=0, out=room[: len(rows)], mode="clip")
    else:
        old = held.take(rows, axis=0)
    changed = old != new
    if changed.ndim > 1:
        changed = changed.any(axis=1)
    if before.null_count or after.null_count:
        old_valid = _present(before, rows)
        new_valid = np.asarray(pc.is_valid(after))
        changed = (changed & old_valid & new_valid) | (old_valid != new_valid)
    if pa.types.is_floating(after.type) and changed.any():
        places = np.flatnonzero(changed)
        width = np.dtype(f"f{after.type.bit_width // 8}")
        both = np.isnan(old[places].view(width)) & np.isnan(new[places].view(width))
        if before.null_count or after.null_count:
            both &= old_valid[places] & new_valid[places]
        changed[places[both]] = False
    return changed


def _differing_views(before: Any, after: Any, old: Any, new: Any, rows: Any) -> Any:
    """Return the rows in which texts differ; short ones are compared by their views alone."""
    old_places = np.frombuffer(old.buffers()[1], np.complex128)[old.offset :]
    new_places = np.frombuffer(new.buffers()[1], np.complex128)[new.offset :]
    room = np.empty(_BLOCK, np.complex128)
    found = [np.zeros(0, np.int64)]
    for start in range(0, len(after), _BLOCK):
        stop = min(start + _BLOCK, len(after))
        chosen: Any = slice(start, stop)
        if rows is None:
            one = _halves(old_places[chosen])
        else:
            chosen = rows[start:stop]
            one = _halves(np.take(old_places, chosen, out=room[: stop - start], mode="clip"))
        other = _halves(new_places[start:stop])
        bits = one != other
        if not bits.any() and not (before.null_count or after.null_count):
            continue
        unlike = bits[:, 0] | bits[:, 1]
        if before.null_count or after.null_count:
            old_valid = _present(before, chosen)
            new_valid = np.asarray(pc.is_valid(after.slice(start, stop - start)))
            unlike = (unlike & old_valid & new_valid) | (old_valid != new_valid)
        places = np.flatnonzero(unlike)
        if len(places) and (one[places, 0].astype(np.int32) > _INLINE).any():
            # A longer text's view says where it lies, which is no part of its value.
            there = places + start if rows is None else chosen[places]
            pair = (_taken(before, there), _taken(after, places + start))
            places = places[_differing_others(*pair, slice(0, len(places)))]
        found.append(places + start)
    return np.concatenate(found)


def _halves(views: Any) -> Any:
    """Return views as two integers each."""
    return views.view(np.int64).reshape(-1, 2)


def _differing_others(before: Any, after: Any, rows: Any) -> Any:
    """Tell which texts, bytes or booleans differ."""
    if isinstance(rows, slice):
        old = before.slice(rows.start, rows.stop - rows.start)
    else:
        old = _taken(before, rows)
    if old.equals(after):
        return np.zeros(len(after), np.bool_)
    changed = pc.fill_null(pc.not_equal(old, after), False)
    if old.null_count or after.null_count:
        changed = pc.or_(changed, pc.xor(pc.is_null(old), pc.is_null(after)))
    return np.asarray(changed)


def _present(array: Any, rows: Any) -> Any:
    """Tell which of some rows are not null."""
    if not array.null_count:
        return np.ones(rows.stop - rows.start if isinstance(rows, slice) else len(rows), np.bool_)
    if isinstance(rows, slice):
        return np.asarray(pc.is_valid(array.slice(rows.start, rows.stop - rows.start)))
    bits = np.frombuffer(array.buffers()[0], np.uint8)
    places = rows + array.offset
    return ((bits[places >> 3] >> (places & 7).astype(np.uint8)) & 1).astype(np.bool_)


def _raw(array: Any) -> Any:
    """Return values of a fixed width as integers; of more than 8 bytes, as rows of several."""
    width = array.type.bit_width // 8
    data = np.frombuffer(array.buffers()[1] or b"", np.uint8)
    data = data[array.offset * width : (array.offset + len(array)) * width]
    values = data.view(f"i{min(width, 8)}")
    return values.reshape(-1, width // 8) if width > 8 else values


def codes(column: Any) -> Any:
    """Return a dictionary column's indices (of one dictionary for all chunks)."""
    return pa.chunked_array([chunk.indices for chunk in column.chunks], column.type.index_type)


def with_dictionary(column: Any, dictionary: Any) -> Any:
    """Return a dictionary column with one chunk or more, from its indices."""
    chunks = column.chunks or [pa.array([], pa.int32())]
    return pa.chunked_array([pa.DictionaryArray.from_arrays(chunk, dictionary) for chunk in chunks])


def in_one_dictionary(chunk: Any, dictionary: Any) -> Any:
    """Return a chunk's values as indices (int32) into a dictionary that has them all."""
    if pa.types.is_dictionary(chunk.type):
        own = chunk.dictionary
        own = own if own.type == dictionary.type else own.cast(dictionary.type)
        if own.equals(dictionary.slice(0, len(own))):
            return chunk.indices.cast(pa.int32())
        return pc.index_in(own, dictionary).take(chunk.indices).cast(pa.int32())
    plain = chunk if chunk.type == dictionary.type else chunk.cast(dictionary.type)
    return pc.index_in(plain, dictionary).cast(pa.int32())


def one_array(column: Any) -> Any:
    """Return a chunked column as one array."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def is_fixed(kind: Any) -> bool:
    """Tell whether values of a type all have the same whole number of bytes."""
    return bool(
        (pa.types.is_primitive(kind) and not pa.types.is_boolean(kind)) or pa.types.is_decimal(kind)
    )


def numbers(column: Any) -> tuple[Any, Any]:
    """Return a fixed-width column as NumPy integers, and which values are not null (or None).

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Its values are read as integers of their width; wider than 8 bytes, as rows of several.
    """
    array = one_array(column)
    return _raw(array), np.asarray(pc.is_valid(array)) if array.null_count else None


def made(kind: Any, values: Any, valid: Any, length: int | None = None) -> Any:
    """Return a column made of what `numbers` gives.

    Parameters
    ----------
    kind : pyarrow.DataType
        Its type.
    values : numpy.ndarray
        The values' bytes.
    valid : numpy.ndarray of bool or None
        Which are not null.
    length : int, optional
        How many there are, when they have bits and not bytes.
    """
    bits = None
    if valid is not None:
        bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    data = pa.py_buffer(np.ascontiguousarray(values))
    count = len(values) if length is None else length
    return pa.chunked_array([pa.Array.from_buffers(kind, count, [bits, data])], kind)
