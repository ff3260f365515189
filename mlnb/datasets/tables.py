"""A table as it is stored: plain values for Parquet, and a layout that restores the rest.

Parquet cannot hold every Arrow type exactly (categories, seconds, views, extensions), so a table
is stored as values and layout. The *values* are a table of plain types, stored as ordinary
Parquet (see `mlnb.datasets.storage`). The *layout* is an Arrow IPC stream without rows: its
schema has the exact types and metadata, its dictionaries the categories in their order, and its
``mlnb`` metadata the pandas layout. `plain` and `restore` are inverse.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mlnb.core.errors import UnreadableRecord, UnsupportedData
from mlnb.core.records import Column

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


@dataclass(frozen=True)
class Layout:
    """What a table is beside its plain values.

    Attributes
    ----------
    shape : pyarrow.Table
        Without rows; the exact types and metadata, each dictionary column with its dictionary.
    pandas : dict
        As in `Content`.
    """

    shape: Any
    pandas: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """Return the names of the columns."""
        return list(self.shape.schema.names)

    def field(self, name: str) -> tuple[Any, Any]:
        """Return a column's plain dictionary (None when it has none) and its plain type."""
        item = self.shape.schema.field(name)
        kind = _plain_type(item.type, name)
        if not pa.types.is_dictionary(kind):
            return None, kind
        dictionary = self.shape[name].chunk(0).dictionary
        return _plain_column(pa.chunked_array([dictionary]), kind.value_type).combine_chunks(), kind


def pack_layout(content: Content) -> bytes:
    """Return a table's layout as it is stored."""
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


def open_layout(layout: bytes) -> Layout:
    """Read a layout.

    Raises
    ------
    UnreadableRecord
        If it is none.
    """
    try:
        with pa.ipc.open_stream(layout) as stream:
            shape = stream.read_all()
        metadata = dict(shape.schema.metadata or {})
        pandas = json.loads(metadata.pop(_PANDAS_LAYOUT, b"{}"))
    except (pa.ArrowException, ValueError, OSError) as error:
        raise UnreadableRecord("layout", str(error)) from error
    return Layout(shape.replace_schema_metadata(metadata or None), pandas)


def restore(columns: Sequence[Any], layout: Layout, names: Sequence[str]) -> Content:
    """Return the table that plain values were made from.

    Parameters
    ----------
    columns : sequence of pyarrow.ChunkedArray
        The plain values.
    layout : Layout
        Of the whole table.
    names : sequence of str
        The column that each of the values is.

    Raises
    ------
    UnreadableRecord
        If values and layout do not belong together.
    """
    shape = layout.shape.select(list(names))
    try:
        restored = [
            _restore(values, item, shape[item.name])
            for values, item in zip(columns, shape.schema, strict=True)
        ]
    except (pa.ArrowException, ValueError, KeyError) as error:
        raise UnreadableRecord("table", str(error)) from error
    return Content(pa.Table.from_arrays(restored, schema=shape.schema), layout.pandas)


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
    if pa.types.is_dictionary(kind):
        value = _plain_type(kind.value_type, column)
        nested = pa.types.is_nested(value) or pa.types.is_dictionary(value)
        return value if nested or pa.types.is_null(value) else pa.dictionary(pa.int32(), value)
    if pa.types.is_run_end_encoded(kind):
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
        return _plain_dictionary(column, kind)
    return column if column.type == kind else column.cast(kind)


def _plain_dictionary(column: Any, kind: Any) -> Any:
    if not pa.types.is_dictionary(kind):
        chunks = [chunk.dictionary.take(chunk.indices) for chunk in column.chunks]
        return pa.chunked_array(chunks, column.type.value_type).cast(kind)
    values = pa.chunked_array([column.chunk(0).dictionary])
    dictionary = _plain_column(values, kind.value_type).combine_chunks()
    indices = [chunk.indices.cast(pa.int32()) for chunk in column.chunks]
    return pa.chunked_array(
        [pa.DictionaryArray.from_arrays(chunk, dictionary) for chunk in indices], kind
    )


def _restore(values: Any, item: Any, shape: Any) -> Any:
    """Give plain values their exact type back; a dictionary comes from the layout."""
    kind = item.type
    if pa.types.is_dictionary(kind):
        dictionary = shape.chunk(0).dictionary
        if pa.types.is_dictionary(values.type):
            chunks = [chunk.indices.cast(kind.index_type) for chunk in values.chunks]
            return pa.chunked_array(
                [
                    pa.DictionaryArray.from_arrays(chunk, dictionary, ordered=kind.ordered)
                    for chunk in chunks
                ],
                kind,
            )
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
