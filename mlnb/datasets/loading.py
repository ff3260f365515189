"""Load a version, verified, as the frame it was saved as or in another library's form."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from mlnb.core import lineage, project
from mlnb.core.errors import BadInput, UnknownName, UnreadableRecord, suggestion
from mlnb.core.extras import require
from mlnb.core.records import DatasetVersion
from mlnb.datasets import versions
from mlnb.datasets.records import DatasetProfile, StoredProfile, StoredVersion

Engine = Literal["pandas", "polars", "arrow"]


def load(ref: str, *, columns: Sequence[str] | None = None, engine: Engine = "pandas") -> Any:
    """Load a version of a dataset.

    Parameters
    ----------
    ref : str
        As in `resolve`.
    columns : sequence of str, optional
        These columns only, in this order (and the index, for pandas).
    engine : {"pandas", "polars", "arrow"}
        What to load it as. A version saved from that library comes back exactly as it was
        saved; one from another library with the nearest types that lose nothing.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame or pyarrow.Table

    Raises
    ------
    UnknownName, InvalidReference
        If the reference means no version, or a column is not there.
    ObjectMissing, ObjectCorrupt
        If the stored bytes are not those that were saved.
    """
    if engine not in get_args(Engine):
        known = get_args(Engine)
        raise BadInput(f"{engine!r} is no engine.", suggestion(str(engine), known))
    if engine == "polars":
        require("polars", "polars")
    stored = versions.find(ref)
    frame = _read(stored, columns, engine)
    version = versions.public(stored)
    lineage.record_input("dataset", version.ref, version.digest, value=version)
    return frame


def export(
    ref: str, path: Path, *, columns: Sequence[str] | None = None, replace: bool = False
) -> DatasetVersion:
    """Write a version to a .parquet, .csv, .json or .jsonl file.

    Parameters
    ----------
    ref : str
        As in `resolve`.
    path : Path
        The file; its suffix is the format.
    columns : sequence of str, optional
        These columns only.
    replace : bool
        Whether an existing file may be replaced.

    Raises
    ------
    Conflict, UnsupportedData, UnknownName
        Before anything is written.
    """
    from mlnb.datasets.files import check_target, write_file

    check_target(path, replace=replace)
    write_file(load(ref, columns=columns, engine="arrow"), path, replace=replace)
    return versions.resolve(ref)


def show(ref: str) -> DatasetProfile:
    """Return a version and what each of its columns holds, as computed when it was saved.

    Raises
    ------
    UnknownName, InvalidReference
        If the reference means no version.
    """
    stored = versions.find(ref)
    profile = _profile(stored) if stored.profile else StoredProfile(columns=[])
    return DatasetProfile(
        version=versions.public(stored),
        columns=profile.columns,
        sampled=profile.sampled,
        source=stored.source,
    )


def _profile(stored: StoredVersion) -> StoredProfile:
    data = project.current().store.get(stored.profile, wanted_by=stored.ref)
    try:
        return StoredProfile.from_dict(json.loads(data))
    except ValueError as error:
        raise UnreadableRecord(f"profile of {stored.ref}", str(error)) from None


def _read(stored: StoredVersion, columns: Sequence[str] | None, engine: Engine) -> Any:
    if stored.kind == "link":
        from mlnb.datasets.links.reading import frame

        return frame(stored, columns, engine)
    from mlnb.datasets.tables import stored_names, unpack

    store = project.current().store
    layout = store.get(stored.layout, wanted_by=stored.ref)
    names, pandas = stored_names(layout)
    levels = int(pandas.get("index", {}).get("levels", 0))
    wanted = None
    if columns is not None:
        wanted = [columns] if isinstance(columns, str) else list(dict.fromkeys(columns))
        if not wanted:
            raise BadInput("No column was asked for.", "Name some, or leave `columns` out.")
        for column in wanted:
            if column not in names:
                raise UnknownName("column", column, names)
        if engine == "pandas" and levels:
            wanted += [name for name in names[len(names) - levels :] if name not in wanted]
    content = unpack(store.get(stored.table, wanted_by=stored.ref), layout, wanted)
    if engine == "arrow":
        return content.table
    if engine == "polars":
        import polars

        return polars.from_arrow(content.table)
    from mlnb.datasets.pandas_frames import to_pandas

    return to_pandas(content, None if wanted is None else [names.index(n) for n in wanted])
