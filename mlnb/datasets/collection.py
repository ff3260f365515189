"""Collect garbage: remove the objects of the store that nothing names any more.

What is kept is found by a rule that needs no knowledge of who uses the store: every run of 64
hexadecimal digits in any entry of any log is an object's name, and so is every one in an object
that such an entry names. Only the versions of datasets are understood: a removed one keeps
nothing. Marking comes first, removing after; what is young is left alone (see
`mlnb.core.backends.renewal` for why that is safe beside running saves).
"""

import json
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import entry_points

from mlnb.core import project
from mlnb.core.backends.renewal import ObjectFile
from mlnb.core.errors import ObjectCorrupt, ObjectMissing, StoreError, UnreadableRecord
from mlnb.core.objects import GRACE
from mlnb.core.store import ObjectStore
from mlnb.datasets import history, manifests
from mlnb.datasets.records import GarbageCollection, StoredVersion
from mlnb.datasets.removal import holders

_NAME = re.compile(rb"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_VERSIONS = re.compile(r"datasets/([^/]+)/versions")
_LEAVES = ("checkpoints/", "endpoints/", "models/", "pipelines/", "steps/", "validations/")
"""Logs whose objects (notebooks, labels) name no other objects, and so need not be read."""
CACHES = "mlnb.caches"
"""Entry points of functions that keep a cache below its size: ``(dry_run=…) → how many went``.

The packages above this one keep in the store what can be made again.
"""
_AT_ONCE = 16


def collect(*, older_than: float | None = None, dry_run: bool = False) -> GarbageCollection:
    """Remove objects that nothing has named for a while.

    Parameters
    ----------
    older_than : float, optional
        Seconds that an object must not have been written or named for; the store's ``grace`` (a
        day) by default. Less is safe only while nobody saves.
    dry_run : bool
        Remove nothing, only tell.

    Returns
    -------
    GarbageCollection
        What was removed, or would be.

    Raises
    ------
    StoreError
        If an entry or a manifest cannot be read, so that nobody knows what it names; nothing is
        removed then.
    """
    here = project.current()
    for point in sorted(entry_points(group=CACHES), key=lambda point: point.name):
        point.load()(dry_run=dry_run)
    grace = here.store.grace if older_than is None else older_than
    before = time.time() - grace
    found: dict[str, list[ObjectFile]] = {}
    for file in here.store.files():
        found.setdefault(file.digest, []).append(file)
    live = _Marking(here.store, set(found), before).live()
    plan = _sorted_out(found, live, before)
    removed = plan.garbage
    swept = 0
    if not dry_run:
        removed = here.store.discard(plan.garbage)
        swept = here.store.sweep(max(grace, GRACE))
    result = GarbageCollection(
        dry_run=dry_run,
        older_than=grace,
        removed_objects=len({file.digest for file in removed}),
        removed_bytes=_size(removed) + swept,
        waiting_objects=len({file.digest for file in plan.waiting}),
        waiting_bytes=_size(plan.waiting),
        kept_objects=len({file.digest for file in plan.kept}),
        kept_bytes=_size(plan.kept),
    )
    if not dry_run:
        here.events.emit(
            "garbage.collected", here.name, objects=result.removed_objects, bytes=_size(removed)
        )
    return result


@dataclass
class _Plan:
    """The files of the store, sorted out."""

    garbage: list[ObjectFile] = field(default_factory=list)
    waiting: list[ObjectFile] = field(default_factory=list)
    """Not named, but too young."""
    kept: list[ObjectFile] = field(default_factory=list)


def _sorted_out(found: dict[str, list[ObjectFile]], live: set[str], before: float) -> _Plan:
    plan = _Plan()
    for digest, files in found.items():
        is_old = all(file.changed < before for file in files)
        if digest not in live:
            (plan.garbage if is_old else plan.waiting).extend(files)
            continue
        first = [file for file in files if file.is_first]
        further = [file for file in files if not file.is_first]
        if is_old and first and all(file.size == first[0].size for file in further):
            plan.garbage += further  # made for a save that is over
            plan.kept += first
        else:
            plan.kept += files
    return plan


def _size(files: Iterable[ObjectFile]) -> int:
    """Return the bytes of files; further files of an object are links in a folder."""
    return sum({file.digest: file.size for file in files}.values())


class _Marking:
    """Finds what is named.

    Parameters
    ----------
    store : ObjectStore
        The store.
    there : set of str
        The objects there are.
    before : float
        Versions removed after this time count as not removed: a save that found their data in
        place may not be through yet.
    """

    def __init__(self, store: ObjectStore, there: set[str], before: float) -> None:
        self._store = store
        self._there = there
        self._before = before
        self._live: set[str] = set()
        self._read: set[str] = set()

    def live(self) -> set[str]:
        """Return the digests of all objects that must stay."""
        for log in self._store.all_logs():
            dataset = _VERSIONS.fullmatch(log)
            if dataset:
                self._mark_versions(dataset[1])
            else:
                self._mark_log(log)
        return self._live

    def _mark_log(self, log: str) -> None:
        damaged: dict[int, UnreadableRecord] = {}
        named: set[str] = set()
        for entry in self._store.entries(log, damaged=damaged):
            named |= _names(json.dumps(entry.data).encode())
        for error in damaged.values():
            raise _unknown(error.message, "Restore the file from a backup, or delete it")
        if not log.startswith(_LEAVES):
            self._follow(named)
        self._live |= named

    def _follow(self, named: set[str]) -> None:
        """Mark what objects name that are JSON, and what those name, and so on."""
        waiting = named & self._there
        while waiting:
            digest = waiting.pop()
            if digest in self._read:
                continue
            self._read.add(digest)
            with suppress(ObjectMissing):
                data = self._store.view(digest)
                if bytes(data[:1]) in (b"{", b"["):
                    found = _names(data)
                    self._live |= found
                    waiting |= found & self._there

    def _mark_versions(self, name: str) -> None:
        versions, damaged = history.every(self._store, name)
        gone = self._gone(name, versions)
        for entry in damaged:
            if entry.number not in gone:
                raise _unknown(
                    f"Version {name}@{entry.number} cannot be read: {entry.problem}.",
                    f"Update mlnb if it is of a newer one, or: dataset rm {name}@{entry.number}",
                )
        there = [version for version in versions if version.number not in gone]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for marked in pool.map(self._needed, there):
                self._live |= marked

    def _gone(self, name: str, versions: list[StoredVersion]) -> set[int]:
        """Return the versions that were removed long enough ago and that nobody names."""
        removals = history.removals(self._store, name)
        removed = history.removed(self._store, name)
        gone = {
            number
            for removal in removals
            if removal.created.timestamp() < self._before
            for number in removal.numbers
        } & removed
        gone -= set(history.tags(self._store, name).values())
        # Only what still has data is worth asking everybody about.
        has_data = {v.number for v in versions if {v.manifest, v.table} & self._there}
        return gone - set(holders(name)) if gone & has_data else gone

    def _needed(self, version: StoredVersion) -> set[str]:
        """Return what a version names, by its manifest and by every digest in there."""
        found = _names(json.dumps(version.to_dict()).encode())
        if version.manifest in self._read:
            return found
        try:
            found |= set(manifests.objects(self._store, version))
            if version.manifest:
                found |= _names(self._store.view(version.manifest))
        except (ObjectMissing, ObjectCorrupt, UnreadableRecord) as error:
            if version.number in history.removed(self._store, version.name):
                return found  # it cannot be restored in any case
            raise _unknown(
                error.message,
                f"Repair it (dataset verify --repair --from URL), or: dataset rm {version.ref}",
            ) from None
        if version.manifest:
            self._read.add(version.manifest)
            self._live |= found
        return found


def _names(data: bytes | memoryview) -> set[str]:
    return {name.decode() for name in _NAME.findall(data)}


def _unknown(reason: str, fix: str) -> StoreError:
    return StoreError(f"Nothing was removed, for nobody knows what is needed: {reason}", f"{fix}.")
