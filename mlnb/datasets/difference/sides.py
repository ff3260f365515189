"""One of two tables that are compared: what is known of it without reading, and its values."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from mlnb.core import project
from mlnb.datasets.difference.arrays import Positions, flat
from mlnb.datasets.records import StoredVersion
from mlnb.datasets.storage import reading
from mlnb.datasets.storage.stored import StoredTable
from mlnb.datasets.storage.workers import workers


class Side(Protocol):
    """A table that is read only where it must be.

    Columns are asked for by name and must exist. Values are plain: `mlnb.datasets.tables.plain`.
    """

    ref: str
    rows: int
    types: dict[str, str]
    """Each column's name and type, in their order."""
    key: list[str]
    """Columns that are known to identify a row."""
    unit_rows: int
    """Rows of a unit; the last of a column has the rest."""

    def units(self, name: str) -> list[str]:
        """Return a name for the content of each unit, equal for equal ones; none if not known."""

    def read(self, names: Sequence[str], rows: tuple[int, int] | None = None) -> list[Any]:
        """Return columns as chunked arrays, from row to before row."""

    def at(self, name: str, rows: Positions) -> Any:
        """Return a column's values in some rows, as one array."""


def side_of(version: StoredVersion) -> Side:
    """Return the table of a version."""
    if version.kind == "link":
        return LinkedSide(version)
    return StoredSide(version)


