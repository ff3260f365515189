"""Which versions there are, and which one a reference means. Reads no data."""

import logging

from mlnb.core import project
from mlnb.core.errors import BadInput, UnknownName, UnreadableRecord
from mlnb.core.names import check_name, split_reference
from mlnb.core.records import DatasetVersion
from mlnb.core.store import ObjectStore
from mlnb.datasets import history, selectors
from mlnb.datasets.history import versions_log
from mlnb.datasets.records import DamagedVersion, Removal, RemovedVersion, StoredVersion

__all__ = [
    "check_exists",
    "find",
    "history_of",
    "latest",
    "log",
    "names",
    "newest_of_each",
    "public",
    "resolve",
    "shown_tags",
    "versions_log",
]

_logger = logging.getLogger("mlnb.datasets")


def names() -> list[str]:
    """Return the names of all datasets that have a version."""
    store = project.current().store
    return [name for name in store.logs("datasets") if history.last_number(store, name)]


def latest() -> list[DatasetVersion]:
    """Return the newest version of each dataset, by name.

    A dataset whose newest version cannot be read is left out, with a warning in the log.
    """
    return [version for version in newest_of_each() if not _warned(version)]  # type: ignore[misc]


def newest_of_each() -> list[DatasetVersion | DamagedVersion]:
    """Return the newest version of each dataset, by name, and what cannot be read in its place."""
    store = project.current().store
    found: list[DatasetVersion | DamagedVersion] = []
    for name in store.logs("datasets"):
        number = 0
        try:
            number = history.last_number(store, name)
            version = history.stored(store, name, number) if number else None
            if version is not None:
                found.append(public(version))
        except UnreadableRecord as error:
            found.append(DamagedVersion(name=name, number=number, problem=error.message))
    return found


def log(name: str) -> list[DatasetVersion]:
    """Return every version of a dataset, newest first, without those that were removed.

    Versions whose entry is damaged are left out, with a warning in the log.

    Raises
    ------
    UnknownName
        If there is no such dataset.
    """
    return [version for version in history_of(name) if not _warned(version)]  # type: ignore[misc]


def history_of(
    name: str, *, removed: bool = False
) -> list[DatasetVersion | RemovedVersion | DamagedVersion]:
    """Return every version of a dataset, newest first, and those that cannot be read.

    Parameters
    ----------
    name : str
        The dataset.
    removed : bool
        With those that were removed.

    Raises
    ------
    UnknownName
        If there is no such dataset.
    """
    check_exists(name, removed=removed)
    store = project.current().store
    stored, damaged = history.every(store, name)
    gone = history.removed(store, name)
    pointing: dict[int, list[str]] = {}
    for tag, number in sorted(shown_tags(store, name).items()):
        pointing.setdefault(number, []).append(tag)
    found: dict[int, DatasetVersion | RemovedVersion | DamagedVersion] = {
        item.number: item for item in damaged if item.number not in gone
    }
    for version in stored:
        if version.number not in gone:
            found[version.number] = version.public(pointing.get(version.number, []))
    if removed and gone:
        known = {version.number: version.public([]) for version in stored}
        for removal in history.removals(store, name):
            for number in removal.numbers:
                found[number] = _tombstone(name, number, removal, known.get(number))
    return [found[number] for number in sorted(found, reverse=True)]


def resolve(ref: str) -> DatasetVersion:
    """Return the version a reference means.

    Parameters
    ----------
    ref : str
        ``name``, ``name@latest``, ``name@3``, ``name@tag``, ``name@{2026-11-01}`` (or with a time
        of day: the newest version that was there then), ``name@~1`` (the one before the newest)
        or ``name@`` with the first six or more digits of the version's digest. Where several
        versions have one content, a digest means the newest.

    Raises
    ------
    UnknownName, InvalidReference, InvalidName
        If it means no version, or one that was removed.
    UnreadableRecord
        If the version's entry is damaged.
    """
    return public(find(ref))


def find(ref: str, *, removed: bool = False) -> StoredVersion:
    """Return the stored entry a reference means (errors as in `resolve`).

    Parameters
    ----------
    ref : str
        As in `resolve`.
    removed : bool
        Whether it may be one that was removed.
    """
    if not isinstance(ref, str):
        raise BadInput(f"{ref!r} names no version.", "Give a name, or name@version, as text.")
    name, selector = split_reference("dataset", ref)
    store = project.current().store
    if not store.last_number(versions_log(name)):
        raise UnknownName("dataset", name, names())
    number = selectors.number_of(store, name, selector)
    if number is None:
        raise selectors.unknown(store, name, ref)
    if not removed and number in history.removed(store, name):
        raise _is_removed(store, name, number, ref)
    version = history.stored(store, name, number)
    if version is None:
        raise selectors.unknown(store, name, ref)
    return version


def public(version: StoredVersion) -> DatasetVersion:
    """Return what callers see of a stored entry: the version with its present tags."""
    tags = shown_tags(project.current().store, version.name)
    return version.public(sorted(tag for tag, to in tags.items() if to == version.number))


def check_exists(name: str, *, removed: bool = False) -> str:
    """Return the name of a dataset if it has a version.

    Parameters
    ----------
    name : str
        The dataset.
    removed : bool
        Whether removed versions count.

    Raises
    ------
    UnknownName
        If it has none.
    """
    check_name("dataset", name)
    store = project.current().store
    number = store.last_number(versions_log(name))
    if not number:
        raise UnknownName("dataset", name, names())
    if not removed and not history.last_number(store, name):
        raise _is_removed(store, name, number, name)
    return name


def shown_tags(store: ObjectStore, name: str) -> dict[str, int]:
    """Return the present tags; none where their log is damaged, which hides no version."""
    try:
        return history.tags(store, name)
    except UnreadableRecord as error:
        _logger.warning("mlnb: the tags of %s cannot be read: %s", name, error)
        return {}


def _is_removed(store: ObjectStore, name: str, number: int, ref: str) -> UnknownName:
    error = UnknownName("dataset version", ref)
    for removal in history.removals(store, name):
        if number in removal.numbers:
            when = removal.created.astimezone().strftime("%Y-%m-%d %H:%M")
            why = f", because: {removal.message}" if removal.message else ""
            error.message = f"{name}@{number} was removed by {removal.author} on {when}{why}."
    newest = history.last_number(store, name)
    still = f"The newest version is {name}@{newest}. " if newest else ""
    if not newest:
        still = f"So were all others: `dataset log {name} --all` shows them. "
    error.fix = (
        f"{still}While its data is there, `dataset restore {name}@{number}` makes it the newest."
    )
    return error


def _tombstone(
    name: str, number: int, removal: Removal, version: DatasetVersion | None
) -> RemovedVersion:
    return RemovedVersion(
        name=name,
        number=number,
        message=removal.message,
        author=removal.author,
        created=removal.created,
        version=version,
    )


def _warned(version: object) -> bool:
    """Tell whether a version is damaged, with a warning when it is."""
    if isinstance(version, DamagedVersion):
        _logger.warning(
            "mlnb: %s@%d is left out: %s", version.name, version.number, version.problem
        )
    return isinstance(version, DamagedVersion)
