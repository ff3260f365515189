"""Iceberg tables, pinned by metadata file and snapshot."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from mlnb.core.errors import BadInput, MlnbError, UnknownName, UnsupportedData
from mlnb.core.extras import require
from mlnb.datasets.links import places
from mlnb.datasets.links.manifest import LinkManifest
from mlnb.datasets.links.source import broken, first_line

METADATA = ".metadata.json"
_NUMBER = re.compile(r"v?(\d+)")


def pin(source: Any, at: str | None) -> LinkManifest:
    """Return the manifest of an Iceberg table's snapshot, the current one by default.

    Parameters
    ----------
    source : str or pyiceberg.table.Table
        The table's folder, one of its ``….metadata.json`` files (path or URL), or
        ``CATALOG/NAMESPACE.TABLE`` with a catalog of pyiceberg's configuration.
    at : str, optional
        The snapshot's id.
    """
    tables = require("pyiceberg.table", "iceberg")
    if at is not None and not at.isdecimal():
        raise BadInput(f"{at!r} is no Iceberg snapshot.", "Give its id, a number.")
    place = _metadata(source) if isinstance(source, str) else source.metadata_location
    location = places.recorded(place)
    try:
        table = tables.StaticTable.from_metadata(places.opened(location), _environment())
        snapshot = table.snapshot_by_id(int(at)) if at is not None else table.current_snapshot()
    except Exception as error:  # pyiceberg has no common error
        reason = first_line(error)
        raise UnsupportedData(f"Iceberg's {location!r} cannot be read: {reason}.") from None
    if snapshot is None:
        if at is None:
            fix = "Append some rows first."
            raise UnsupportedData(f"The Iceberg table {location!r} has no snapshot.", fix)
        known = [str(item.snapshot_id) for item in table.metadata.snapshots]
        raise UnknownName("Iceberg snapshot", at, known)
    return LinkManifest(
        type="iceberg",
        location=location,
        pin={"snapshot": str(snapshot.snapshot_id), "table": str(table.metadata.table_uuid)},
    )


def is_table(folder: Path) -> bool:
    """Tell whether a folder is an Iceberg table's."""
    return any((folder / "metadata").glob(f"*{METADATA}"))


def _metadata(source: str) -> str:
    """Return the place of a table's newest metadata file."""
    if source.endswith(METADATA):
        return source
    if not places.is_remote(source) and is_table(places.local(source)):
        found = (places.local(source) / "metadata").glob(f"*{METADATA}")
        return str(max(found, key=lambda file: (_number(file), file.stat().st_mtime_ns)))
    catalog, slash, name = source.partition("/")
    if slash and "." in name and "://" not in source and "/" not in name:
        catalogs = require("pyiceberg.catalog", "iceberg")
        try:
            with closing(catalogs.load_catalog(catalog)) as opened:
                return str(opened.load_table(name).metadata_location)
        except Exception as error:  # a catalog's own, of any kind
            raise UnsupportedData(
                f"Iceberg's catalog {catalog!r} does not give {name!r}: {first_line(error)}.",
                "Configure it in ~/.pyiceberg.yaml or by PYICEBERG_CATALOG__… variables.",
            ) from None
    raise UnknownName(
        "Iceberg table",
        source,
        fix="Give its folder, a .metadata.json file, or CATALOG/NAME.TABLE.",
    )


def _environment() -> dict[str, str]:
    """Return what pyiceberg does not take from the environment by itself."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    return {"s3.endpoint": endpoint} if endpoint else {}


def _number(file: Path) -> int:
    found = _NUMBER.match(file.name)
    return int(found[1]) if found else -1


class IcebergSource:
    """An Iceberg table at its pinned snapshot."""

    def __init__(self, manifest: LinkManifest, wanted_by: str) -> None:
        self._manifest = manifest
        self._wanted_by = wanted_by
        self._place = places.opened(manifest.location)
        tables = require("pyiceberg.table", "iceberg")
        with self._reading():
            self._table = tables.StaticTable.from_metadata(self._place, _environment())
            if str(self._table.metadata.table_uuid) != manifest.pin["table"]:
                raise self._broken("another table has taken its place")
            snapshot = int(manifest.pin["snapshot"])
            if self._table.snapshot_by_id(snapshot) is None:
                raise self._broken("the table has no such snapshot any more")
            # The current snapshot is read by the table's current schema: a column that was
            # renamed since has its new name. An older one is read by its own.
            current = snapshot == self._table.metadata.current_snapshot_id
            self._snapshot = None if current else snapshot
            self._tasks = list(self._scan().plan_files())
        for path in self._local_files():
            if not path.is_file():
                raise self._broken(f"its file {path.name!r} is gone (expired, or deleted)")

    @cached_property
    def schema(self) -> Any:
        """Return the Arrow schema of the snapshot."""
        from pyiceberg.io.pyarrow import schema_to_pyarrow

        return schema_to_pyarrow(self._scan().projection(), include_field_ids=False)

    @cached_property
    def rows(self) -> int:
        """Return the number of rows."""
        with self._reading():
            return int(self._scan().count())

    @property
    def bytes(self) -> int:
        """Return the size of the snapshot's data files."""
        return sum(task.file.file_size_in_bytes for task in self._tasks)

    def read(self, columns: Sequence[str] | None = None) -> Any:
        """Return an Arrow table."""
        fields = ("*",) if columns is None else tuple(columns)
        with self._reading():
            table = self._scan(fields).to_arrow()
        return table.select(list(columns)) if columns is not None else table

    def dataset(self) -> Any:
        """Return an Arrow dataset: lazy for a plain table of Parquet files, else in memory.

        A table that was never altered, without deletions, is the Parquet files of its snapshot;
        any other is read through pyiceberg, which applies deletions and finds renamed columns.
        """
        import pyarrow.dataset as ds

        metadata = self._table.metadata
        local = self._local_files()
        plain = (
            len(metadata.schemas) == 1
            and local
            and "schema.name-mapping.default" not in metadata.properties
            and all(
                not task.delete_files and str(task.file.file_format).endswith("PARQUET")
                for task in self._tasks
            )
        )
        if plain:
            return ds.dataset([str(path) for path in local], schema=self.schema, format="parquet")
        return ds.dataset(self.read())

    def polars(self) -> Any:
        """Return a lazy frame."""
        polars = require("polars", "polars")
        return polars.scan_iceberg(self._table, snapshot_id=self._snapshot)

    def _scan(self, fields: tuple[str, ...] = ("*",)) -> Any:
        return self._table.scan(snapshot_id=self._snapshot, selected_fields=fields)

    def _local_files(self) -> list[Path]:
        """Return the data files, when all are on this machine."""
        names = [task.file.file_path for task in self._tasks]
        return [] if any(map(places.is_remote, names)) else [places.local(name) for name in names]

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except MlnbError:
            raise
        except Exception as error:  # pyiceberg and its file systems have no common error
            raise self._broken(first_line(error)) from None

    def _broken(self, reason: str) -> Exception:
        fix = "Link another snapshot, or restore the table's files from a backup."
        return broken(self._wanted_by, self._manifest, reason, fix)
