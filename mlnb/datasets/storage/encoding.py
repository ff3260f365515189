"""A table of plain values as one Parquet file, each column in the encoding that suits it.

Parquet writers try a dictionary for every column and give it up late; that is most of the time
they take. Here a sample of the column decides before: a dictionary where values repeat, deltas
for other whole numbers and times, split bytes for other floats.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlnb.core.errors import UnsupportedData
from mlnb.core.hashing import digest_bytes
from mlnb.datasets.storage.manifest import Chunk, PartFile, StoredColumn
from mlnb.datasets.tables import type_name

_SAMPLE = 4_096
_PIECES = 8
_FEW = 16_384


@dataclass(frozen=True)
class Encoding:
    """How a column is written."""

    dictionary: bool = False
    encoding: str | None = None
    compression: str = "zstd"


def choose(values: Any, pool: Executor) -> list[Encoding]:
    """Return an encoding for each column of a table."""
    return list(pool.map(_choose, values.columns))


def encode(values: Any, encodings: Sequence[Encoding]) -> Any:
    """Return a table as the bytes of a Parquet file with one row group.

    Returns
    -------
    pyarrow.Buffer

    Raises
    ------
    UnsupportedData
        If Parquet cannot hold a column exactly.
    """
    sink = pa.BufferOutputStream()
    rows = max(values.num_rows, 1)
    try:
        options = _options(values.schema, encodings)
        with pq.ParquetWriter(
            sink, values.schema, version="2.6", write_statistics=False, **options
        ) as writer:
            writer.write_table(values, row_group_size=rows)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise UnsupportedData(f"The table cannot be stored as Parquet: {error}.") from None
    buffer = sink.getvalue()
    check_nested(values, buffer)
    return buffer


def store_file(
    values: Any,
    columns: Sequence[int],
    encodings: Sequence[Encoding],
    put: Callable[[Any, str], object],
) -> PartFile:
    """Encode and store a file, and return where each of its columns is.

    Parameters
    ----------
    values : pyarrow.Table
        One row range of some columns.
    columns : sequence of int
        Their positions in the version's table.
    encodings : sequence of Encoding
        One for each.
    put : callable
        Stores a buffer under its digest.
    """
    buffer = encode(values, encodings)
    data = memoryview(buffer)
    metadata = pq.read_metadata(pa.BufferReader(buffer))
    stored, end = _places(metadata, data, values.schema, columns, encodings)
    digest = digest_bytes(data)
    put(buffer, digest)
    footer = Chunk(start=end, size=len(data) - end, digest=digest_bytes(data[end:]))
    return PartFile(object=digest, size=len(data), footer=footer, columns=stored)


def check_nested(values: Any, parquet: Any) -> None:
    """Raise `UnsupportedData` if nested columns would not come back from Parquet as they are."""
    names = [item.name for item in values.schema if pa.types.is_nested(item.type)]
    for name in names:
        try:
            found = pq.ParquetFile(pa.BufferReader(parquet)).read(columns=[name])[name]
            same = found.equals(values[name]) or (
                repr(found.to_pylist()) == repr(values[name].to_pylist())
            )
        except pa.ArrowException:
            same = False
        if not same:
            raise UnsupportedData(
                f"Column {name!r} ({type_name(values[name].type)}) would not come back exactly.",
                "Move its inner values to columns of their own.",
            )


def _places(
    metadata: Any,
    data: memoryview,
    schema: Any,
    columns: Sequence[int],
    encodings: Sequence[Encoding],
) -> tuple[list[StoredColumn], int]:
    """Return the place of each column, and where the last one ends."""
    end = 4  # the magic number
    leaf = 0
    stored = []
    for item, column, encoding in zip(schema, columns, encodings, strict=True):
        start = end
        for _ in range(_leaves(item.type)):
            if metadata.num_row_groups:
                chunk = metadata.row_group(0).column(leaf)
                first = chunk.data_page_offset
                if chunk.dictionary_page_offset is not None:
                    first = min(first, chunk.dictionary_page_offset)
                end = max(end, first + chunk.total_compressed_size)
            leaf += 1
        digest = digest_bytes(data[start:end])
        stored.append(
            StoredColumn(
                column=column,
                name=item.name,
                start=start,
                size=end - start,
                digest=digest,
                words=encoding.dictionary and is_text(item.type),
            )
        )
    return stored, end


def is_text(kind: Any) -> bool:
    """Tell whether a type is that of texts or bytes of any length."""
    return bool(pa.types.is_large_string(kind) or pa.types.is_large_binary(kind))


def _leaves(kind: Any) -> int:
    """Return how many Parquet columns hold a column of a type."""
    if pa.types.is_dictionary(kind) or not pa.types.is_nested(kind):
        return 1
    return sum(_leaves(kind.field(index).type) for index in range(kind.num_fields))


def _options(schema: Any, encodings: Sequence[Encoding]) -> dict[str, Any]:
    if any(pa.types.is_nested(item.type) for item in schema):
        # Options go by the path of the leaf, which only Parquet itself knows for nested columns.
        return {"compression": "zstd"}
    names = schema.names
    if any("." in name for name in names):  # a dot reads as a path
        return {"compression": "zstd"}
    chosen = dict(zip(names, encodings, strict=True))
    return {
        "compression": {name: item.compression for name, item in chosen.items()},
        "use_dictionary": [name for name, item in chosen.items() if item.dictionary],
        "column_encoding": {n: item.encoding for n, item in chosen.items() if item.encoding},
    }


def _choose(column: Any) -> Encoding:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return Encoding(dictionary=True)
    if pa.types.is_boolean(kind) or pa.types.is_null(kind) or pa.types.is_nested(kind):
        return Encoding()
    if len(column) <= _FEW:
        return Encoding(dictionary=True)  # to look at a sample would take as long
    width = _delta_width(kind)
    floating = pa.types.is_float32(kind) or pa.types.is_float64(kind)
    distinct = _distinct(_spread(column), len(column))
    bits = np.log2(max(distinct, 2))
    if width:
        bulk = bits + distinct * width / max(len(column), 1)
        if bulk < 0.75 * _delta_bits(_runs(column)):
            return Encoding(dictionary=True)
        return Encoding(encoding="DELTA_BINARY_PACKED", compression="none")
    if distinct * 8 <= len(column):
        return Encoding(dictionary=True)
    if floating:
        return Encoding(encoding="BYTE_STREAM_SPLIT", compression="lz4")
    if is_text(kind):  # lengths apart from the bytes: smaller, and quicker to write
        return Encoding(encoding="DELTA_LENGTH_BYTE_ARRAY")
    return Encoding()


def _spread(column: Any) -> Any:
    """Return evenly spaced values of a column as one array."""
    if len(column) <= _SAMPLE:
        return column.combine_chunks()
    places = np.linspace(0, len(column) - 1, _SAMPLE).astype(np.int64)
    if column.num_chunks == 1:
        return column.chunk(0).take(pa.array(places))
    return column.take(pa.array(places)).combine_chunks()


def _runs(column: Any) -> Any:
    """Return some short runs of a column as one array."""
    if len(column) <= _SAMPLE:
        return column.combine_chunks()
    size = _SAMPLE // _PIECES
    starts = np.linspace(0, len(column) - size, _PIECES).astype(int)
    return pa.chunked_array([c for at in starts for c in column.slice(at, size).chunks])


def _distinct(sample: Any, rows: int) -> float:
    """Estimate how many different values a column has from a sample of it.

    Chao's estimator from the values seen once and twice (Chao 1984, "Nonparametric estimation of
    the number of classes in a population"), capped at the number of rows.
    """
    try:
        counts = np.asarray(pc.value_counts(sample.drop_null()).field("counts"))
    except pa.ArrowNotImplementedError:
        return float(rows)
    if not len(counts):
        return 1.0
    if len(sample) == rows:
        return float(len(counts))
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    return float(min(rows, len(counts) + once * (once - 1) / (2 * (twice + 1))))


def _delta_width(kind: Any) -> int:
    """Return the bits of a type that deltas can encode, or 0."""
    fits = (
        pa.types.is_timestamp(kind)
        or pa.types.is_time(kind)
        or pa.types.is_date32(kind)
        or pa.types.is_duration(kind)
        or pa.types.is_int32(kind)
        or pa.types.is_int64(kind)
        or pa.types.is_int16(kind)
        or pa.types.is_int8(kind)
        or pa.types.is_unsigned_integer(kind)
    )
    return int(kind.bit_width) if fits else 0


def _delta_bits(sample: Any) -> float:
    """Estimate the bits a value takes as a delta from the one before it."""
    array = sample.combine_chunks() if isinstance(sample, pa.ChunkedArray) else sample
    array = array.drop_null()
    if len(array) < 2:
        return 1.0
    width = array.type.bit_width
    numbers = np.frombuffer(array.buffers()[1], f"i{width // 8}")
    numbers = numbers[array.offset : array.offset + len(array)].astype(np.float64)
    deltas = np.diff(numbers)
    spread = np.percentile(deltas, 98) - np.percentile(deltas, 2)
    return float(np.log2(spread + 2))


def looks_unique(column: Any) -> bool:
    """Tell whether the values of a column may identify rows: a sample of it has no value twice."""
    kind = column.type
    text = pa.types.is_large_string(kind) or pa.types.is_large_binary(kind)
    if column.null_count or not (pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or text):
        return False
    sample = _spread(column)
    return bool(pc.count_distinct(sample).as_py() == len(sample))


def rises(column: Any) -> bool:
    """Tell whether a column of whole numbers or times has no nulls and only ever rises."""
    kind = column.type
    if column.null_count or not (pa.types.is_integer(kind) or pa.types.is_timestamp(kind)):
        return False
    width = f"{'u' if pa.types.is_unsigned_integer(kind) else 'i'}{kind.bit_width // 8}"
    last = None
    for chunk in column.chunks:
        numbers = np.frombuffer(chunk.buffers()[1], width)
        numbers = numbers[chunk.offset : chunk.offset + len(chunk)]
        if last is not None and len(numbers) and numbers[0] <= last:
            return False
        if not (numbers[1:] > numbers[:-1]).all():
            return False
        last = numbers[-1] if len(numbers) else last
    return True
