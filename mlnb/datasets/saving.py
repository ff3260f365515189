"""Save data as a version of a dataset."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.core.records import DatasetVersion
from mlnb.datasets.folders import is_files
from mlnb.datasets.recording import Note, check, newest, record, unchanged


def save(
    data: Any,
    name: str,
    *,
    message: str = "",
    tag: str | None = None,
    author: str | None = None,
    key: str | Sequence[str] = (),
    files: bool = False,
    expect: bool | str | Path = False,
) -> DatasetVersion:
    """Save a table, a folder or a file as the next version of a dataset.

    Only what the newest version does not hold already is written.

    Parameters
    ----------
    data : DataFrame, Table or path
        A pandas or polars frame, an Arrow table or anything else with Arrow's stream interface
        (a DuckDB relation), or a .parquet, .csv, .json or .jsonl file. A folder, or a file of
        any other kind, is kept as it is: a version of files.
    name : str
        The dataset; its first version makes it.
    message : str
        What changed, or where it comes from.
    tag : str, optional
        A tag to point at the version.
    author : str, optional
        Who saved it; the setting ``author`` by default.
    key : str or sequence of str
        Columns that identify a row, for differences; by default those of the version before, or
        a column whose values only rise.
    files : bool
        Keep a .parquet, .csv, .json or .jsonl file as it is, too.
    expect : bool or path
        Save only what meets ``expectations/<name>.yaml`` of the project, or the file given (see
        `expect`).

    Returns
    -------
    DatasetVersion
        The new version, or the newest one when that has exactly this content already (the
        message is then not stored).

    Raises
    ------
    UnsupportedData
        If a column could not be stored exactly; nothing is written.
    UnknownName, BadInput
        If the key is no column, or does not identify rows.
    InvalidName
        If the dataset or the tag cannot be named so.
    ExpectationsNotMet
        If the data is not as expected; nothing is written.
    """
    note = Note(message=message, tag=tag, author=author)
    check(name, note)
    if expect is not False:
        from mlnb.datasets.expectations import enforce

        enforce(data, name, None if expect is True else expect)
    if is_files(data, files=files):
        from mlnb.datasets.folders.saving import save_files

        return save_files(Path(data), name, note)
    with project.using(project.current()):  # found once
        return save_table(data, name, note, key=[key] if isinstance(key, str) else list(key))


def save_table(
    data: Any, name: str, note: Note, *, key: list[str], source: dict[str, str] | None = None
) -> DatasetVersion:
    """Save a table as `save` does, and say where it comes from.

    Parameters
    ----------
    data, name, note, key
        As in `save`; name and note are checked already.
    source : dict, optional
        As in `mlnb.datasets.records.StoredVersion`.
    """
    here = project.current()

    from mlnb.datasets.storage.saving import Saving

    parent = newest(here, name)
    saving = Saving(here.store, data, key, parent)
    if parent is not None and saving.is_in_parent():
        saving.keep(name)
        return unchanged(parent, note)
    version = record(here, name, note, **saving.store_over(), source=source or {})
    saving.keep(name)
    return version
