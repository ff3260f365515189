"""A table as it is stored: plain values for Parquet, and a layout that restores the rest.

Parquet cannot hold every Arrow type exactly (categories, seconds, views, extensions), so a table
is stored as two objects. The *values* are an ordinary Parquet file of plain types that any tool
reads. The *layout* is an Arrow IPC stream without rows: its schema has the exact types and
metadata, its dictionaries the categories in their order, and its ``mlnb`` metadata the pandas
layout. `pack` and `unpack` are inverse.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlnb.core.errors import UnreadableRecord, UnsupportedData
from mlnb.core.records import Column

ROW_GROUP = 262_144
_PANDAS_LAYOUT = b"mlnb"


@dataclass(frozen=True)
class Content:
    """A table to be stored, or as it was stored.

    Attributes
    ----------
    table : pyarrow.Table
        With the exact types; every dictionary column has one dictionary for all its chunks.
    pandas : dict
        How pandas laid it out where that differs from the default for the Arrow types; JSON
        types only. Empty for a table that did not come from pandas.
    """

    table: Any
    pandas: dict[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> list[Column]:
        """Return each column's name and type."""
        return [Column(name=item.name, type=type_name(item.type)) for item in self.table.schema]


def content(table: Any, pandas: dict[str, Any] | None = None) -> Content:
    """Check a table and bring its dictionaries in one form.

    Raises
    ------
    UnsupportedData
        Naming the column that cannot be stored, and why.
    """
    names = table.schema.names
    if not names:
        raise UnsupportedData("The table has no columns.", "Give it at least one column.")
    check_unique(names)
    for name in names:
        if not _is_text(name):
            raise UnsupportedData(f"The column name {name!r} is not valid Unicode.", "Rename it.")
    columns = [
        _one_dictionary(column, item) for column, item in zip(table, table.schema, strict=True)
    ]
    return Content(pa.Table.from_arrays(columns, schema=table.schema), pandas or {})


def check_unique(names: Sequence[str]) -> None:
    """Raise `UnsupportedData` if two columns have one name."""
    for name, count in Counter(names).items():
        if count > 1:
            raise UnsupportedData(f"Two columns are called {name!r}.", "Rename one of them.")


def plain(table: Any) -> Any:
    """Return a table with the values of another in types that Parquet holds.

    Raises
    ------
    UnsupportedData
        Naming the column of a type that Parquet does not have.
    """
    columns = []
    for column, item in zip(table, table.schema, strict=True):
        kind = _plain_type(item.type, item.name)
        columns.append(_plain_column(column, kind))
    return pa.table(columns, names=table.schema.names)


def pack(content: Content, values: Any) -> tuple[bytes, bytes]:
    """Return the two objects of a table: Parquet values and layout.

    Parameters
    ----------
    content : Content
        The table.
    values : pyarrow.Table
        Its `plain` form.

    Raises
    ------
    UnsupportedData
        If Parquet cannot hold a column exactly.
    """
    sink = pa.BufferOutputStream()
    try:
        pq.write_table(values, sink, compression="zstd", row_group_size=ROW_GROUP, version="2.6")
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid) as error:
        raise UnsupportedData(f"The table cannot be stored as Parquet: {error}.") from None
    parquet = sink.getvalue().to_pybytes()
    _check_nested(values, parquet)
    return parquet, _pack_layout(content)


def unpack(parquet: bytes, layout: bytes, columns: list[str] | None = None) -> Content:
    """Restore a table from its two objects.

    Parameters
    ----------
    parquet, layout : bytes
        As `pack` gave them.
    columns : list of str, optional
        Restore these columns only, in this order. They must exist.

    Raises
    ------
    UnreadableRecord
        If the objects do not belong together or are damaged.
    """
    try:
        with pa.ipc.open_stream(layout) as stream:
            shape = stream.read_all()
        metadata = dict(shape.schema.metadata or {})
        pandas = json.loads(metadata.pop(_PANDAS_LAYOUT, b"{}"))
        shape = shape.replace_schema_metadata(metadata or None)
        if columns is not None:
            shape = shape.select(columns)
        values = pq.read_table(pa.BufferReader(parquet), columns=shape.schema.names)
        restored = [_restore(values[item.name], item, shape[item.name]) for item in shape.schema]
    except (pa.ArrowException, ValueError, KeyError, OSError) as error:
        raise UnreadableRecord("table", str(error)) from error
    return Content(pa.Table.from_arrays(restored, schema=shape.schema), pandas)


