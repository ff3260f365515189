"""What one side of a transfer has that the other lacks.

A version's number means one version on both sides. Where the logs differ at a number they have
diverged, and nothing is written. A side may lack versions: who pulls ``flights@7`` alone has a log
with the entry 7 alone.
"""

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from mlnb.core.errors import ObjectMissing, UnknownName, VersionsDiverged
from mlnb.core.names import check_name, split_reference
from mlnb.core.store import Entry, ObjectStore
from mlnb.datasets import history, manifests, selectors
from mlnb.datasets.records import StoredVersion


@dataclass(frozen=True)
class Plan:
    """What is to be written of one dataset."""

    name: str
    """The dataset's name where it comes from."""
    target: str
    """Its name where it goes to."""
    numbers: frozenset[int] | None
    """The versions that were asked for; None for the whole dataset, with its removals."""
    entries: dict[int, Entry]
    """What the target's log lacks, as it will be written."""
    same: frozenset[int]
    """Versions both have."""
    only_there: frozenset[int]
    """Versions that the target has and the source lacks."""
    removed: frozenset[int]
    """Versions that are removed where it comes from."""
    needed: dict[str, int]
    """Objects that the entries name and the target may lack: digest → size in bytes."""
    needed_by: dict[str, str]
    """The version that an object is needed by."""
    base: int | None
    """The newest version both have; nobody looked for its objects in the target."""
    spared: dict[str, int]
    """Objects that the entries name and ``base`` does, too."""


@dataclass(frozen=True)
class Wanted:
    """A dataset, or one version of it, that was asked for."""

    name: str
    selector: str = ""
    """Empty for all versions."""


def wanted(refs: Iterable[str], source: ObjectStore) -> list[Wanted]:
    """Return what references ask for: datasets or versions; all datasets when there are none.

    Raises
    ------
    InvalidReference, InvalidName
        If one is none.
    UnknownName
        If there is no such dataset.
    """
    chosen = [
        Wanted(split_reference("dataset", ref)[0], ref.partition("@")[2])
        for ref in dict.fromkeys(refs)
    ]
    known = source.logs("datasets")
    for item in chosen:
        if item.name not in known:
            raise UnknownName("dataset", item.name, known)
    return chosen or [Wanted(name) for name in known]


def plan(
    source: ObjectStore, target: ObjectStore, item: Wanted, *, rename: str = "", url: str = ""
) -> Plan:
    """Compare both sides' logs of a dataset, and find out what the new entries need.

    Parameters
    ----------
    source, target : ObjectStore
        Where versions are, and where they go.
    item : Wanted
        What is to be sent.
    rename : str
        The dataset's name in the target; the same one by default.
    url : str
        The remote, for the error.

    Raises
    ------
    VersionsDiverged
        If a number means two versions.
    UnknownName
        If there is no such version.
    ObjectMissing, ObjectCorrupt, UnreadableRecord
        If the source is damaged there.
    """
    name, goal = item.name, check_name("dataset", rename or item.name)
    numbers = _numbers(source, item)
    there = frozenset(target.numbers(history.versions_log(goal)))
    here = frozenset(source.numbers(history.versions_log(name)))
    asked = here if numbers is None else numbers
    new = _new(source, target, name, goal, asked, here & there, url)
    removed = history.removed(source, name)
    base, known_objects = _base(source, target, name, goal, sorted(here & there) if new else [])
    versions = [_version(entry, name) for number, entry in new.items() if number not in removed]
    sizes, needed_by = _named(source, versions)
    return Plan(
        name=name,
        target=goal,
        numbers=numbers,
        entries=new,
        same=here & there & asked,
        only_there=there - here,
        removed=removed,
        needed={digest: size for digest, size in sizes.items() if digest not in known_objects},
        needed_by=needed_by,
        base=base,
        spared={digest: size for digest, size in sizes.items() if digest in known_objects},
    )


def _numbers(source: ObjectStore, item: Wanted) -> frozenset[int] | None:
    """Return the number of the version asked for, or None for all of them."""
    if not item.selector:
        return None
    number = selectors.number_of(source, item.name, item.selector)
    gone = number in history.removed(source, item.name)
    if number is None or gone or history.stored(source, item.name, number) is None:
        raise selectors.unknown(source, item.name, f"{item.name}@{item.selector}")
    return frozenset([number])


def _new(
    source: ObjectStore,
    target: ObjectStore,
    name: str,
    goal: str,
    asked: frozenset[int],
    common: frozenset[int],
    url: str,
) -> dict[int, Entry]:
    """Return the entries that the target lacks, if those that both have are the same."""
    log, other = history.versions_log(name), history.versions_log(goal)
    read = source.entries(log, numbers=sorted(asked | common))
    entries = {entry.number: _renamed(entry, goal) for entry in read}
    known = {entry.number: entry.data for entry in target.entries(other, numbers=sorted(common))}
    differing = [number for number in sorted(known) if entries[number].data != known[number]]
    if differing:
        first = differing[0]
        raise VersionsDiverged(goal, differing, url, _who(entries[first].data), _who(known[first]))
    return {number: entry for number, entry in entries.items() if number not in known}


def _renamed(entry: Entry, name: str) -> Entry:
    return Entry(entry.number, {**entry.data, "name": name})


def _version(entry: Entry, name: str) -> StoredVersion:
    return StoredVersion.from_dict({**entry.data, "name": name})


def _base(
    source: ObjectStore,
    target: ObjectStore,
    name: str,
    goal: str,
    common: Sequence[int],
) -> tuple[int | None, Collection[str]]:
    """Return the newest version both sides have, and its objects: the target has them."""
    gone = history.removed(target, goal) if common else frozenset()
    kept = [number for number in common if number not in gone]
    if not kept:
        return None, ()
    near, at = (target, goal) if target.is_local else (source, name)
    version = history.stored(near, at, kept[-1])
    try:
        return kept[-1], manifests.objects(near, version) if version else ()
    except ObjectMissing:  # its data is gone here: look for each object instead
        return None, ()


def _named(source: ObjectStore, new: list[StoredVersion]) -> tuple[dict[str, int], dict[str, str]]:
    """Return what versions need, sized, and which one needs it."""
    sizes: dict[str, int | None] = {}
    needed_by: dict[str, str] = {}
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda version: manifests.objects(source, version), new))
    for version, objects in zip(new, found, strict=True):
        for digest, size in objects.items():
            needed_by.setdefault(digest, version.ref)
            sizes[digest] = sizes.get(digest) or size
    looked = source.sizes(digest for digest, size in sizes.items() if size is None)
    named: dict[str, int] = {}
    for digest, size in sizes.items():
        known = looked.get(digest) if size is None else size
        if known is None:
            raise ObjectMissing(digest, needed_by[digest])
        named[digest] = known
    return named, needed_by


def _who(data: dict[str, Any]) -> str:
    """Return who saved a version, and when."""
    version = StoredVersion.from_dict(data)
    return f"saved by {version.author} on {version.created.astimezone():%Y-%m-%d %H:%M:%S}"
