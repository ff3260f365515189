"""Take, replace and compare values of plain columns, exactly as they are stored.

Equal here means: loads back the same. Null equals null, NaN equals NaN, and 0.0 is not -0.0.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlnb.datasets.storage.units import fixed_width


def taken(column: Any, rows: Any) -> Any:
    """Return the values of some rows of a column.

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Of a plain type.
    rows : numpy.ndarray of int64
        In any order; none is negative.
    """
    kind = column.type
    if not is_fixed(kind):
        return pa.chunked_array([one_array(column).take(pa.array(rows))], kind)
    values, valid = numbers(column)
    return made(kind, values.take(rows, axis=0), None if valid is None else valid.take(rows))


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


def differing(old: Any, new: Any) -> Any:
    """Return the rows in which two columns of one plain type and length differ.

    Returns
    -------
    numpy.ndarray of int64 or None
        None when values of this type cannot be compared one by one.
    """
    kind = new.type
    if pa.types.is_dictionary(kind):
        return differing(codes(old), codes(new))
    if pa.types.is_nested(kind):
        return None
    if pa.types.is_null(kind):
        return np.zeros(0, np.int64)
    if not is_fixed(kind):
        return _differing_variable(old, new)
    before, before_valid = numbers(old, canonical=True)
    after, after_valid = numbers(new, canonical=True)
    changed = before != after
    if changed.ndim > 1:
        changed = changed.any(axis=1)
    if before_valid is not None or after_valid is not None:
        one = True if before_valid is None else before_valid
        other = True if after_valid is None else after_valid
        changed |= np.not_equal(one, other)
    return np.flatnonzero(changed)


def _differing_variable(old: Any, new: Any) -> Any:
    before, after = one_array(old), one_array(new)
    changed = pc.fill_null(pc.not_equal(before, after), False)
    if before.null_count or after.null_count:
        changed = pc.or_(changed, pc.xor(pc.is_null(before), pc.is_null(after)))
    return np.flatnonzero(np.asarray(changed))


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


def numbers(column: Any, *, canonical: bool = False) -> tuple[Any, Any]:
    """Return a fixed-width column as NumPy integers, and which values are not null (or None).

    Parameters
    ----------
    column : pyarrow.ChunkedArray
        Its values are read as integers of their width; wider than 8 bytes, as rows of several.
    canonical : bool
        Bring nulls and NaN to one form each, so that equal integers are equal values.
    """
    width = column.type.bit_width // 8
    kind = np.dtype(f"i{min(width, 8)}")
    has_nulls = bool(column.null_count)
    values, valid = [], []
    for chunk in column.chunks:
        present = np.asarray(pc.is_valid(chunk)) if has_nulls else None
        if canonical:
            raw = fixed_width(chunk, present)
        else:
            data = np.frombuffer(chunk.buffers()[1] or b"", np.uint8)
            raw = data[chunk.offset * width : (chunk.offset + len(chunk)) * width]
        values.append(raw.view(kind))
        valid.append(present)
    joined = values[0] if len(values) == 1 else np.concatenate(values or [np.zeros(0, kind)])
    joined = joined.reshape(-1, width // 8) if width > 8 else joined
    if not has_nulls:
        return joined, None
    return joined, valid[0] if len(valid) == 1 else np.concatenate(valid)


def made(kind: Any, values: Any, valid: Any) -> Any:
    """Return a column made of what `numbers` gives."""
    bits = None
    if valid is not None:
        bits = pa.py_buffer(np.packbits(valid, bitorder="little"))
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.chunked_array([pa.Array.from_buffers(kind, len(values), [bits, data])], kind)
