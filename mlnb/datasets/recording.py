"""Make a version: the entry in the dataset's log, once everything it names is stored."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlnb.core import lineage, redaction
from mlnb.core.errors import ObjectMissing, UnreadableRecord
from mlnb.core.names import check_name
from mlnb.core.project import Project
from mlnb.core.records import DatasetVersion, now
from mlnb.core.store import ObjectStore
from mlnb.datasets import history, manifests, tagging, versions
from mlnb.datasets.records import StoredVersion


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a user says of a version when it is made."""

    message: str = ""
    tag: str | None = None
    author: str | None = None
    """The setting ``author`` by default."""
    started: float = field(default_factory=time.time)
    """When the work began, in seconds since 1970."""


class _AlreadyThere(Exception):
    """The newest version has this content."""

    def __init__(self, version: StoredVersion) -> None:
        self.version = version


def check(name: str, note: Note) -> None:
    """Raise what `record` would raise about the name and the tag, before any work is done."""
    check_name("dataset", name)
    if note.tag is not None:
        tagging.check_tag(note.tag)


def newest(here: Project, name: str, before: int | None = None) -> StoredVersion | None:
    """Return the newest version of a dataset that is not removed, or None.

    None as well when its entry cannot be read: then nothing is known of what it holds.
    """
    try:
        return history.last(here.store, name, before)
    except UnreadableRecord:
        return None


def record(here: Project, name: str, note: Note, **body: Any) -> DatasetVersion:
    """Append a version, tag it, and tell the event stream and the lineage.

    Parameters
    ----------
    here : Project
        The project.
    name : str
        The dataset; its first version makes it.
    note : Note
        Message, tag and author.
    **body
        The other fields of `StoredVersion` that depend on the data: ``digest``, ``columns``,
        ``rows``, ``bytes``, ``kind``, ``manifest``, ``profile``. All objects are stored already.

    Returns
    -------
    DatasetVersion
        The new version; or the newest one, marked ``unchanged``, when that has this digest and
        is still whole (then nothing is appended).
    """
    body |= {
        "name": name,
        "message": redaction.text(note.message),
        "author": note.author or here.settings.author,
        "created": now(),
        "run": lineage.active_run(),
    }
    log = versions.versions_log(name)

    def make(number: int) -> Mapping[str, Any]:
        parent = newest(here, name, number)
        if parent and parent.digest == body["digest"] and manifests.is_whole(here.store, parent):
            raise _AlreadyThere(parent)
        before = history.last_number(here.store, name, number) or None
        made = StoredVersion(number=number, parent=before, **body)
        if time.time() - note.started > here.store.grace / 2:
            _make_young(here.store, made)
        return made.to_dict()

    try:
        stored = StoredVersion.from_dict(here.store.append(log, make).data)
    except _AlreadyThere as there:
        return unchanged(there.version, note)
    version = _tagged(stored, note)
    here.events.emit(
        "dataset.saved",
        version.ref,
        digest=version.digest,
        rows=version.rows,
        bytes=version.bytes,
        message=version.message,
        author=version.author,
        run=version.run,
    )
    lineage.record_output("dataset", version.ref, version.digest, value=version)
    return version


def unchanged(stored: StoredVersion, note: Note) -> DatasetVersion:
    """Return a version that has exactly the content that was to be saved, tagged."""
    version = replace(_tagged(stored, note), unchanged=True)
    lineage.record_output("dataset", version.ref, version.digest, value=version)
    return version


def _tagged(stored: StoredVersion, note: Note) -> DatasetVersion:
    if note.tag is not None:
        tagging.tag(stored.ref, note.tag)
    return versions.public(stored)


def _make_young(store: ObjectStore, version: StoredVersion) -> None:
    """Keep a save that took very long (on a laptop that slept) safe from a collection of garbage.

    Raises
    ------
    ObjectMissing
        If one took an object already; nothing is written then.
    """
    needed = {
        digest: store.size(digest) if size is None else size
        for digest, size in manifests.objects(store, version).items()
    }
    for digest in needed.keys() - store.keep(needed):
        raise ObjectMissing(digest, version.ref)
