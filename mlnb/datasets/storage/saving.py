"""One table on its way into the store."""

import json
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from mlnb.core.errors import BadInput, StoreError, UnknownName
from mlnb.core.store import ObjectStore
from mlnb.datasets import manifests
from mlnb.datasets.profiling import CELLS, SAMPLE, profile
from mlnb.datasets.records import StoredProfile, StoredVersion
from mlnb.datasets.sources import read
from mlnb.datasets.storage import manifest as table_manifests
from mlnb.datasets.storage import recent, units
from mlnb.datasets.storage.manifest import TableManifest
from mlnb.datasets.storage.matching import New, Parent, match
from mlnb.datasets.storage.stored import StoredTable
from mlnb.datasets.storage.workers import AtOnce, workers
from mlnb.datasets.storage.writing import SMALL, Target, write_over, write_whole
from mlnb.datasets.tables import Content, pack_layout, plain


class Saving:
    """A table with the digests of its content, not stored yet.

    Parameters
    ----------
    store : ObjectStore
        Where it is to go.
    data : DataFrame, Table or path
        As in `mlnb.datasets.save`.
    key : sequence of str
        Columns that identify a row; none when it is empty.
    parent : StoredVersion, optional
        The newest version of the dataset.

    Raises
    ------
    UnsupportedData, UnknownName, BadInput
        If the table cannot be stored exactly, or the key is none.
    """

    def __init__(
        self,
        store: ObjectStore,
        data: Any,
        key: Sequence[str],
        parent: StoredVersion | None = None,
    ) -> None:
        self._store = store
        self._stored = StoredTable(store, parent) if parent and parent.kind == "table" else None
        self._data = data
        self.content = read(data)
        self.values = plain(self.content.table)
        _check_key(self.values, key)
        with self._workers(light=parent is not None) as pool:
            until = parent.rows if parent else -1
            hashed = units.hash_units(self.values, pool, self._known_units(), until)
        identities = units.identities(self.content)
        self.digest = units.digest(self.content, identities, hashed.columns)
        self._new = New(self.values, hashed, identities, list(key))

    def is_in_parent(self) -> bool:
        """Tell whether the parent has this content, and has it still."""
        stored = self._stored
        if stored is None or stored.version.digest != self.digest:
            return False
        if not manifests.is_whole(self._store, stored.version):
            return False
        return not self._new.key or stored.key == self._new.key

    def store_over(self) -> dict[str, Any]:
        """Store the table, or what the parent lacks of it.

        Returns
        -------
        dict
            The fields of `StoredVersion` that depend on the data.
        """
        layout = pack_layout(self.content)
        target = Target(self._store, self._store.put(layout), len(layout))
        before = self._usable_parent()
        with self._workers() as pool, self._beside() as beside:
            # A table that is written whole is profiled meanwhile; an edited one is soon written.
            described = None if before else beside.submit(self._profile, None)
            found = before and self._over(target, before, pool)
            found = found or write_whole(target, self._new, pool)
            facts = described.result() if described else self._profile(before)
        text = json.dumps(facts.to_dict(), ensure_ascii=False, allow_nan=False)
        return {
            "digest": self.digest,
            "columns": self.content.columns,
            "rows": self.values.num_rows,
            "bytes": sum(found.objects.values()),
            "manifest": manifests.put(self._store, found),
            "profile": self._store.put(text.encode()),
        }

    def keep(self, name: str) -> None:
        """Keep the table in memory, so that the next save of an edited one finds it."""
        data = self._data if hasattr(self._data, "memory_usage") else self.content
        recent.keep(name, self.digest, data, self.values.nbytes, self.values)

    def _known_units(self) -> dict[str, list[str]]:
        """Return the digests of columns that are the same memory as when the parent was kept."""
        stored = self._stored
        if stored is None or self.values.nbytes < SMALL:
            return {}
        kept = recent.kept(stored.version.name, stored.version.digest)
        if kept is None or kept.values is None:
            return {}
        try:
            if stored.manifest.unit_rows != table_manifests.UNIT_ROWS:
                return {}
        except StoreError:  # a damaged parent tells nothing
            return {}
        return {
            name: stored.units(name)
            for name in self.values.schema.names
            if name in kept.values.schema.names
            and units.same_memory(self.values[name], kept.values[name])
        }

    def _workers(self, *, light: bool = False) -> AbstractContextManager[Executor]:
        return workers(self.values.num_rows * self.values.num_columns, light=light)

    def _beside(self) -> AbstractContextManager[Executor]:
        """Give a thread for work beside the rest; a small table is done with before it starts."""
        small = self.values.nbytes < SMALL
        return nullcontext(AtOnce()) if small else ThreadPoolExecutor(1)

    def _usable_parent(self) -> StoredTable | None:
        """Return the parent if something of it may be used."""
        stored = self._stored
        if stored is None or self.values.nbytes < SMALL:
            return None
        if not manifests.is_whole(self._store, stored.version):
            return None  # what it lost would be lost here, too
        fits = stored.manifest.unit_rows == table_manifests.UNIT_ROWS and stored.manifest.units
        return stored if fits else None

    def _over(self, target: Target, stored: StoredTable, pool: Executor) -> TableManifest | None:
        version = stored.version
        with self._workers(light=True) as light:
            before = Parent(stored, recent.kept(version.name, version.digest), light, pool)
            found = match(self._new, before, light)
        return write_over(target, self._new, before, found, pool) if found else None

    def _profile(self, parent: StoredTable | None) -> StoredProfile:
        """Return the profile; that of a column that has not changed is taken from the parent."""
        before = self._profile_of(parent) if parent else None
        if parent is None or before is None:
            return profile(self.content, self.values)
        mine = dict(zip(self._new.names, _contents(self._new), strict=True))
        old = _contents(parent.manifest)
        known = {
            column.name: column
            for column, content in zip(before.columns, old, strict=True)
            if mine.get(column.name) == content
        }
        names = [name for name in self._new.names if name not in known]
        if names:
            part = Content(self.content.table.select(names))
            made = profile(part, self.values.select(names))
            known |= {column.name: column for column in made.columns}
        columns = [known[name] for name in self._new.names]
        return StoredProfile(columns=columns, sampled=before.sampled)

    def _profile_of(self, parent: StoredTable) -> StoredProfile | None:
        """Return the parent's profile if one of as many rows is made in the same way."""
        narrow = self.values.num_columns <= CELLS // SAMPLE
        if parent.rows != self.values.num_rows or not parent.version.profile or not narrow:
            return None
        data = self._store.get(parent.version.profile, wanted_by=parent.version.ref)
        stored = StoredProfile.from_dict(json.loads(data))
        return stored if stored.sampled in (None, SAMPLE) else None


def _contents(table: New | TableManifest) -> list[tuple[str, list[str]]]:
    """Return what each column of a table holds: identity and unit digests."""
    return list(zip(table.identities, table.units, strict=True))


def _check_key(values: Any, key: Sequence[str]) -> None:
    if not key:
        return
    import pyarrow as pa
    import pyarrow.compute as pc

    names = values.schema.names
    for name in key:
        if name not in names:
            raise UnknownName("column", name, names)
        if pa.types.is_nested(values[name].type):
            raise BadInput(f"The key column {name!r} holds lists or structs.", "Choose another.")
        if values[name].null_count:
            raise BadInput(f"The key column {name!r} has nulls.", "Choose columns without.")
    rows = values.select(list(key)).group_by(list(key)).aggregate([([], "count_all")])
    if rows.num_rows < values.num_rows:
        twice = rows.filter(pc.greater(rows["count_all"], 1)).slice(0, 1).to_pylist()[0]
        shown = ", ".join(f"{name}={twice[name]!r}" for name in key)
        raise BadInput(
            f"The key does not identify rows: {shown} occurs {twice['count_all']} times.",
            "Give more columns: --key a,b",
        )
