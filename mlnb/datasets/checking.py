"""Verify versions: read every object they need and compare it with its hash."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from mlnb.core import project
from mlnb.core.errors import ObjectCorrupt, ObjectMissing, UnreadableRecord
from mlnb.core.hashing import digest_file
from mlnb.core.store import ObjectStore
from mlnb.datasets import history, manifests, versions
from mlnb.datasets.records import DamagedObject, DamagedVersion, StoredVersion, VerifyReport
from mlnb.datasets.remotes.records import OnProgress, Progress

_AT_ONCE = 16
"""Objects fetched at a time from a server."""


class _Needs:
    """What versions need: object → versions, and the versions that do not even tell."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self.versions = 0
        self.objects: dict[str, list[str]] = {}
        self.sizes: dict[str, int] = {}
        self.unreadable: list[DamagedVersion] = []

    def add(self, found: Iterable[StoredVersion], damaged: Iterable[DamagedVersion] = ()) -> None:
        """Add versions."""
        self.unreadable += damaged
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            listed = list(found)
            for version, needed in zip(listed, pool.map(self._of, listed), strict=True):
                self.versions += 1
                if isinstance(needed, DamagedVersion):
                    self.unreadable.append(needed)
                    continue
                for digest, size in needed.items():
                    self.objects.setdefault(digest, []).append(version.ref)
                    self.sizes[digest] = size or 0

    def _of(self, version: StoredVersion) -> dict[str, int | None] | DamagedVersion:
        try:
            return manifests.objects(self._store, version)
        except (ObjectMissing, ObjectCorrupt):
            # The manifest itself: named below, as an object, with what the entry tells of others.
            named = (version.manifest, version.profile, version.table, version.layout)
            return {digest: None for digest in named if digest}
        except UnreadableRecord as error:
            return DamagedVersion(name=version.name, number=version.number, problem=error.message)


def verify(refs: Sequence[str] = (), *, on_progress: OnProgress | None = None) -> VerifyReport:
    """Read every object that versions need and compare it with its hash.

    Parameters
    ----------
    refs : sequence of str
        Versions, or datasets (all their versions); everything when none is given.
    on_progress : callable, optional
        Called with a `Progress` for each object.

    Returns
    -------
    VerifyReport
        With each damaged object, and all versions of all datasets that need it.

    Raises
    ------
    UnknownName, InvalidReference
        If a reference means no version.
    """
    store = project.current().store
    needs = _Needs(store)
    for ref in refs or versions.names():
        if "@" in ref:
            needs.add([versions.find(ref)])
        else:
            versions.check_exists(ref)
            needs.add(*_of_dataset(store, ref))
    problems: dict[str, ObjectMissing | ObjectCorrupt] = {}
    read = 0
    expected = sum(needs.sizes.values())
    started = time.monotonic()
    for done, (digest, size, problem) in enumerate(_checked(store, needs.objects), start=1):
        read += size
        if problem is not None:
            problems[digest] = problem
        if on_progress is not None:
            on_progress(
                Progress(
                    action="verify",
                    phase="copying",
                    objects=done,
                    objects_total=len(needs.objects),
                    bytes=read,
                    bytes_total=max(read, expected),
                    seconds=time.monotonic() - started,
                )
            )
    return VerifyReport(
        versions=needs.versions,
        objects=len(needs.objects),
        bytes=read,
        damaged=_damaged(store, needs, problems),
        unreadable=needs.unreadable,
    )


def _damaged(
    store: ObjectStore, needs: _Needs, problems: dict[str, ObjectMissing | ObjectCorrupt]
) -> list[DamagedObject]:
    """Return what is damaged, with all versions of all datasets that it touches."""
    if not problems:
        return []
    touched = _Needs(store)
    for name in versions.names():
        touched.add(*_of_dataset(store, name))
    return [
        DamagedObject(
            digest=digest,
            problem="missing" if isinstance(problem, ObjectMissing) else "corrupt",
            versions=list(dict.fromkeys(touched.objects.get(digest) or needs.objects[digest])),
        )
        for digest, problem in problems.items()
    ]


def _of_dataset(store: ObjectStore, name: str) -> tuple[list[StoredVersion], list[DamagedVersion]]:
    """Return the versions of a dataset that were not removed, and those that cannot be read."""
    found, damaged = history.every(store, name)
    gone = history.removed(store, name)
    return (
        [version for version in found if version.number not in gone],
        [version for version in damaged if version.number not in gone],
    )


def _checked(
    store: ObjectStore, digests: Iterable[str]
) -> Iterator[tuple[str, int, ObjectMissing | ObjectCorrupt | None]]:
    """Yield each object with the bytes that were read and what is wrong with it."""
    workers = (os.cpu_count() or 1) if store.is_local else _AT_ONCE
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(lambda digest: _check(store, digest), digests)


def _check(
    store: ObjectStore, digest: str
) -> tuple[str, int, ObjectMissing | ObjectCorrupt | None]:
    path = store.path(digest)
    try:
        if path is None:
            return digest, len(store.view(digest)), None
        if digest_file(path) != digest:
            return digest, path.stat().st_size, ObjectCorrupt(digest)
        return digest, path.stat().st_size, None
    except FileNotFoundError:
        return digest, 0, ObjectMissing(digest)
    except (ObjectMissing, ObjectCorrupt) as error:
        return digest, 0, error
