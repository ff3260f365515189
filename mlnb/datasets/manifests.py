"""What a version is made of: its manifest, one record per kind of version.

A manifest is an object of its own, named by the version's log entry. Everything that moves,
checks or removes versions (push, pull, verify, gc) needs to know only `Manifest.objects`.
"""

import json
from importlib import import_module
from typing import Any, Protocol

from mlnb.core.errors import ObjectCorrupt, ObjectMissing, UnreadableRecord
from mlnb.core.store import ObjectStore
from mlnb.datasets.records import StoredVersion

_HOMES = {
    "files": "mlnb.datasets.folders.manifest:FolderManifest",
    "link": "mlnb.datasets.links.manifest:LinkManifest",
    "table": "mlnb.datasets.storage.manifest:TableManifest",
}


class Manifest(Protocol):
    """What a version is made of; a frozen `mlnb.core.records.Record` of its own format."""

    @property
    def objects(self) -> dict[str, int]:
        """Return the version's objects beside manifest and profile: digest → size in bytes."""

    def to_dict(self) -> dict[str, Any]:
        """Return the manifest as JSON types."""


def put(store: ObjectStore, manifest: Manifest) -> str:
    """Store a manifest and return its digest."""
    text = json.dumps(manifest.to_dict(), ensure_ascii=False, allow_nan=False)
    return store.put(text.encode())


def read(store: ObjectStore, version: StoredVersion) -> Any:
    """Return a version's manifest, of the record of its kind.

    Raises
    ------
    ObjectMissing, ObjectCorrupt, UnreadableRecord
        If it is not as it was stored.
    """
    data = store.get(version.manifest, wanted_by=version.ref)
    module, _, name = _HOMES[version.kind].partition(":")
    try:
        return getattr(import_module(module), name).from_dict(json.loads(data))
    except ValueError as error:
        raise UnreadableRecord(f"manifest of {version.ref}", str(error)) from None


def objects(store: ObjectStore, version: StoredVersion) -> dict[str, int | None]:
    """Return every object a version needs, and its size in bytes where the version knows it.

    Parameters
    ----------
    store : ObjectStore
        Where to read the manifest.
    version : StoredVersion
        Of any kind and format.
    """
    named = (version.manifest, version.profile, version.table, version.layout)
    found: dict[str, int | None] = {digest: None for digest in named if digest}
    if version.table:
        found[version.table] = version.bytes
    if version.manifest:
        found.update(read(store, version).objects)
    return found


def is_whole(store: ObjectStore, version: StoredVersion) -> bool:
    """Tell whether every object of a version is there, in its full size."""
    try:
        needed = objects(store, version)
        sizes = store.sizes(digest for digest, size in needed.items() if size is not None)
        for digest, size in needed.items():
            if size is None:
                store.get(digest)  # small, and its size is recorded nowhere
    except (ObjectMissing, ObjectCorrupt, UnreadableRecord):
        return False
    return all(size is None or sizes.get(digest) == size for digest, size in needed.items())