class StoredSide:
    """A table in the object store."""

    def __init__(self, version: StoredVersion) -> None:
        self.ref = version.ref
        self.rows = version.rows
        self.types = {column.name: column.type for column in version.columns}
        self.stored = StoredTable(project.current().store, version)
        self.key = list(self.stored.manifest.key)
        self.unit_rows = self.stored.manifest.unit_rows
        self.base_rows = self.stored.manifest.base_rows
        """Rows of its files."""

    def units(self, name: str) -> list[str]:
        """Return the units' digests, each with what else their values depend on."""
        identity = self.identity(name)
        return [f"{identity} {digest}" for digest in self.stored.units(name)]

    def read(self, names: Sequence[str], rows: tuple[int, int] | None = None) -> list[Any]:
        """Return plain columns, verified."""
        return self.stored.read(names, rows)

    def at(self, name: str, rows: Positions) -> Any:
        """Return a column's values in some rows: from its patches alone when these hold them."""
        if not len(rows):
            return flat(self.read([name], (0, 0))[0])
        if self.selection is not None:
            rows = self.selection[rows]
        places, cells = self.patched(name)
        if len(places):
            found = np.minimum(np.searchsorted(places, rows), len(places) - 1)
            if (places[found] == rows).all():
                return cells.take(pa.array(found))
        return self._of_base(name, rows)

    @cached_property
    def selection(self) -> Positions | None:
        """Return which rows of the files the table has; None when it has all in their order."""
        manifest = self.stored.manifest
        found: Positions | None = reading.selected_rows(
            self.stored.store, manifest, 0, self.rows, self.ref
        )
        if found is None and self.base_rows > self.rows:
            return np.arange(self.rows)
        return found

    def identity(self, name: str) -> str:
        """Return what a column's units depend on beside its values."""
        identities = self.stored.manifest.identities
        return identities[self._place(name)] if identities else ""

    def files(self, name: str, rows: int) -> list[tuple[int, str, str, int]]:
        """Return where the first rows of the files have a column from."""
        column, found, place = self._place(name), [], 0
        for part in self.stored.manifest.parts:
            if place >= rows:
                break
            place += part.rows
            found += [
                (part.rows, file.object, stored.digest, stored.start)
                for file in part.files
                for stored in file.columns
                if stored.column == column
            ]
        return found

    def patched(self, name: str) -> tuple[Positions, Any]:
        """Return the rows of the files that a column's patches replace, and their values."""
        if name not in self._patches:
            self._patches[name] = self._read_patches(name)
        return self._patches[name]

    @cached_property
    def _patches(self) -> dict[str, tuple[Positions, Any]]:
        return {}

    def _read_patches(self, name: str) -> tuple[Positions, Any]:
        stored = self.stored
        patches = reading.patched_cells(stored.store, stored.manifest, self._place(name), self.ref)
        if not patches:
            return np.zeros(0, np.int64), None
        rows = np.concatenate([places for places, _cells in patches])
        cells = pa.concat_arrays([cells.cast(patches[0][1].type) for _places, cells in patches])
        places, last = np.unique(rows[::-1], return_index=True)  # the last of a row counts
        cells = cells.take(pa.array(len(rows) - 1 - last))
        dictionary, kind = stored.layout.field(name)
        if dictionary is None:
            return places, cells.cast(kind)
        return places, pa.DictionaryArray.from_arrays(cells.cast(pa.int32()), dictionary)

    def _of_base(self, name: str, rows: Positions) -> Any:
        """Return a column's values in some rows of the files, reading the parts they are in."""
        stored = self.stored
        base = replace(stored.manifest, selection=[], rows=self.base_rows)
        fields = [(self._place(name), *stored.layout.field(name))]
        blocks = np.unique(rows // self.unit_rows)
        spans = [(0, self.base_rows)]
        if 2 * len(blocks) * self.unit_rows <= self.base_rows:
            spans = [
                (start, min(start + self.unit_rows, self.base_rows))
                for start in (blocks * self.unit_rows).tolist()
            ]
        columns, places = [], np.zeros(len(rows), np.int64)
        done = 0
        with workers((spans[0][1] - spans[0][0]) * len(spans)) as pool:
            for start, stop in spans:
                inside = (rows >= start) & (rows < stop)
                places[inside] = rows[inside] - start + done
                done += stop - start
                columns += reading.read(
                    stored.store, base, fields, pool, rows=(start, stop), wanted_by=self.ref
                )
        whole = columns[0]
        if len(columns) > 1:
            whole = pa.chunked_array([chunk for column in columns for chunk in column.chunks])
        return picked(whole, places)

    def _place(self, name: str) -> int:
        return self.stored.names.index(name)


class LoadedSide:
    """A table in memory."""

    def __init__(self, ref: str, table: Any) -> None:
        from mlnb.datasets.tables import plain, type_name

        self.ref = ref
        self.rows = table.num_rows
        self.types = {item.name: type_name(item.type) for item in table.schema}
        self.key: list[str] = []
        self.unit_rows = 1
        self._values = plain(table)

    def units(self, name: str) -> list[str]:
        """Return none: they are not known."""
        return []

    def read(self, names: Sequence[str], rows: tuple[int, int] | None = None) -> list[Any]:
        """Return plain columns."""
        start, stop = rows or (0, self.rows)
        return [self._values[name].slice(start, stop - start) for name in names]

    def at(self, name: str, rows: Positions) -> Any:
        """Return a column's values in some rows."""
        return picked(self._values[name], rows)


class LinkedSide(LoadedSide):
    """A table outside the store that a version pins; it is read whole."""

    def __init__(self, version: StoredVersion) -> None:
        from mlnb.datasets.links.reading import table

        super().__init__(version.ref, table(version))


class RecastSide:
    """A table of which some columns were given another type."""

    def __init__(self, side: Side, columns: dict[str, Any]) -> None:
        self.ref, self.rows, self.types = side.ref, side.rows, side.types
        self.key, self.unit_rows = side.key, side.unit_rows
        self.side = side
        self.recast = columns

    def units(self, name: str) -> list[str]:
        """Return none for a recast column."""
        return [] if name in self.recast else self.side.units(name)

    def read(self, names: Sequence[str], rows: tuple[int, int] | None = None) -> list[Any]:
        """Return plain columns."""
        start, stop = rows or (0, self.rows)
        others = [name for name in names if name not in self.recast]
        found = dict(zip(others, self.side.read(others, rows), strict=True)) if others else {}
        return [
            found[name] if name in found else self.recast[name].slice(start, stop - start)
            for name in names
        ]

    def at(self, name: str, rows: Positions) -> Any:
        """Return a column's values in some rows."""
        if name in self.recast:
            return picked(self.recast[name], rows)
        return self.side.at(name, rows)


def picked(column: Any, rows: Positions) -> Any:
    """Return some values of a chunked column, as one array."""
    if column.num_chunks == 1:
        return flat(column).take(pa.array(rows))
    return flat(column.take(pa.array(rows)))
