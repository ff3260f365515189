"""The digest of a table's logical content.

Two tables have one digest when they have the same column names, types, values, row order and
pandas layout, whatever library made them and however memory is laid out: chunks, offsets, bytes
under nulls, NaN payloads and 32- or 64-bit string offsets do not count. Columns are read in
blocks of a fixed number of rows, so memory is bounded and chunk borders leave no trace. The
digest is BLAKE3 over a JSON header (format, rows, columns, pandas layout) and one digest per
column. To change it, raise `DIGEST_FORMAT`: old versions keep their digests, and the next save of
the same data makes a version.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mlnb.core.hashing import Hasher, digest_json
from mlnb.datasets.tables import Content

DIGEST_FORMAT = 1
_BLOCK = 65_536


def digest_content(content: Content, values: Any) -> str:
    """Return the digest of a table.

    Parameters
    ----------
    content : Content
        The table.
    values : pyarrow.Table
        Its plain form (`tables.plain`).
    """
    with ThreadPoolExecutor(max_workers=4) as pool:  # hashing and Arrow release the GIL
        columns = list(pool.map(_digest_column, values.columns))
        categories = list(pool.map(_digest_categories, content.table.columns))
    schema = [[column.name, column.type] for column in content.columns]
    return digest_json(
        {
            "format": DIGEST_FORMAT,
            "rows": values.num_rows,
            "columns": schema,
            "values": columns,
            "categories": categories,
            "pandas": content.pandas,
        }
    )


def _digest_column(column: Any) -> str:
    hasher = Hasher()
    for start in range(0, len(column), _BLOCK):
        block = column.slice(start, _BLOCK).combine_chunks()
        _update(hasher, block)
    return str(hasher.hexdigest())


def _digest_categories(column: Any) -> str:
    if not pa.types.is_dictionary(column.type) or not column.num_chunks:
        return ""
    hasher = Hasher()
    _update(hasher, column.chunk(0).dictionary)
    return str(hasher.hexdigest())


def _update(hasher: Any, array: Any) -> None:
    """Hash an array's length, which values are null, and the values that are not."""
    kind = array.type
    hasher.update(len(array).to_bytes(8, "little"))
    valid = None
    if array.null_count:
        valid = np.asarray(pc.is_valid(array))
        hasher.update(np.packbits(valid).tobytes())
    if pa.types.is_null(kind):
        return
    if pa.types.is_boolean(kind):
        hasher.update(np.packbits(np.asarray(pc.fill_null(array, False))).tobytes())
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


def _update_variable(hasher: Any, array: Any, valid: Any) -> None:
    if not (pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)):
        array = array.cast(pa.large_binary())
    if valid is not None:
        array = pc.fill_null(array, b"" if pa.types.is_large_binary(array.type) else "")
    _validity, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    hasher.update(np.diff(starts).tobytes())
    if data is not None and len(starts):
        hasher.update(memoryview(data)[int(starts[0]) : int(starts[-1])])


def _fixed_width(array: Any, valid: Any) -> Any:
    width = array.type.bit_width // 8
    data = array.buffers()[1]
    if data is None:
        return b""
    view = np.frombuffer(data, np.uint8)[array.offset * width : (array.offset + len(array)) * width]
    if pa.types.is_floating(array.type):
        floats = view.view(f"f{width}")
        missing = np.isnan(floats)
        if missing.any():
            floats = floats.copy()
            floats[missing] = np.nan
            view = floats.view(np.uint8)
    if valid is not None:
        rows = view.reshape(len(array), width).copy()
        rows[~valid] = 0
        view = rows.reshape(-1)
    return np.ascontiguousarray(view)


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