def stored_names(layout: bytes) -> tuple[list[str], dict[str, Any]]:
    """Return a layout's column names and pandas layout, without reading any values."""
    with pa.ipc.open_stream(layout) as stream:
        schema = stream.schema
    return schema.names, json.loads((schema.metadata or {}).get(_PANDAS_LAYOUT, b"{}"))


def type_name(kind: Any) -> str:
    """Return a type's name, the same for types that differ only in how memory is laid out."""
    if pa.types.is_dictionary(kind):
        ordered = ", ordered" if kind.ordered else ""
        return f"dictionary<{type_name(kind.value_type)}{ordered}>"
    if pa.types.is_run_end_encoded(kind):
        return type_name(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return "string"
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return "binary"
    if pa.types.is_fixed_size_list(kind):
        return f"list<{type_name(kind.value_type)}>[{kind.list_size}]"
    if _is_list(kind):
        return f"list<{type_name(kind.value_type)}>"
    if pa.types.is_struct(kind):
        inner = ", ".join(f"{item.name}: {type_name(item.type)}" for item in kind)
        return f"struct<{inner}>"
    if pa.types.is_map(kind):
        return f"map<{type_name(kind.key_type)}, {type_name(kind.item_type)}>"
    return str(kind)


def _check_nested(values: Any, parquet: bytes) -> None:
    """Raise `UnsupportedData` if nested columns would not come back from Parquet as they are."""
    names = [item.name for item in values.schema if pa.types.is_nested(item.type)]
    for name in names:
        try:
            found = pq.read_table(pa.BufferReader(parquet), columns=[name])[name]
            same = repr(found.to_pylist()) == repr(values[name].to_pylist())
        except pa.ArrowException:
            same = False
        if not same:
            raise UnsupportedData(
                f"Column {name!r} ({type_name(values[name].type)}) would not come back exactly.",
                "Move its inner values to columns of their own.",
            )


def _pack_layout(content: Content) -> bytes:
    schema = content.table.schema
    metadata = dict(schema.metadata or {})
    if content.pandas:
        metadata[_PANDAS_LAYOUT] = json.dumps(content.pandas, sort_keys=True).encode()
    empty = [
        _without_rows(column, item) for column, item in zip(content.table, schema, strict=True)
    ]
    batch = pa.RecordBatch.from_arrays(empty, schema=schema.with_metadata(metadata or None))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return bytes(sink.getvalue().to_pybytes())


def _without_rows(column: Any, item: Any) -> Any:
    if not pa.types.is_dictionary(item.type) or not column.num_chunks:
        return pa.array([], item.type) if not _is_extension(item.type) else _empty(item.type)
    indices = pa.array([], item.type.index_type)
    dictionary = column.chunk(0).dictionary
    return pa.DictionaryArray.from_arrays(indices, dictionary, ordered=item.type.ordered)


def _empty(kind: Any) -> Any:
    return pa.ExtensionArray.from_storage(kind, pa.array([], kind.storage_type))


def _one_dictionary(column: Any, item: Any) -> Any:
    if not pa.types.is_dictionary(item.type):
        return column
    if any(
        str(key, "utf-8", "replace").startswith("_PL_CATEGORICAL") for key in item.metadata or {}
    ):
        # The order of a polars categorical's dictionary is an accident of its process.
        column = column.cast(item.type.value_type)
    if column.num_chunks > 1:
        column = column.unify_dictionaries()
    if column.num_chunks != 1 or not pa.types.is_dictionary(column.type):
        column = pa.chunked_array([column.combine_chunks()])
    chunk = column.chunk(0)
    if not pa.types.is_dictionary(chunk.type):
        chunk = _encode(chunk, item.type)
    elif chunk.dictionary.null_count:
        chunk = _encode(chunk.dictionary_decode(), item.type)
    return pa.chunked_array([chunk], item.type)


def _encode(values: Any, kind: Any) -> Any:
    encoded = values.dictionary_encode()
    return pa.DictionaryArray.from_arrays(
        encoded.indices.cast(kind.index_type), encoded.dictionary, ordered=kind.ordered
    )


def _plain_type(kind: Any, column: str) -> Any:
    """Return the type that a column of another is stored in."""
    if pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        return _plain_type(kind.value_type, column)
    if _is_extension(kind):
        return _plain_type(kind.storage_type, column)
    if pa.types.is_string_view(kind) or pa.types.is_string(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind) or pa.types.is_binary(kind):
        return pa.large_binary()
    if _is_foreign(kind):
        raise UnsupportedData(
            f"Column {column!r} is of type {kind}, which Parquet does not hold.",
            "Convert the column to another type.",
        )
    if pa.types.is_struct(kind) and not kind.num_fields:
        raise UnsupportedData(f"Column {column!r} is a struct without fields.", "Drop the column.")
    inner = [kind.field(index).type for index in range(kind.num_fields)]
    if any(_must_change(item) for item in inner):
        raise UnsupportedData(
            f"Column {column!r} is of type {kind}; inside lists and structs there can be "
            "plain types only.",
            "Convert the inner values, or move them to a column of their own.",
        )
    if _is_list(kind) or pa.types.is_fixed_size_list(kind):
        # Arrow cannot read fixed-size lists back from Parquet where one is null.
        return pa.large_list(_plain_type(kind.value_type, column))
    if pa.types.is_struct(kind):
        fields = [(item.name, _plain_type(item.type, column)) for item in kind]
        return pa.struct(fields)
    return kind


def _must_change(kind: Any) -> bool:
    if (
        pa.types.is_dictionary(kind)
        or pa.types.is_run_end_encoded(kind)
        or _is_extension(kind)
        or _is_foreign(kind)
    ):
        return True
    return any(_must_change(kind.field(index).type) for index in range(kind.num_fields))


def _plain_column(column: Any, kind: Any) -> Any:
    if _is_extension(column.type):
        chunks = [chunk.storage for chunk in column.chunks]
        column = pa.chunked_array(chunks, column.type.storage_type)
    if pa.types.is_run_end_encoded(column.type):
        chunks = [pc.run_end_decode(chunk) for chunk in column.chunks]
        column = pa.chunked_array(chunks, column.type.value_type)
    if pa.types.is_dictionary(column.type):
        chunks = [chunk.dictionary.take(chunk.indices) for chunk in column.chunks]
        column = pa.chunked_array(chunks, column.type.value_type)
    return column if column.type == kind else column.cast(kind)


def _restore(values: Any, item: Any, shape: Any) -> Any:
    """Give plain values their exact type back; a dictionary comes from the layout."""
    kind = item.type
    if pa.types.is_dictionary(kind):
        dictionary = shape.chunk(0).dictionary
        if pa.types.is_nested(kind.value_type):
            indices = _positions(values.to_pylist(), dictionary.to_pylist(), kind.index_type)
        else:
            wanted = _plain_column(pa.chunked_array([dictionary]), values.type).combine_chunks()
            indices = pc.index_in(values, wanted).combine_chunks().cast(kind.index_type)
        return pa.DictionaryArray.from_arrays(indices, dictionary, ordered=kind.ordered)
    if pa.types.is_run_end_encoded(kind):
        chunk = pc.run_end_encode(
            values.combine_chunks().cast(kind.value_type), run_end_type=kind.run_end_type
        )
        return pa.chunked_array([chunk], kind)
    if _is_extension(kind):
        chunks = values.cast(kind.storage_type).chunks
        made = [pa.ExtensionArray.from_storage(kind, chunk) for chunk in chunks]
        return pa.chunked_array(made, kind)
    return values if values.type == kind else values.cast(kind)


def _positions(values: list[Any], dictionary: list[Any], kind: Any) -> Any:
    place = {repr(value): index for index, value in enumerate(dictionary)}
    return pa.array([None if value is None else place[repr(value)] for value in values], kind)


def _is_extension(kind: Any) -> bool:
    return isinstance(kind, pa.BaseExtensionType)


def _is_list(kind: Any) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _is_foreign(kind: Any) -> bool:
    """Tell whether Parquet does not hold a type (or Arrow cannot convert it to one it does)."""
    return bool(
        pa.types.is_union(kind)
        or pa.types.is_interval(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
