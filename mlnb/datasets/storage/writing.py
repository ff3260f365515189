"""Store a table: whole, or as what is new over its parent."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mlnb.core.store import ObjectStore
from mlnb.datasets.storage import manifest as manifests
from mlnb.datasets.storage import reading
from mlnb.datasets.storage.encoding import Encoding, choose, is_text, rises, store_file
from mlnb.datasets.storage.manifest import Part, PartFile, Patch, Selected, TableManifest
from mlnb.datasets.storage.matching import Match, New, Parent, take_any
from mlnb.datasets.storage.rearranging import codes

SMALL = 1 << 20
"""Bytes of plain values below which a table is always written whole."""
MOST_DEAD = 0.3
"""Base rows that are not selected, relative to the version's rows, before it is written whole."""
MOST_PATCHED = 0.1
"""Cells of a column that are patched, relative to its rows, before the column is rewritten."""
MOST_LAYERS = 8
"""Patches of one column before they are put together."""
MOST_REWRITTEN = 0.6
"""Columns that are new or rewritten, before the table is written whole."""

Positions = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Target:
    """Where a table is stored, and how it is laid out there."""

    store: ObjectStore
    layout: str
    layout_size: int


def write_whole(target: Target, new: New, pool: Executor) -> TableManifest:
    """Store all of a table.

    Raises
    ------
    UnsupportedData
        If Parquet cannot hold a column exactly.
    """
    parts = _write_parts(target.store, new.values, new.values.num_rows, pool)
    return _manifest(target, new, new.key or _rising(new.values), parts, [], [])


def write_over(
    target: Target, new: New, parent: Parent, found: Match, pool: Executor
) -> TableManifest | None:
    """Store what is new in a table over its parent.

    Returns
    -------
    TableManifest or None
        None when reading it would cost too much: then it is to be written whole.
    """
    return _Layers(target, new, parent, found, pool).write()


