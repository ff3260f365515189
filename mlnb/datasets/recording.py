"""Make a version: the entry in the dataset's log, once everything it names is stored."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from mlnb.core import lineage
from mlnb.core.names import check_name
from mlnb.core.project import Project
from mlnb.core.records import DatasetVersion, now
from mlnb.datasets import manifests, versions
from mlnb.datasets.records import StoredVersion


@dataclass(frozen=True, kw_only=True)
class Note:
    """What a user says of a version when it is made."""

    message: str = ""
    tag: str | None = None
    author: str | None = None
    """The setting ``author`` by default."""


class _AlreadyThere(Exception):
    """The newest version has this content."""

    def __init__(self, version: StoredVersion) -> None:
        self.version = version


def check(name: str, note: Note) -> None:
    """Raise what `record` would raise about the name and the tag, before any work is done."""
    check_name("dataset", name)
    if note.tag is not None:
        versions.check_tag(note.tag)


def newest(here: Project, name: str) -> StoredVersion | None:
    """Return the newest stored version of a dataset, or None."""
    entry = here.store.last(versions.versions_log(name))
    return StoredVersion.from_dict(entry.data) if entry else None


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
        "message": note.message,
        "author": note.author or here.settings.author,
        "created": now(),
        "run": lineage.active_run(),
    }
    log = versions.versions_log(name)

    def make(number: int) -> Mapping[str, Any]:
        before = here.store.entry(log, number - 1) if number > 1 else None
        if before is not None:
            parent = StoredVersion.from_dict(before.data)
            if parent.digest == body["digest"] and manifests.is_whole(here.store, parent):
                raise _AlreadyThere(parent)
        return StoredVersion(number=number, parent=number - 1 or None, **body).to_dict()

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
        versions.tag(stored.ref, note.tag)
    return versions.public(stored)
