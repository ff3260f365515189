"""Which versions there are: the version log, tags and references. Reads no data."""

import re
from collections.abc import Iterator

from mlnb.core import project
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.names import check_name, split_reference
from mlnb.core.records import DatasetVersion, now
from mlnb.core.store import ObjectStore
from mlnb.datasets.records import StoredVersion, TagChange

_DIGEST_PREFIX = re.compile(r"[0-9a-f]{6,64}")


def versions_log(name: str) -> str:
    """Return the name of the log that holds a dataset's versions."""
    return f"datasets/{name}/versions"


def names() -> list[str]:
    """Return the names of all datasets."""
    store = project.current().store
    return [name for name in store.logs("datasets") if store.last(versions_log(name))]


def latest() -> list[DatasetVersion]:
    """Return the newest version of each dataset, by name."""
    store = project.current().store
    newest = (_last(store, name) for name in store.logs("datasets"))
    return [public(version) for version in newest if version]


def log(name: str) -> list[DatasetVersion]:
    """Return every version of a dataset, newest first.

    Raises
    ------
    UnknownName
        If there is no such dataset.
    """
    check_name("dataset", name)
    tags = _tags(name)
    versions = [version.public(_pointing(tags, version.number)) for version in _stored(name)]
    if not versions:
        raise UnknownName("dataset", name, names())
    return versions[::-1]


def resolve(ref: str) -> DatasetVersion:
    """Return the version a reference means.

    Parameters
    ----------
    ref : str
        ``name``, ``name@latest``, ``name@3``, ``name@tag`` or ``name@`` with the first six or
        more digits of the version's digest. Where several versions have one content, a digest
        means the newest.

    Raises
    ------
    UnknownName, InvalidReference, InvalidName
        If it means no version.
    """
    return public(find(ref))


def tag(ref: str, tag: str) -> DatasetVersion:
    """Point a tag at a version; a tag of that name moves.

    Parameters
    ----------
    ref : str
        The version.
    tag : str
        A name, not a number and not ``latest``.

    Returns
    -------
    DatasetVersion
        The version with its tags.
    """
    check_tag(tag)
    version = find(ref)
    if _tags(version.name).get(tag) != version.number:
        here = project.current()
        change = TagChange(
            tag=tag, number=version.number, author=here.settings.author, created=now()
        )
        here.store.append(f"datasets/{version.name}/tags", lambda _number: change.to_dict())
    return public(version)


def check_tag(tag: str) -> str:
    """Return a tag if it can be one.

    Raises
    ------
    InvalidName
        If it could not be a name.
    BadInput
        If it could be taken for a version number or for ``latest``.
    """
    check_name("tag", tag)
    if tag.isdigit() or tag == "latest":
        raise BadInput(f"{tag!r} cannot be a tag: it means a version.", "Use a word: gold.")
    return tag


def find(ref: str) -> StoredVersion:
    """Return the stored entry a reference means (errors as in `resolve`)."""
    name, selector = split_reference("dataset", ref)
    store = project.current().store
    newest = store.last(versions_log(name))
    if newest is None:
        raise UnknownName("dataset", name, names())
    if selector == "latest":
        return StoredVersion.from_dict(newest.data)
    tags = _tags(name)
    number = int(selector) if selector.isdecimal() else tags.get(selector)
    if number is not None and 0 < number <= newest.number:
        entry = store.entry(versions_log(name), number)
        if entry:
            return StoredVersion.from_dict(entry.data)
    if _DIGEST_PREFIX.fullmatch(selector):
        for version in reversed(list(_stored(name))):
            if version.digest.startswith(selector):
                return version
    listed = f"Its versions are 1 to {newest.number}" if newest.number > 1 else "It has version 1"
    tagged = f"; its tags: {', '.join(sorted(tags))}" if tags else ""
    raise UnknownName("dataset version", ref, fix=f"{listed}{tagged}.")


def public(version: StoredVersion) -> DatasetVersion:
    """Return what callers see of a stored entry: the version with its present tags."""
    return version.public(_pointing(_tags(version.name), version.number))


def _stored(name: str) -> Iterator[StoredVersion]:
    for entry in project.current().store.entries(versions_log(name)):
        yield StoredVersion.from_dict(entry.data)


def _last(store: ObjectStore, name: str) -> StoredVersion | None:
    entry = store.last(versions_log(name))
    return StoredVersion.from_dict(entry.data) if entry else None


def _tags(name: str) -> dict[str, int]:
    entries = project.current().store.entries(f"datasets/{name}/tags")
    changes = (TagChange.from_dict(entry.data) for entry in entries)
    return {change.tag: change.number for change in changes}


def _pointing(tags: dict[str, int], number: int) -> list[str]:
    return sorted(tag for tag, target in tags.items() if target == number)