class _Layers:
    """One table being stored over its parent."""

    def __init__(
        self, target: Target, new: New, parent: Parent, found: Match, pool: Executor
    ) -> None:
        self.target = target
        self.store = target.store
        self.new = new
        self.parent = parent
        self.old: TableManifest = parent.stored.manifest
        self.found = found
        self.pool = pool
        rows = new.values.num_rows
        if found.origin is None:
            self.appended = np.arange(found.kept, rows)
        else:
            self.appended = np.flatnonzero(found.origin < 0)
        self._places: Positions | None = None

    def write(self) -> TableManifest | None:
        columns = self.new.values.num_columns
        rows = self.new.values.num_rows
        rewritten, patched = self._sort_out_columns()
        base_rows = self.old.base_rows + len(self.appended)
        parts_wanted = 2 * (rows // manifests.UNIT_ROWS + 1) + 16
        if (
            base_rows - rows > MOST_DEAD * rows
            or len(rewritten) > max(MOST_REWRITTEN * columns, 1)
            or len(self.old.parts) + 1 > parts_wanted
            or 2 * len(self.appended) > rows
        ):
            return None
        selection = self._selection()
        parts = self._old_parts()
        if rewritten:
            parts = self._with_columns(parts, rewritten)
        if len(self.appended):
            fresh = self.new.values
            if len(self.appended) < rows:
                fresh = _rows_of(fresh, self.appended)
            parts = [*parts, *_write_parts(self.store, fresh, len(fresh), self.pool)]
        patches = self._patches(patched, set(rewritten))
        key = self.new.key or self._key()
        return _manifest(self.target, self.new, key, parts, selection, patches)

    # -- columns ---------------------------------------------------------------------------------

    def _sort_out_columns(self) -> tuple[list[int], dict[int, Positions]]:
        """Return the columns to write whole, and those with cells to patch."""
        rewritten, patched = [], {}
        already: dict[int, int] = {}
        for patch in self.old.patches:
            already[patch.column] = already.get(patch.column, 0) + patch.cells
        for column in range(self.new.values.num_columns):
            if column not in self.found.sources:
                rewritten.append(column)
                continue
            changed = self.found.changed.get(column, np.zeros(0, np.int64))
            cells = already.get(self.found.sources[column], 0)
            if changed is None or cells + len(changed) > MOST_PATCHED * self.new.values.num_rows:
                rewritten.append(column)
            elif len(changed):
                patched[column] = changed
        return rewritten, patched

    def _old_parts(self) -> list[Part]:
        """Return the parent's parts with the columns that are still used, by their new place."""
        place = {source: column for column, source in self.found.sources.items()}
        parts = []
        for part in self.old.parts:
            files = []
            for file in part.files:
                kept = [
                    replace(stored, column=place[stored.column])
                    for stored in file.columns
                    if stored.column in place
                ]
                if kept:
                    files.append(replace(file, columns=kept))
            parts.append(Part(rows=part.rows, files=files))
        return parts

    def _with_columns(self, parts: Sequence[Part], columns: Sequence[int]) -> list[Part]:
        """Return parts in which some columns are those of the new table."""
        values = self.new.values.select([self.new.names[column] for column in columns])
        places = self._base_places()
        if places is not None:
            inverse = np.full(self.old.base_rows, -1, np.int64)
            old_rows = self._old_rows()
            inverse[places] = old_rows
            values = pa.table(
                [_spread(column, inverse) for column in values.columns], names=values.schema.names
            )
        encodings = choose(values, self.pool)
        starts = np.cumsum([0, *(part.rows for part in parts)])

        def store(part: Part, start: int) -> Part:
            piece = values.slice(start, part.rows)
            added = _stored_files(self.store, piece, columns, encodings)
            gone = set(columns)
            files = [
                replace(file, columns=kept)
                for file in part.files
                if (kept := [item for item in file.columns if item.column not in gone])
            ]
            return Part(rows=part.rows, files=[*files, *added])

        return list(self.pool.map(store, parts, starts[:-1].tolist()))

    # -- rows ------------------------------------------------------------------------------------

    def _old_rows(self) -> Positions:
        """Return the rows of the new table that the parent has."""
        if self.found.origin is None:
            return np.arange(self.found.kept)
        return np.flatnonzero(self.found.origin >= 0)

    def _base_places(self) -> Positions | None:
        """Return the base row of each row the parent has; None when they are the same numbers."""
        if self._places is None and (self.found.origin is not None or self.old.selection):
            picked = reading.selected_rows(
                self.store, self.old, 0, self.old.rows, self.parent.stored.version.ref
            )
            if self.found.origin is None:
                self._places = picked[: self.found.kept]
            else:
                origin = self.found.origin
                if len(self.appended):
                    origin = origin[origin >= 0]
                self._places = origin if picked is None else picked[origin]
        elif self._places is None and self.found.kept < self.old.base_rows:
            self._places = np.arange(self.found.kept)
        return self._places

    def _selection(self) -> list[Selected]:
        base, count = self.old.base_rows, len(self.appended)
        tail = [Selected(start=base, stop=base + count)] if count else []
        if self.found.origin is None:
            if self.found.kept == self.old.rows:
                return [*self.old.selection, *tail] if self.old.selection else []
            if not self.old.selection:
                return [Selected(start=0, stop=self.found.kept), *tail]
        places = self._base_places()
        rows = self.new.values.num_rows
        whole: Positions = np.empty(rows, np.int64)
        if count:
            whole[self.appended] = base + np.arange(count)
            whole[self._old_rows()] = self._old_rows() if places is None else places
        elif places is not None:
            whole = places
        if len(whole) and whole[-1] - whole[0] == rows - 1 and (np.diff(whole) == 1).all():
            start = int(whole[0])
            if start == 0 and rows == base + count:
                return []
            return [Selected(start=start, stop=start + rows)]
        buffer = _packed_table(pa.table({"row": pa.array(whole)}))
        return [Selected(start=0, stop=rows, object=self.store.put(buffer), size=buffer.size)]

    def _patches(self, patched: dict[int, Positions], gone: set[int]) -> list[Patch]:
        """Return the patches of the version: the parent's, and one object with the new ones."""
        place = {source: column for column, source in self.found.sources.items()}
        old = [
            replace(patch, column=place[patch.column])
            for patch in self.old.patches
            if patch.column in place and place[patch.column] not in gone
        ]
        layers: dict[int, int] = {}
        for patch in old:
            layers[patch.column] = layers.get(patch.column, 0) + 1
        places = self._base_places()
        pieces: list[tuple[int, int, Any, bool]] = []
        for column, rows in patched.items():
            base = rows
            if places is not None:
                base = places[rows if len(places) == self.new.values.num_rows else self._rank(rows)]
            table = _cells(base, take_any(self.new.values.column(column), rows))
            full = layers.get(column, 0) >= MOST_LAYERS
            if full:
                table = self._put_together(column, table)
                old = [patch for patch in old if patch.column != column]
            pieces.append((column, table.num_rows, _packed_table(table), not full))
        if not pieces:
            return old
        data = b"".join(memoryview(buffer) for _column, _cells, buffer, _fresh in pieces)
        digest, start = self.store.put(data), 0
        for column, cells, buffer, fresh in pieces:
            old.append(
                Patch(
                    column=column, cells=cells, object=digest, object_size=len(data),
                    start=start, size=buffer.size, fresh=fresh,
                )
            )  # fmt: skip
            start += buffer.size
        return old

    def _rank(self, rows: Positions) -> Positions:
        """Return where rows of the new table stand among those that the parent has."""
        return np.searchsorted(self._old_rows(), rows)

    def _put_together(self, column: int, last: Any) -> Any:
        """Return one patch that does what the parent's patches of a column and this one do."""
        source = self.found.sources[column]
        old = reading.patched_cells(self.store, self.old, source, self.parent.stored.version.ref)
        tables = [pa.table({"row": rows, "value": cells}) for rows, cells in old]
        both = pa.concat_tables([*(table.cast(last.schema) for table in tables), last])
        rows = both["row"].to_numpy()
        _unique, first = np.unique(rows[::-1], return_index=True)
        return both.take(pa.array(np.sort(len(rows) - 1 - first)))

    def _key(self) -> list[str]:
        """Return the parent's key where the new table has its columns."""
        names = {
            self.parent.stored.names[source]: self.new.names[column]
            for column, source in self.found.sources.items()
        }
        key = self.old.key
        return [names[name] for name in key] if all(name in names for name in key) else []


def _manifest(
    target: Target,
    new: New,
    key: list[str],
    parts: list[Part],
    selection: list[Selected],
    patches: list[Patch],
) -> TableManifest:
    return TableManifest(
        rows=new.values.num_rows,
        layout=target.layout,
        layout_size=target.layout_size,
        key=key,
        identities=new.identities,
        units=new.units,
        unit_rows=manifests.UNIT_ROWS,
        parts=parts,
        selection=selection,
        patches=patches,
    )


def _write_parts(store: ObjectStore, values: Any, rows: int, pool: Executor) -> list[Part]:
    """Store row ranges of about equal size, an even number of them when there are several."""
    count = 1
    if values.nbytes > SMALL:
        count = 2 * -(-rows // (2 * manifests.UNIT_ROWS))
    count = max(min(count, rows), 1)
    bounds = np.linspace(0, rows, count + 1).astype(int).tolist()
    columns = list(range(values.num_columns))
    encodings = choose(values, pool)

    def store_part(start: int, stop: int) -> Part:
        piece = values.slice(start, stop - start)
        return Part(rows=stop - start, files=_stored_files(store, piece, columns, encodings))

    return list(pool.map(store_part, bounds[:-1], bounds[1:]))


def _stored_files(
    store: ObjectStore, piece: Any, columns: Sequence[int], encodings: Sequence[Encoding]
) -> list[PartFile]:
    return [store_file(_for_parquet(piece), columns, encodings, store.put)]


def _for_parquet(values: Any) -> Any:
    """Return values as Parquet takes them: dictionaries only of text and bytes."""
    columns = [
        column.cast(column.type.value_type)
        if pa.types.is_dictionary(column.type) and not is_text(column.type.value_type)
        else column
        for column in values.columns
    ]
    return pa.table(columns, names=values.schema.names)


def _rising(values: Any) -> list[str]:
    """Return the first column whose values identify rows because they only rise."""
    for name, column in zip(values.schema.names, values.columns, strict=True):
        if len(column) and rises(column):
            return [name]
    return []


def _rows_of(values: Any, rows: Positions) -> Any:
    first, last = int(rows[0]), int(rows[-1])
    if last - first == len(rows) - 1:
        return values.slice(first, len(rows))
    return pa.table(
        [take_any(column, rows) for column in values.columns], names=values.schema.names
    )


def _spread(column: Any, inverse: Positions) -> Any:
    """Return a column at other places; a place with -1 is null."""
    missing = inverse < 0
    if not missing.any():
        return take_any(column, inverse)
    places = pa.array(np.where(missing, 0, inverse), mask=missing)
    return pa.chunked_array([_one(column).take(places)])


def _one(column: Any) -> Any:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _cells(base: Positions, cells: Any) -> Any:
    """Return a patch: base rows in their order, and the cells' values."""
    if pa.types.is_dictionary(cells.type):
        cells = codes(cells)
    table = pa.table({"row": pa.array(base), "value": cells})
    if len(base) > 1 and (np.diff(base) < 0).any():
        table = table.take(pc.sort_indices(table["row"]))
    return table


def _packed_table(table: Any) -> Any:
    sink = pa.BufferOutputStream()
    encodings = {"row": "DELTA_BINARY_PACKED"}
    pq.write_table(
        table, sink, compression="zstd", version="2.6", write_statistics=False,
        use_dictionary=False, column_encoding=encodings,
        row_group_size=max(table.num_rows, 1),
    )  # fmt: skip
    return sink.getvalue()
