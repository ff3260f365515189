"""A Parquet file, or a folder of them, pinned by the hash of every file."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from mlnb.core.errors import BadInput, UnknownName, UnsupportedData
from mlnb.core.extras import require
from mlnb.datasets.links import places
from mlnb.datasets.links.manifest import LinkManifest, PinnedFile
from mlnb.datasets.links.source import broken, first_line
from mlnb.datasets.links.verified import digests

SUFFIXES = (".parquet", ".parq", ".pq")


def pin(source: str, at: str | None) -> LinkManifest:
    """Return the manifest of a Parquet file or of every Parquet file under a folder.

    Files and folders whose names begin with ``.`` or ``_`` are left out, as Spark and Hive do.
    """
    if at is not None:
        fix = "Leave --at out: the files are pinned as they are now."
        raise BadInput("Parquet files have no versions.", fix)
    if places.is_remote(source):
        raise UnsupportedData(
            f"{places.recorded(source)!r} is on a server; plain Parquet files are linked on disk.",
            "Mount it, or link a Delta or Iceberg table there: these have versions.",
        )
    root = places.local(source).absolute()
    files = list_files(root)
    hashes = digests(files)
    pinned = [
        PinnedFile(
            path="" if file == root else file.relative_to(root).as_posix(),
            size=file.stat().st_size,
            hash=hashes[file],
        )
        for file in files
    ]
    return LinkManifest(type="parquet", location=places.recorded(str(root)), files=pinned)


def list_files(root: Path) -> list[Path]:
    """Return the Parquet files of a place, by path.

    Raises
    ------
    UnknownName, UnsupportedData
        If there is none, or a symbolic link leads nowhere or to a folder.
    """
    if root.is_file():
        return [root]
    if not root.is_dir():
        nearby = [item.name for item in root.parent.glob("*")] if root.parent.is_dir() else []
        raise UnknownName("file or folder", str(root.name), nearby)
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if _counts(name))
        here = Path(folder)
        for name in folders:
            if (here / name).is_symlink():
                raise _bad_link(here / name, root, "a folder", "Link the folder it leads to.")
        for name in names:
            file = here / name
            if _counts(name) and file.suffix.lower() in SUFFIXES:
                if not file.is_file():
                    raise _bad_link(file, root, "nothing", "Remove it, or restore what it meant.")
                found.append(file)
    if not found:
        raise UnsupportedData(f"There is no Parquet file in {root.name!r}.")
    return sorted(found)


def _counts(name: str) -> bool:
    return not name.startswith((".", "_"))


def _bad_link(path: Path, root: Path, target: str, fix: str) -> UnsupportedData:
    name = path.relative_to(root).as_posix()
    return UnsupportedData(f"{name!r} is a symbolic link to {target}.", fix)


class ParquetSource:
    """Parquet files, each with its pinned content."""

    def __init__(self, manifest: LinkManifest, wanted_by: str) -> None:
        self._manifest = manifest
        self._wanted_by = wanted_by
        self._root = Path(places.opened(manifest.location))
        self._paths = [_inside(self._root, item.path) for item in manifest.files]
        self._check()

    @cached_property
    def _dataset(self) -> Any:
        import pyarrow as pa
        import pyarrow.dataset as ds

        names = [str(path) for path in self._paths]
        try:
            if names == [str(self._root)]:
                return ds.dataset(names, format="parquet")
            base = str(self._root)
            return ds.dataset(names, format="parquet", partitioning="hive", partition_base_dir=base)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._broken(f"it cannot be read: {first_line(error)}") from None

    @property
    def schema(self) -> Any:
        """Return the Arrow schema, with the columns of Hive-style folder names."""
        return self._dataset.schema

    @cached_property
    def rows(self) -> int:
        """Return the number of rows, from the files' footers."""
        return int(self._dataset.count_rows())

    @property
    def bytes(self) -> int:
        """Return the size of all files."""
        return sum(item.size for item in self._manifest.files)

    def read(self, columns: Sequence[str] | None = None) -> Any:
        """Return an Arrow table."""
        import pyarrow as pa

        try:
            return self._dataset.to_table(columns=list(columns) if columns is not None else None)
        except (pa.ArrowException, OSError) as error:
            raise self._broken(f"it cannot be read: {first_line(error)}") from None

    def dataset(self) -> Any:
        """Return the Arrow dataset of the pinned files."""
        return self._dataset

    def polars(self) -> Any:
        """Return a lazy frame over the pinned files."""
        polars = require("polars", "polars")
        hive = any("=" in item.path for item in self._manifest.files)
        return polars.scan_parquet(self._paths, hive_partitioning=hive)

    def _check(self) -> None:
        """Raise `BrokenLink` naming the first file that is not as it was."""
        for item, path in zip(self._manifest.files, self._paths, strict=True):
            if not path.is_file():
                raise self._broken(f"{self._name(item)} is gone")
            if path.stat().st_size != item.size:
                raise self._broken(f"{self._name(item)} has changed: it has another size")
        found = digests(self._paths)
        for item, path in zip(self._manifest.files, self._paths, strict=True):
            if found[path] != item.hash:
                raise self._broken(f"{self._name(item)} has changed: its bytes have another hash")

    def _name(self, item: PinnedFile) -> str:
        return f"file {item.path or self._root.name!r}"

    def _broken(self, reason: str) -> Exception:
        fix = "Restore the files, or link them again as they are now."
        return broken(self._wanted_by, self._manifest, reason, fix)


def _inside(root: Path, path: str) -> Path:
    """Return a pinned file's path; a manifest written by hand cannot name one outside."""
    parts = Path(path).parts
    if Path(path).is_absolute() or ".." in parts:
        raise UnsupportedData(f"A link names a file outside its folder: {path!r}.")
    return root / path
