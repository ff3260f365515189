"""The three logs of a dataset, read: versions, tags, removals. Everybody else asks here.

An entry of the logs of tags and removals says all that holds after it, so the present state is
one entry, however long the history is.
"""

from collections.abc import Iterable
from typing import TypeVar

from mlnb.core.errors import UnreadableRecord
from mlnb.core.records import Record
from mlnb.core.store import ObjectStore
from mlnb.datasets.records import DamagedVersion, Removal, StoredVersion, TagChange

R = TypeVar("R", bound=Record)


def versions_log(name: str) -> str:
    """Return the name of the log that holds a dataset's versions."""
    return f"datasets/{name}/versions"


def tags_log(name: str) -> str:
    """Return the name of the log that holds what became of a dataset's tags."""
    return f"datasets/{name}/tags"


def removed_log(name: str) -> str:
    """Return the name of the log that holds which of a dataset's versions were removed."""
    return f"datasets/{name}/removed"


def stored(store: ObjectStore, name: str, number: int) -> StoredVersion | None:
    """Return one version, removed or not, or None when there is none of this number.

    Raises
    ------
    UnreadableRecord
        If its entry is damaged or of a newer format.
    """
    entry = store.entry(versions_log(name), number)
    if entry is None:
        return None
    try:
        return StoredVersion.from_dict(entry.data)
    except UnreadableRecord as error:
        raise UnreadableRecord(f"version {name}@{number}", _reason(error)) from None


def every(store: ObjectStore, name: str) -> tuple[list[StoredVersion], list[DamagedVersion]]:
    """Return all versions, oldest first, removed ones included, and those that cannot be read."""
    return some(store, name, None)


def some(
    store: ObjectStore, name: str, numbers: Iterable[int] | None
) -> tuple[list[StoredVersion], list[DamagedVersion]]:
    """Return versions of these numbers, as `every` does."""
    found: list[StoredVersion] = []
    problems: dict[int, UnreadableRecord] = {}
    for entry in store.entries(versions_log(name), numbers=numbers, damaged=problems):
        try:
            found.append(StoredVersion.from_dict(entry.data))
        except UnreadableRecord as error:
            problems[entry.number] = error
    damaged = [
        DamagedVersion(name=name, number=number, problem=_reason(problems[number]))
        for number in sorted(problems)
    ]
    return found, damaged


def last(store: ObjectStore, name: str, before: int | None = None) -> StoredVersion | None:
    """Return the newest version that is not removed, or None.

    Parameters
    ----------
    store : ObjectStore
        Where it is.
    name : str
        The dataset.
    before : int, optional
        Only versions of smaller numbers.

    Raises
    ------
    UnreadableRecord
        If its entry is damaged: an older version is not taken for it.
    """
    number = last_number(store, name, before)
    return stored(store, name, number) if number else None


def last_number(store: ObjectStore, name: str, before: int | None = None) -> int:
    """Return the number of the newest version that is not removed, or 0."""
    number = before - 1 if before is not None else store.last_number(versions_log(name))
    gone = removed(store, name) if number else frozenset()
    while number in gone:
        number -= 1
    return number


def tags(store: ObjectStore, name: str) -> dict[str, int]:
    """Return the version that each tag points at now.

    Raises
    ------
    UnreadableRecord
        If the newest change of a tag is damaged.
    """
    return tags_at(store, name, store.last_number(tags_log(name)))


def tags_at(store: ObjectStore, name: str, number: int) -> dict[str, int]:
    """Return the tags as they were after an entry of their log."""
    later: list[TagChange] = []
    found: dict[str, int] = {}
    for at in range(number, 0, -1):
        entry = store.entry(tags_log(name), at)
        if entry is None:
            continue
        change = TagChange.from_dict(entry.data)
        if change.tags is not None:
            found = dict(change.tags)
            break
        later.append(change)
    for change in reversed(later):  # of format 1, which only ever set tags
        found[change.tag] = change.number or 0
    return found


def tag_changes(store: ObjectStore, name: str) -> list[TagChange]:
    """Return every change of a tag that can be read, oldest first."""
    return _readable(store, tags_log(name), TagChange)


def removed(store: ObjectStore, name: str) -> frozenset[int]:
    """Return the numbers of all versions that were removed.

    An entry that cannot be read counts as not written: a version too many can be removed again, one
    too few cannot be brought back.
    """
    log = removed_log(name)
    for number in range(store.last_number(log), 0, -1):
        try:
            entry = store.entry(log, number)
            if entry is not None:
                return frozenset(Removal.from_dict(entry.data).removed)
        except UnreadableRecord:
            continue
    return frozenset()


def removals(store: ObjectStore, name: str) -> list[Removal]:
    """Return every removal that can be read, oldest first."""
    return _readable(store, removed_log(name), Removal)


def _readable(store: ObjectStore, log: str, kind: type[R]) -> list[R]:
    found = []
    damaged: dict[int, UnreadableRecord] = {}
    for entry in store.entries(log, damaged=damaged):
        try:
            found.append(kind.from_dict(entry.data))
        except UnreadableRecord as error:
            damaged[entry.number] = error
    return found


def _reason(error: UnreadableRecord) -> str:
    return error.message.partition(" cannot be read: ")[2].rstrip(".")
