"""Save a table as a version of a dataset."""

import json
from typing import Any

from mlnb.core import project
from mlnb.core.records import DatasetVersion, Record
from mlnb.datasets import manifests
from mlnb.datasets.recording import Note, check, newest, record, unchanged


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
    note = Note(message=message, tag=tag, author=author)
    check(name, note)
    here = project.current()

    from mlnb.datasets.digest import digest_content
    from mlnb.datasets.profiling import profile
    from mlnb.datasets.sources import read
    from mlnb.datasets.tables import pack, plain

    content = read(data)
    values = plain(content.table)
    digest = digest_content(content, values)
    parent = newest(here, name)
    if parent and parent.digest == digest and manifests.is_whole(here.store, parent):
        return unchanged(parent, note)
    parquet, layout = pack(content, values)
    return record(
        here,
        name,
        note,
        digest=digest,
        columns=content.columns,
        rows=values.num_rows,
        bytes=len(parquet),
        table=here.store.put(parquet),
        layout=here.store.put(layout),
        profile=here.store.put(_to_json(profile(content, values))),
    )


def _to_json(record: Record) -> bytes:
    return json.dumps(record.to_dict(), ensure_ascii=False, allow_nan=False).encode()
