"""Tags: names that point at a version and can be moved, with the history of every move."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlnb.core import project
from mlnb.core.errors import BadInput, UnknownName
from mlnb.core.names import check_name
from mlnb.core.project import Project
from mlnb.core.records import DatasetVersion, now
from mlnb.datasets import history, versions
from mlnb.datasets.records import TagChange, TagHistory

_LIKE_A_DIGEST = re.compile(r"[0-9a-f]{6,64}")


def check_tag(tag: str) -> str:
    """Return a tag if it can be one.

    Raises
    ------
    InvalidName
        If it could not be a name.
    BadInput
        If it could be taken for a version number, for ``latest`` or for a digest's beginning.
    """
    check_name("tag", tag)
    if tag.isdigit() or tag == "latest":
        raise BadInput(f"{tag!r} cannot be a tag: it means a version.", "Use a word: gold.")
    if _LIKE_A_DIGEST.fullmatch(tag) and not tag.isalpha():
        raise BadInput(f"{tag!r} cannot be a tag: it reads as a digest.", "Use a word: gold.")
    return tag


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
    version = versions.find(ref)
    point(project.current(), version.name, tag, version.number)
    return versions.public(version)


def untag(name: str, tag: str) -> TagHistory:
    """Remove a tag; the version stays, and the history says who removed it.

    Parameters
    ----------
    name : str
        The dataset. A version may stand behind it (``name@3``): then the tag must point there.
    tag : str
        The tag.

    Raises
    ------
    UnknownName
        If there is no such dataset, or it has no such tag.
    BadInput
        If the tag points at another version than the one given.
    """
    here = project.current()
    dataset, at, _selector = name.partition("@")
    current = history.tags(here.store, versions.check_exists(dataset))
    if tag not in current:
        raise UnknownName("tag", tag, current)
    if at and (given := versions.find(name).number) != current[tag]:
        raise BadInput(f"{tag!r} points at {dataset}@{current[tag]}, not at {dataset}@{given}.")
    point(here, dataset, tag, None)
    return tags(dataset)


def tags(name: str) -> TagHistory:
    """Return the tags of a dataset, and who moved what when.

    Raises
    ------
    UnknownName
        If there is no such dataset.
    """
    store = project.current().store
    versions.check_exists(name)
    changes = []
    pointing: dict[str, int] = {}
    for change in history.tag_changes(store, name):
        changes.append(replace(change, previous=pointing.pop(change.tag, None), tags=None))
        if change.number is not None:
            pointing[change.tag] = change.number
    return TagHistory(name=name, tags=history.tags(store, name), changes=changes[::-1])


def point(here: Project, name: str, tag: str, number: int | None) -> None:
    """Point a tag at a number, or remove it; one that points there already is left as it is."""
    store = here.store

    class Nothing(Exception):
        pass

    def make(entry: int) -> Mapping[str, Any]:
        before = history.tags_at(store, name, entry - 1)
        if before.get(tag) == number:
            raise Nothing
        after = {key: value for key, value in before.items() if key != tag}
        if number is not None:
            after[tag] = number
        return TagChange(
            tag=tag,
            number=number,
            previous=before.get(tag),
            author=here.settings.author,
            created=now(),
            tags=after,
        ).to_dict()

    try:
        store.append(history.tags_log(name), make)
    except Nothing:
        return
    here.events.emit("dataset.tagged", f"{name}@{number or ''}", tag=tag)
