"""Export to a Delta table: a new one, or a new version of one that is there."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds

from mlnb.core.errors import Conflict, UnsupportedData
from mlnb.core.extras import require
from mlnb.datasets.exports import losses, targets
from mlnb.datasets.exports.records import Loss
from mlnb.datasets.links.delta import over_files
from mlnb.datasets.links.source import first_line
from mlnb.datasets.tables import Content, plain, type_name

_SIGNED = {"uint8": pa.int16(), "uint16": pa.int32(), "uint32": pa.int64(), "uint64": pa.int64()}


def check(path: Path, *, replace: bool) -> None:
    """Raise, before any work is done, what is wrong with the target."""
    require("deltalake", "delta")
    if not (path / "_delta_log").is_dir():
        targets.check(path, replace=replace, folder=True)
    elif not replace:
        fix = "Choose another name, or write a new version of it with --force."
        raise Conflict(f"{str(path)!r} is a Delta table already.", fix)


def write(content: Content, path: Path, message: str) -> int:
    """Write a table, whole or not at all; into an existing one as its next version.

    Returns
    -------
    int
        The version of the Delta table.
    """
    deltalake = require("deltalake", "delta")
    table = _supported(deltalake, content)
    properties = deltalake.CommitProperties(custom_metadata={"mlnb": message})
    exists = (path / "_delta_log").is_dir()
    with targets.beside(path) as folder:
        made = path if exists else folder / "table"
        try:
            deltalake.write_deltalake(
                str(made),
                table,
                mode="overwrite" if exists else "error",
                schema_mode="overwrite" if exists else None,
                commit_properties=properties,
            )
        except (deltalake.exceptions.DeltaError, pa.ArrowException) as error:
            raise UnsupportedData(f"Delta cannot hold this table: {first_line(error)}.") from None
        if not exists:
            targets.place(made, path)
    return int(deltalake.DeltaTable(str(path)).version())


def lost(content: Content, path: Path, version: int) -> tuple[list[Loss], int | None]:
    """Return what the written version does not keep, and how many rows that was checked on."""
    deltalake = require("deltalake", "delta")
    table = deltalake.DeltaTable(str(path), version=version)
    dataset = over_files(table, str(path.absolute()))
    if dataset is None:  # columns of the table that was there are mapped: read it whole
        dataset = ds.dataset(pa.RecordBatchReader.from_stream(table.scan()).read_all())
    checked = None
    if content.table.num_rows > losses.CHECKED:
        checked = losses.CHECKED
        content = Content(content.table.slice(0, checked), content.pandas)
    back = dataset.head(content.table.num_rows) if checked else dataset.to_table()
    return losses.found(content, back, pandas=losses.layout_lost), checked


def _nearest(kind: Any) -> Any:
    """Return Delta's type for an Arrow one: it has signed numbers, and microseconds in UTC."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    if pa.types.is_date64(kind):
        return pa.date32()
    return _SIGNED.get(str(kind), kind)


def _supported(deltalake: Any, content: Content) -> Any:
    """Return the table in types that Delta has.

    Raises
    ------
    UnsupportedData
        Naming the first column that has none.
    """
    values = plain(content.table)
    columns = []
    for name, column in zip(values.schema.names, values.columns, strict=True):
        wanted = _nearest(column.type)
        try:
            column = column.cast(wanted, safe=not pa.types.is_timestamp(wanted))
            deltalake.Schema.from_arrow(pa.schema([(name, column.type)]))
        except Exception as error:  # deltalake raises its own and bare ones
            kind = type_name(content.table.schema.field(name).type)
            raise UnsupportedData(
                f"Column {name!r} ({kind}) cannot be in a Delta table: {first_line(error)}.",
                "Convert it, or leave it out with --columns.",
            ) from None
        columns.append(column)
    return pa.table(columns, names=values.schema.names)
