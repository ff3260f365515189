"""Save a table as a version of a dataset."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlnb.core import lineage, project
from mlnb.core.errors import ObjectMissing
from mlnb.core.names import check_name
from mlnb.core.project import Project
from mlnb.core.records import DatasetVersion, Record, now
from mlnb.core.store import Entry
from mlnb.datasets import versions
from mlnb.datasets.records import StoredVersion


class _AlreadyThere(Exception):
    """Another writer has just saved the same content."""

    def __init__(self, version: StoredVersion) -> None:
        self.version = version


def save(
    data: Any, name: str, *, message: str = "", tag: str | None = None, author: str | None = None
) -> DatasetVersion:
    """Save a table as the next version of a dataset.

    Parameters
    ----------
    data : DataFrame, Table or path
        A pandas or polars frame, an Arrow table, or a .parquet, .csv, .json or .jsonl file.
    name : str
        The dataset; its first version makes it.
    message : str
        What changed, or where it comes from.
    tag : str, optional
        A tag to point at the version.
    author : str, optional
        Who saved it; the setting ``author`` by default.

    Returns
    -------
    DatasetVersion
        The new version, or the newest one when that has exactly this content already (the
        message is then not stored).

    Raises
    ------
    UnsupportedData
        If a column could not be stored exactly; nothing is written.
    InvalidName
        If the dataset or the tag cannot be named so.
    """
    check_name("dataset", name)
    if tag is not None:
        versions.check_tag(tag)
    here = project.current()
    stored, is_new = _save(here, data, name, message, author or here.settings.author)
    if tag is not None:
        versions.tag(stored.ref, tag)
    version = replace(versions.public(stored), unchanged=not is_new)
    if is_new:
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


def _save(
    here: Project, data: Any, name: str, message: str, author: str
) -> tuple[StoredVersion, bool]:
    from mlnb.datasets.digest import digest_content
    from mlnb.datasets.profiling import profile
    from mlnb.datasets.sources import read
    from mlnb.datasets.tables import pack, plain

    content = read(data)
    values = plain(content.table)
    digest = digest_content(content, values)
    log = versions.versions_log(name)
    last = here.store.last(log)
    if last and (same := _with_digest(here, last, digest)):
        return same, False
    parquet, layout = pack(content, values)
    body: dict[str, Any] = {
        "name": name,
        "digest": digest,
        "columns": content.columns,
        "rows": values.num_rows,
        "bytes": len(parquet),
        "message": message,
        "author": author,
        "created": now(),
        "run": lineage.active_run(),
    }
    objects: dict[str, Any] = {
        "table": here.store.put(parquet),
        "layout": here.store.put(layout),
        "profile": here.store.put(_to_json(profile(content, values))),
    }

    def make(number: int) -> Mapping[str, Any]:
        before = here.store.entry(log, number - 1) if number > 1 else None
        if before and (same := _with_digest(here, before, digest)):
            raise _AlreadyThere(same)
        parent = number - 1 or None
        return StoredVersion(number=number, parent=parent, **body, **objects).to_dict()

    try:
        entry = here.store.append(log, make)
    except _AlreadyThere as there:
        return there.version, False
    return StoredVersion.from_dict(entry.data), True


def _with_digest(here: Project, entry: Entry, digest: str) -> StoredVersion | None:
    """Return an entry's version if it has this content, and has it still.

    Of a version that lost an object (or whose table was cut short) the objects are stored again,
    which makes it whole; only if they come out differently (another Parquet writer) is the
    content a new version.
    """
    version = StoredVersion.from_dict(entry.data)
    if version.digest != digest:
        return None
    try:
        sizes = [here.store.size(item) for item in (version.table, version.layout, version.profile)]
    except ObjectMissing:
        return None
    return version if sizes[0] == version.bytes else None


def _to_json(record: Record) -> bytes:
    return json.dumps(record.to_dict(), ensure_ascii=False, allow_nan=False).encode()
