"""A table version as it is stored, read only as far as it is asked for."""

from collections.abc import Sequence
from concurrent.futures import Executor
from functools import cached_property
from typing import Any

from mlnb.core.store import ObjectStore
from mlnb.datasets import manifests
from mlnb.datasets.records import StoredVersion
from mlnb.datasets.storage import reading
from mlnb.datasets.storage.manifest import Chunk, Part, PartFile, StoredColumn, TableManifest
from mlnb.datasets.storage.workers import workers
from mlnb.datasets.tables import Content, Layout, open_layout, restore


class StoredTable:
    """The table of a version.

    Parameters
    ----------
    store : ObjectStore
        Where its objects are; nothing is read before it is asked for.
    version : StoredVersion
        Of kind ``table``, of any format.
    """

    def __init__(self, store: ObjectStore, version: StoredVersion) -> None:
        self.store = store
        self.version = version

    @cached_property
    def manifest(self) -> TableManifest:
        """Return the manifest; of a version of format 1, one without unit digests."""
        if self.version.manifest:
            found: TableManifest = manifests.read(self.store, self.version)
            return found
        whole = Chunk(start=0, size=self.version.bytes, digest="")
        columns = [
            StoredColumn(column=at, name=name, start=0, size=whole.size, digest="")
            for at, name in enumerate(self.layout.names)
        ]
        file = PartFile(object=self.version.table, size=whole.size, footer=whole, columns=columns)
        return TableManifest(
            rows=self.version.rows,
            layout=self.version.layout,
            layout_size=0,
            identities=[],
            units=[],
            parts=[Part(rows=self.version.rows, files=[file])],
        )

    @cached_property
    def layout(self) -> Layout:
        """Return the layout."""
        digest = self.manifest.layout if self.version.manifest else self.version.layout
        return open_layout(self.store.get(digest, wanted_by=self.version.ref))

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return self.version.rows

    @property
    def names(self) -> list[str]:
        """Return the names of the stored columns: the table's, then those of a pandas index."""
        return self.layout.names

    @property
    def key(self) -> list[str]:
        """Return the columns that identify a row; none when they are not known."""
        return self.manifest.key

    def units(self, name: str) -> list[str]:
        """Return a column's unit digests; none when the version is of format 1."""
        units = self.manifest.units
        return units[self.names.index(name)] if units else []

    def read(
        self,
        names: Sequence[str],
        rows: tuple[int, int] | None = None,
        pool: Executor | None = None,
    ) -> list[Any]:
        """Return the plain values of columns, verified.

        Parameters
        ----------
        names : sequence of str
            They must exist.
        rows : tuple of int, optional
            From row to before row.
        pool : Executor, optional
            Decodes in parallel; threads of its own by default.
        """
        if pool is None:
            with workers(self.rows * len(names)) as own:
                return self.read(names, rows, own)
        places = {name: at for at, name in enumerate(self.names)}
        fields = [(places[name], *self.layout.field(name)) for name in names]
        return reading.read(
            self.store, self.manifest, fields, pool, rows=rows, wanted_by=self.version.ref
        )

    def content(self, names: Sequence[str] | None, rows: tuple[int, int] | None) -> Content:
        """Return the table as it was saved, or some columns and rows of it."""
        chosen = self.names if names is None else list(names)
        return restore(self.read(chosen, rows), self.layout, chosen)
