"""Delta tables, pinned by version."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from mlnb.core.errors import BadInput, UnknownName, UnsupportedData
from mlnb.core.extras import require
from mlnb.core.hashing import digest_json
from mlnb.datasets.links import places
from mlnb.datasets.links.manifest import LinkManifest
from mlnb.datasets.links.source import broken, first_line

_PLAIN = {"timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"}
"""Features of readers that do not change what the Parquet files mean."""


def pin(source: Any, at: str | None) -> LinkManifest:
    """Return the manifest of a Delta table's version, the newest by default.

    Parameters
    ----------
    source : str or deltalake.DeltaTable
        The table's folder or URL; an open table stands for the version that it is at.
    at : str, optional
        The version's number.
    """
    deltalake = require("deltalake", "delta")
    place = source if isinstance(source, str) else source.table_uri
    if at is not None and not at.isdecimal():
        raise BadInput(f"{at!r} is no version of a Delta table.", "Give a number: --at 12.")
    version = int(at) if at is not None else None
    if version is None and not isinstance(source, str):
        version = source.version()
    location = places.recorded(place)
    try:
        table = deltalake.DeltaTable(places.opened(location), version=version)
    except deltalake.exceptions.TableNotFoundError:
        raise UnknownName("Delta table", location) from None
    except deltalake.exceptions.DeltaError as error:
        newest = _newest(deltalake, places.opened(location))
        if newest is not None and version is not None and version > newest:
            fix = f"Its newest version is {newest}."
            raise UnknownName("version", f"{location} at {version}", fix=fix) from None
        raise UnsupportedData(
            f"The Delta table {location!r} cannot be read: {first_line(error)}."
        ) from None
    return LinkManifest(
        type="delta",
        location=location,
        pin={
            "version": str(table.version()),
            "table": str(table.metadata().id),
            "files": _digest(_added(table)),
        },
    )


class DeltaSource:
    """A Delta table at its pinned version."""

    def __init__(self, manifest: LinkManifest, wanted_by: str) -> None:
        self._manifest = manifest
        self._wanted_by = wanted_by
        self._deltalake = require("deltalake", "delta")
        self._place = places.opened(manifest.location)
        errors = self._deltalake.exceptions
        try:
            self._table = self._deltalake.DeltaTable(self._place, version=self._version)
        except (errors.TableNotFoundError, errors.DeltaError) as error:
            raise self._broken(first_line(error)) from None
        if str(self._table.metadata().id) != manifest.pin["table"]:
            raise self._broken("another table has taken its place")
        self._files = _added(self._table)
        if _digest(self._files) != manifest.pin["files"]:
            raise self._broken("this version lists other files than when it was linked")
        if not places.is_remote(self._place):
            self._check_files(Path(self._place))

    @property
    def _version(self) -> int:
        return int(self._manifest.pin["version"])

    @cached_property
    def schema(self) -> Any:
        """Return the Arrow schema."""
        import pyarrow as pa

        return pa.schema(self._table.schema().to_arrow())

    @cached_property
    def rows(self) -> int:
        """Return the number of rows, from the footers of the files where they are all of it."""
        with self._reading():
            dataset = self._arrow()
            if dataset is None:
                return int(self._stream(self.schema.names[:1]).num_rows)
            return int(dataset.count_rows())

    @property
    def bytes(self) -> int:
        """Return the size of the version's files."""
        return sum(size for _, size in self._files)

    def read(self, columns: Sequence[str] | None = None) -> Any:
        """Return an Arrow table."""
        chosen = list(columns) if columns is not None else None
        with self._reading():
            dataset = self._arrow()
            if dataset is not None:
                return dataset.to_table(columns=chosen)
            return self._stream(chosen)

    def dataset(self) -> Any:
        """Return an Arrow dataset over the version's Parquet files."""
        import pyarrow.dataset as ds

        dataset = self._arrow()
        return dataset if dataset is not None else ds.dataset(self._stream(None))

    def polars(self) -> Any:
        """Return a lazy frame."""
        polars = require("polars", "polars")
        if self._arrow() is None:  # polars, too, would give nulls
            return polars.DataFrame(self.read()).lazy()
        return polars.scan_delta(self._place, version=self._version)

    def _arrow(self) -> Any:
        """Return an Arrow dataset; None where Arrow lacks a feature that the table uses."""
        dataset = over_files(self._table, self._place)
        return None if dataset is None else _in_order(dataset, self._written)

    def _stream(self, columns: list[str] | None) -> Any:
        import pyarrow as pa

        return pa.RecordBatchReader.from_stream(self._table.scan(columns=columns)).read_all()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what deltalake and Arrow raise into one `BrokenLink`."""
        import pyarrow as pa

        try:
            yield
        except (self._deltalake.exceptions.DeltaError, pa.ArrowException, OSError) as error:
            raise self._broken(first_line(error)) from None

    @cached_property
    def _written(self) -> dict[str, int]:
        """Return when each file was written."""
        import pyarrow as pa

        actions = pa.table(self._table.get_add_actions(flatten=True))
        times = actions["modification_time"].cast(pa.int64()).to_pylist()
        paths = map(unquote, actions["path"].to_pylist())
        return dict(zip(paths, times, strict=True))

    def _check_files(self, folder: Path) -> None:
        for path, size in self._files:
            file = folder / unquote(path)
            if not file.is_file():
                raise self._broken(f"its file {path!r} is gone (vacuumed, or deleted)")
            if file.stat().st_size != size:
                raise self._broken(f"its file {path!r} has another size than the table says")

    def _broken(self, reason: str) -> Exception:
        fix = "Link another version, or restore the table's files from a backup."
        return broken(self._wanted_by, self._manifest, reason, fix)


def over_files(table: Any, place: str) -> Any:
    """Return an Arrow dataset over the files of a Delta table; None where they are not all of it.

    Arrow knows neither mapped columns nor deletion vectors, and would give nulls and deleted rows.
    On this machine Arrow reads them itself: deltalake's file system is in Python, and a thread of
    Arrow's that is still in it when Python ends aborts the process.
    """
    import pyarrow.fs as pafs

    protocol = table.protocol()
    if protocol.min_reader_version > 1 and set(protocol.reader_features or ["mapped"]) - _PLAIN:
        return None
    if places.is_remote(place):
        return table.to_pyarrow_dataset()
    files = pafs.SubTreeFileSystem(place, pafs.LocalFileSystem())
    return table.to_pyarrow_dataset(filesystem=files)


def _in_order(dataset: Any, written: dict[str, int]) -> Any:
    """Return a dataset with its files as they were written: Delta names them in any order."""
    import pyarrow.dataset as ds

    def place(fragment: Any) -> tuple[int, str]:
        path = fragment.path.lstrip("/")
        return written.get(path, 0), path

    fragments = sorted(dataset.get_fragments(), key=place)
    return ds.FileSystemDataset(fragments, dataset.schema, dataset.format, dataset.filesystem)


def _added(table: Any) -> list[tuple[str, int]]:
    """Return path and size of each file of the table, by path."""
    import pyarrow as pa

    actions = pa.table(table.get_add_actions(flatten=True))
    paths = actions["path"].to_pylist()
    return sorted(zip(paths, actions["size_bytes"].to_pylist(), strict=True))


def _digest(files: list[tuple[str, int]]) -> str:
    return digest_json([[path, size] for path, size in files])


def _newest(deltalake: Any, place: str) -> int | None:
    try:
        return int(deltalake.DeltaTable(place).version())
    except deltalake.exceptions.DeltaError:
        return None
