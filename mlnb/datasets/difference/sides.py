"""One of two tables that are compared: what is known of it without reading, and its values."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from mlnb.core import project
from mlnb.datasets.difference.arrays import Positions, flat, taken
from mlnb.datasets.records import StoredVersion
from mlnb.datasets.storage import reading
from mlnb.datasets.storage.stored import StoredTable
from mlnb.datasets.storage.workers import workers

_CELLS = 8_000_000
"""So many cells are read at a time."""


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

    def cells(self, wanted: Mapping[str, Positions]) -> dict[str, Any]:
        """Return of each column the values in some rows of its own, as one array."""


def side_of(version: StoredVersion) -> Side:
    """Return the table of a version."""
    if version.kind == "link":
        return LinkedSide(version)
    return StoredSide(version)


class Layer(NamedTuple):
    """One patch of a column."""

    name: tuple[str, int]
    """Where it is stored."""
    rows: Positions
    """The rows of the files whose cells it replaces."""
    fresh: bool
    """Whether it replaces each cell by another one."""


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

    def cells(self, wanted: Mapping[str, Positions]) -> dict[str, Any]:
        """Return cells: from a column's patches alone when these hold them, else from its files."""
        found, missing = {}, {}
        for name, rows in wanted.items():
            if not len(rows):
                found[name] = flat(self.read([name], (0, 0))[0])
                continue
            rows = rows if self.selection is None else self.selection[rows]
            places, cells = self.patched(name)
            at = np.minimum(np.searchsorted(places, rows), len(places) - 1)
            if len(places) and (places[at] == rows).all():
                found[name] = cells.take(pa.array(at))
            else:
                missing[name] = rows
        return found | (self._of_files(missing) if missing else {})

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

    def layers(self, name: str) -> list[Layer]:
        """Return a column's patches in their order, the last of which counts."""
        at = self._place(name)
        patches = [patch for patch in self.stored.manifest.patches if patch.column == at]
        return [
            Layer((patch.object, patch.start), places, patch.fresh)
            for patch, (places, _cells) in zip(patches, self._layered(name), strict=True)
        ]

    @cached_property
    def _patches(self) -> dict[str, tuple[Positions, Any]]:
        return {}

    @cached_property
    def _read_layers(self) -> dict[str, list[tuple[Positions, Any]]]:
        return {}

    def _layered(self, name: str) -> list[tuple[Positions, Any]]:
        if name not in self._read_layers:
            stored, at = self.stored, self._place(name)
            found = reading.patched_cells(stored.store, stored.manifest, at, self.ref)
            self._read_layers[name] = found
        return self._read_layers[name]

    def _read_patches(self, name: str) -> tuple[Positions, Any]:
        stored = self.stored
        patches = self._layered(name)
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

    def _of_files(self, wanted: dict[str, Positions]) -> dict[str, Any]:
        """Return the values of columns in some rows of the files, reading the parts they are in.

        A range of rows is read at a time, and what is wanted of it kept.
        """
        stored, names = self.stored, list(wanted)
        base = replace(stored.manifest, selection=[], rows=self.base_rows)
        fields = [(self._place(name), *stored.layout.field(name)) for name in names]
        orders = {name: np.argsort(rows, kind="stable") for name, rows in wanted.items()}
        in_order = {name: rows[orders[name]] for name, rows in wanted.items()}
        kept: dict[str, list[Any]] = {name: [] for name in names}
        with workers(self.unit_rows * len(names)) as pool:
            for start, stop in self._spans(np.concatenate(list(wanted.values())), len(names)):
                columns = reading.read(
                    stored.store, base, fields, pool, rows=(start, stop), wanted_by=self.ref
                )
                for name, column in zip(names, columns, strict=True):
                    low, high = np.searchsorted(in_order[name], (start, stop))
                    if low < high:
                        kept[name].append(taken(column, in_order[name][low:high] - start))
        return {name: _back_in_order(kept[name], orders[name]) for name in names}

    def _spans(self, rows: Positions, columns: int) -> list[tuple[int, int]]:
        """Return the ranges of the files' rows that hold some: a few units each, if next."""
        most = max(1, _CELLS // (columns * self.unit_rows))
        spans: list[list[int]] = []
        for unit in np.unique(rows // self.unit_rows).tolist():
            if spans and spans[-1][1] == unit and unit - spans[-1][0] < most:
                spans[-1][1] = unit + 1
            else:
                spans.append([unit, unit + 1])
        step = self.unit_rows
        return [(first * step, min(last * step, self.base_rows)) for first, last in spans]

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

    def cells(self, wanted: Mapping[str, Positions]) -> dict[str, Any]:
        """Return of each column the values in some rows of its own."""
        return {name: picked(self._values[name], rows) for name, rows in wanted.items()}


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

    def cells(self, wanted: Mapping[str, Positions]) -> dict[str, Any]:
        """Return of each column the values in some rows of its own."""
        others = {name: rows for name, rows in wanted.items() if name not in self.recast}
        found = self.side.cells(others)
        for name, rows in wanted.items():
            if name in self.recast:
                found[name] = picked(self.recast[name], rows)
        return found


def picked(column: Any, rows: Positions) -> Any:
    """Return some values of a chunked column, in the order of the rows, as one array."""
    if column.num_chunks == 1:
        return flat(column).take(pa.array(rows))
    if 8 * len(rows) > len(column):
        return flat(column.take(pa.array(rows)))
    order = np.argsort(rows, kind="stable")
    return _back_in_order([taken(column, rows[order])], order)


def _back_in_order(pieces: list[Any], order: Positions) -> Any:
    """Return values that were taken in another order as one array."""
    found = flat(pa.chunked_array(pieces))
    if (order[1:] > order[:-1]).all():
        return found
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return found.take(pa.array(back))
