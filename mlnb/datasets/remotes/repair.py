"""Fetch damaged and missing objects, and damaged entries, anew from a remote that has them."""

import time
from collections.abc import Iterable
from contextlib import suppress

from mlnb.core import project
from mlnb.core.errors import UnreadableRecord
from mlnb.core.store import ObjectStore
from mlnb.datasets import history
from mlnb.datasets.checking import verify
from mlnb.datasets.records import DamagedObject, DamagedVersion, StoredVersion, VerifyReport
from mlnb.datasets.remotes.copying import copy
from mlnb.datasets.remotes.opening import open_remote, shown
from mlnb.datasets.remotes.records import OnProgress, RepairReport


def repair(
    refs: str | Iterable[str] = (),
    url: str | None = None,
    *,
    on_progress: OnProgress | None = None,
) -> RepairReport:
    """Verify versions, and fetch what is damaged or missing from a remote.

    An object is its hash, so it does not matter under which name the remote has it.

    Parameters
    ----------
    refs : str or iterable of str
        As in `verify`: versions, or datasets; everything when none is given.
    url : str, optional
        The remote; the setting ``remote`` by default.
    on_progress : callable, optional
        Called with a `Progress` for each object.

    Returns
    -------
    RepairReport
        What is whole again, and what the remote does not have either.

    Raises
    ------
    BadInput, StoreUnavailable
        If there is no such remote.
    """
    started = time.monotonic()
    here = project.current()
    remote = open_remote(here, url, reading=True)
    asked = [refs] if isinstance(refs, str) else list(refs)
    report = verify(asked, on_progress=on_progress)
    repaired: dict[str, int] = {}
    tried: set[str] = set()
    entries: list[str] = []
    while True:
        restored = [item for item in report.unreadable if _entry(here.store, remote, item)]
        entries += [f"{item.name}@{item.number}" for item in restored]
        damaged = {item.digest: item for item in report.damaged if item.digest not in tried}
        if not (restored or damaged):
            break
        tried.update(damaged)
        repaired |= _objects(remote, here.store, damaged, on_progress)
        # what was whole need not be read again; a manifest may name further objects
        touched = {ref for item in damaged.values() for ref in item.versions}
        touched.update(f"{item.name}@{item.number}" for item in report.unreadable)
        report = _again(sorted(touched))
    return RepairReport(
        url=shown(here, url),
        repaired=sorted(repaired),
        entries=entries,
        lost=report.damaged,
        unreadable=report.unreadable,
        bytes=sum(repaired.values()),
        seconds=time.monotonic() - started,
    )


def _objects(
    remote: ObjectStore,
    store: ObjectStore,
    damaged: dict[str, DamagedObject],
    on_progress: OnProgress | None,
) -> dict[str, int]:
    """Fetch objects and return those that the remote had whole, with their sizes."""
    there = remote.sizes(damaged)
    lost: list[str] = []
    copy(
        remote,
        store,
        there,
        action="repair",
        needed_by={digest: item.versions[0] for digest, item in damaged.items()},
        lost=lost,
        on_progress=on_progress,
    )
    return {digest: size for digest, size in there.items() if digest not in lost}


def _entry(store: ObjectStore, remote: ObjectStore, item: DamagedVersion) -> bool:
    """Put the remote's entry in the place of one that cannot be read."""
    log = history.versions_log(item.name)
    with suppress(UnreadableRecord):
        if history.stored(store, item.name, item.number) is not None:
            return False  # it is the manifest that cannot be read
    with suppress(UnreadableRecord):
        entry = remote.entry(log, item.number)
        if entry is not None and StoredVersion.from_dict(entry.data).number == item.number:
            store.mend(log, entry)
            return True
    return False


def _again(refs: list[str]) -> VerifyReport:
    """Verify versions of which some may still be unreadable."""
    readable: list[str] = []
    unreadable: list[DamagedVersion] = []
    store = project.current().store
    for ref in refs:
        name, _, number = ref.partition("@")
        try:
            history.stored(store, name, int(number))
            readable.append(ref)
        except UnreadableRecord as error:
            unreadable.append(DamagedVersion(name=name, number=int(number), problem=error.message))
    found = verify(readable) if readable else VerifyReport(versions=0, objects=0, bytes=0)
    return VerifyReport(
        versions=found.versions,
        objects=found.objects,
        bytes=found.bytes,
        damaged=found.damaged,
        unreadable=[*found.unreadable, *unreadable],
    )
