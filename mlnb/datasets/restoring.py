"""Make the content of an old version the newest again."""

from dataclasses import fields

from mlnb.core import project
from mlnb.core.errors import ObjectMissing
from mlnb.core.records import DatasetVersion
from mlnb.core.store import ObjectStore
from mlnb.datasets import history, manifests, versions
from mlnb.datasets.recording import Note, check, record
from mlnb.datasets.records import StoredVersion

_OF_ITS_OWN = {
    *("name", "number", "parent", "message", "author", "created", "run", "tags", "unchanged")
}
"""What a version does not take over from the one it restores."""


def restore(
    ref: str, *, message: str = "", tag: str | None = None, author: str | None = None
) -> DatasetVersion:
    """Make the content of a version the newest again, as a version of its own; no data moves.

    Parameters
    ----------
    ref : str
        As in `resolve`. It may be a version that was removed, as long as its data is there.
    message : str
        Why; where it comes from is added.
    tag : str, optional
        A tag to point at the new version.
    author : str, optional
        Who restored it; the setting ``author`` by default.

    Returns
    -------
    DatasetVersion
        The new version, or the newest one when that has exactly this content already.

    Raises
    ------
    UnknownName, InvalidReference
        If the reference means no version.
    ObjectMissing
        If some of its data is not there any more.
    """
    here = project.current()
    old = versions.find(ref, removed=True)
    note = Note(message=_message(message, old.ref), tag=tag, author=author)
    check(old.name, note)
    if old.number in history.removed(here.store, old.name):
        _hold(here.store, old)
    body = {
        item.name: getattr(old, item.name)
        for item in fields(StoredVersion)
        if item.name not in _OF_ITS_OWN
    }
    return record(here, old.name, note, **body)


def _message(message: str, ref: str) -> str:
    return f"{message} (restored from {ref})" if message else f"Restored from {ref}"


def _hold(store: ObjectStore, old: StoredVersion) -> None:
    """Keep the data of a removed version from being collected meanwhile.

    Raises
    ------
    ObjectMissing
        If some was collected already.
    """
    needed = manifests.objects(store, old)
    sizes = {d: store.size(d) if size is None else size for d, size in needed.items()}
    for digest in sizes.keys() - store.keep(sizes):
        raise ObjectMissing(digest, old.ref)
