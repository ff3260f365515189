"""Values as objects of the store: tables as Arrow, arrays as NumPy files, the rest as one pickle.

All but the pickle are read without running anything, wherever they come from; the pickle is
loaded only if it was stored with our key.
"""

import io
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mlnb.core.errors import UnsupportedData
from mlnb.core.records import Record
from mlnb.core.store import ObjectStore
from mlnb.execution.steps import pickling

Kind = Literal["json", "frame", "polars", "arrow", "array", "pickle", "same"]
_LAYOUT = b"mlnb"


@dataclass(frozen=True, kw_only=True)
class StoredValue(Record):
    """One value of a cell, as it is stored."""

    name: str
    kind: Kind
    digest: str = ""
    """The object; several values share the pickle."""
    bytes: int = 0
    value: Any = None
    """The value itself, of kind ``json``."""
    same_as: str = ""
    """The name that has the very same object, of kind ``same``."""


@dataclass
class Kept:
    """Values that were stored, and those that were not."""

    values: list[StoredValue] = field(default_factory=list)
    pickle: str = ""
    """Digest of the pickle, ``""`` when none was needed."""
    refused: dict[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """Return the size of all objects."""
        return sum({item.digest: item.bytes for item in self.values}.values())


def put(
    store: ObjectStore,
    values: Mapping[str, Any],
    namespace: Mapping[str, Any],
    *,
    by_name: Collection[str] = (),
    secrets: Collection[str] = (),
) -> Kept:
    """Store values; those that cannot be are named in the result."""
    kept = Kept()
    first: dict[int, str] = {}
    others: dict[str, Any] = {}
    for name, value in values.items():
        plain = _is_json(value)
        if not plain and id(value) in first:
            kept.values.append(StoredValue(name=name, kind="same", same_as=first[id(value)]))
            continue
        first[id(value)] = name
        if plain and not any(secret in json.dumps(value) for secret in secrets):
            kept.values.append(StoredValue(name=name, kind="json", value=value))
            continue
        encoded = None if plain else _encoded(value)
        if encoded is None:
            others[name] = value
            continue
        kind, data = encoded
        digest, size = store.put(data), memoryview(data).nbytes
        kept.values.append(StoredValue(name=name, kind=kind, digest=digest, bytes=size))
    if others:
        _put_pickle(kept, store, others, namespace, by_name, secrets)
    gone = set(kept.refused)
    for item in kept.values:
        if item.same_as in gone:
            kept.refused[item.name] = kept.refused[item.same_as]
    return kept


def _put_pickle(
    kept: Kept,
    store: ObjectStore,
    others: Mapping[str, Any],
    namespace: Mapping[str, Any],
    by_name: Collection[str],
    secrets: Collection[str],
) -> None:
    data, kept.refused = pickling.dump(others, namespace, by_name=by_name, secrets=secrets)
    names = [name for name in others if name not in kept.refused]
    if names:
        kept.pickle = store.put(data)
        kept.values += [
            StoredValue(name=name, kind="pickle", digest=kept.pickle, bytes=len(data))
            for name in names
        ]


def get(store: ObjectStore, values: list[StoredValue], namespace: dict[str, Any]) -> dict[str, Any]:
    """Return stored values by name; the origin of a pickle among them is checked already.

    Raises
    ------
    StoreError
        If an object is missing or damaged.
    """
    found: dict[str, Any] = {}
    pickles: dict[str, dict[str, Any]] = {}
    for item in values:
        if item.kind == "json":
            found[item.name] = item.value
        elif item.kind == "pickle":
            if item.digest not in pickles:
                pickles[item.digest] = pickling.load(store.get(item.digest), namespace)
            found[item.name] = pickles[item.digest][item.name]
        elif item.kind != "same":
            found[item.name] = _decoded(item.kind, store.view(item.digest))
    for item in values:
        if item.kind == "same":
            found[item.name] = found[item.same_as]
    return found


def _is_json(value: Any) -> bool:
    """Tell whether a value comes back from JSON exactly as it was."""
    kind = type(value)
    if value is None or kind in (bool, int, str):
        return kind is not str or value.isascii() or not _has_surrogates(value)
    if kind is float:
        return math.isfinite(value)
    # a list is an object that others may share: only what cannot be changed is copied
    return False


def _has_surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _encoded(value: Any) -> tuple[Kind, Any] | None:
    kind = type(value)
    home = kind.__module__.partition(".")[0]
    if home == "numpy" and kind.__name__ == "ndarray" and not value.dtype.hasobject:
        import numpy as np

        if not value.flags.owndata or not value.flags.writeable:
            return None  # a view of another array, which the pickle keeps one
        stream = io.BytesIO()
        np.save(stream, value, allow_pickle=False)
        return "array", stream.getbuffer()
    if home == "pandas" and kind.__name__ == "DataFrame" and not value.attrs:
        return _table("frame", value)
    if home == "polars" and kind.__name__ == "DataFrame":
        return _table("polars", value)
    if home == "pyarrow" and kind.__name__ == "Table":
        return _table("arrow", value)
    return None


def _table(kind: Kind, value: Any) -> tuple[Kind, Any] | None:
    import pyarrow as pa

    from mlnb.datasets.sources import read

    try:
        content = read(value)
    except (UnsupportedData, pa.ArrowException):  # the pickle may hold it
        return None
    schema = content.table.schema
    layout = json.dumps(content.pandas).encode()
    table = content.table.replace_schema_metadata({**(schema.metadata or {}), _LAYOUT: layout})
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
    with pa.ipc.new_file(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return kind, sink.getvalue()


def _decoded(kind: Kind, data: memoryview) -> Any:
    if kind == "array":
        import numpy as np

        return np.load(io.BytesIO(data), allow_pickle=False)
    import pyarrow as pa

    from mlnb.datasets.tables import Content

    table = pa.ipc.open_file(pa.py_buffer(data)).read_all()
    metadata = dict(table.schema.metadata or {})
    layout = json.loads(metadata.pop(_LAYOUT))
    table = table.replace_schema_metadata(metadata or None)
    if kind == "arrow":
        return table
    if kind == "polars":
        import polars as pl

        return pl.from_arrow(table)
    from mlnb.datasets.pandas_frames import to_pandas

    return to_pandas(Content(table, layout), own=True)  # it was decompressed for this
