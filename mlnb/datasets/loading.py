"""Load a version, verified, as the frame it was saved as or in another library's form."""

import json
from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any, Literal, get_args

from mlnb.core import lineage, project
from mlnb.core.errors import BadInput, UnreadableRecord, suggestion
from mlnb.core.extras import require
from mlnb.datasets import pinning, versions
from mlnb.datasets.folders.records import FolderSummary
from mlnb.datasets.records import DatasetProfile, StoredProfile, StoredVersion

Engine = Literal["pandas", "polars", "arrow", "duckdb"]


def load(
    ref: str,
    *,
    columns: Sequence[str] | None = None,
    rows: tuple[int, int] | None = None,
    engine: Engine = "pandas",
) -> Any:
    """Load a version of a dataset.

    Only the bytes of the columns and rows that are asked for are read, and each is verified.

    Parameters
    ----------
    ref : str
        As in `resolve`.
    columns : sequence of str, optional
        These columns only, in this order (and the index, for pandas).
    rows : tuple of int, optional
        From row to before row, counted from 0, or to the last one if there are fewer; all by
        default.
    engine : {"pandas", "polars", "arrow", "duckdb"}
        What to load it as. A version saved from that library comes back exactly as it was
        saved; one from another library with the nearest types that lose nothing.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame, pyarrow.Table or duckdb.DuckDBPyRelation

    Raises
    ------
    UnknownName, InvalidReference, BadInput
        If the reference means no version, or a column or row is not there.
    ObjectMissing, ObjectCorrupt
        If the stored bytes are not those that were saved.
    """
    _check_engine(engine)
    with project.using(project.current()):  # found once
        stored = versions.find(pinning.pinned(ref))
        frame = _read(stored, columns, rows, engine)
        version = versions.public(stored)
        lineage.record_input("dataset", version.ref, version.digest, value=version)
    return frame


def batches(
    ref: str,
    *,
    columns: Sequence[str] | None = None,
    size: int = 65_536,
    engine: Literal["pandas", "polars", "arrow", "numpy"] = "pandas",
) -> Iterator[Any]:
    """Load a version piece by piece, with memory for a few pieces only.

    Parameters
    ----------
    ref : str
        As in `resolve`.
    columns : sequence of str, optional
        As in `load`.
    size : int
        Rows of a batch; the last may have fewer.
    engine : {"pandas", "polars", "arrow", "numpy"}
        As in `load`; ``"numpy"`` gives a dictionary of writable arrays, as
        ``torch.from_numpy`` takes them.

    Yields
    ------
    pandas.DataFrame, polars.DataFrame, pyarrow.Table or dict
    """
    if isinstance(size, bool) or not isinstance(size, Integral) or size < 1:
        raise BadInput(f"A batch of {size!r} rows is none.", "Give a positive whole number.")
    if engine != "numpy":
        _check_engine(engine)
    stored = versions.find(pinning.pinned(ref))
    version = versions.public(stored)
    lineage.record_input("dataset", version.ref, version.digest, value=version)
    for start in range(0, stored.rows, int(size)):
        rows = (start, min(start + int(size), stored.rows))
        if engine != "numpy":
            yield _read(stored, columns, rows, engine)
            continue
        frame = _read(stored, columns, rows, "pandas")
        yield {str(name): frame[name].to_numpy(copy=True) for name in frame.columns}


def show(ref: str) -> DatasetProfile | FolderSummary:
    """Return a version and what each of its columns, or what the folder, holds.

    Raises
    ------
    UnknownName, InvalidReference
        If the reference means no version.
    """
    stored = versions.find(ref)
    if stored.kind == "files":
        from mlnb.datasets.folders.summary import summary

        return summary(project.current().store, stored)
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


def within(stored: StoredVersion, rows: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return a range of rows that ends with the last one at most.

    Raises
    ------
    BadInput
        If it is none, or begins behind the last row.
    """
    if rows is None or stored.kind == "files":
        return None
    is_range = isinstance(rows, Sequence) and len(rows) == 2
    if not is_range or not all(isinstance(row, Integral) for row in rows):
        raise BadInput(f"{rows!r} is no range of rows.", "Say it like (0, 1000).")
    start, stop = int(rows[0]), min(int(rows[1]), stored.rows)
    if not 0 <= start <= stop:
        raise BadInput(
            f"{stored.ref} has no rows {rows[0]} to {rows[1]}.", f"Its rows are 0 to {stored.rows}."
        )
    return start, stop


def _check_engine(engine: str) -> None:
    if engine not in get_args(Engine):
        raise BadInput(f"{engine!r} is no engine.", suggestion(str(engine), get_args(Engine)))
    if engine in ("polars", "duckdb"):
        require(engine, engine)


def _read(
    stored: StoredVersion,
    columns: Sequence[str] | None,
    rows: tuple[int, int] | None,
    engine: Engine,
) -> Any:
    rows = within(stored, rows)
    if stored.kind == "link":
        from mlnb.datasets.links.reading import frame

        return frame(stored, columns, engine, rows)
    if stored.kind == "files":
        raise BadInput(
            f"{stored.ref} is files, no table.",
            f"Put them in a folder: dataset checkout {stored.ref} FOLDER",
        )
    from mlnb.datasets.storage.loading import load_table

    return load_table(project.current().store, stored, columns, rows, engine)
