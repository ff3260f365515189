"""Write a version for other tools."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from mlnb.core import project
from mlnb.core.errors import BadInput, UnsupportedData, suggestion
from mlnb.datasets import versions
from mlnb.datasets.exports import contents, targets
from mlnb.datasets.exports.records import DatasetExport, Format
from mlnb.datasets.records import StoredVersion

_SUFFIXES: dict[str, Format] = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
}


def export(
    ref: str,
    path: str | Path,
    *,
    to: Format | None = None,
    columns: Sequence[str] | None = None,
    rows: tuple[int, int] | None = None,
    replace: bool = False,
) -> DatasetExport:
    """Write a version for other tools, whole or not at all.

    Parameters
    ----------
    ref : str
        As in `resolve`.
    path : str or Path
        The file or folder. With ``"dvc"``, in a DVC repository.
    to : {"parquet", "csv", "json", "jsonl", "delta", "dvc", "files"}, optional
        The format; by default what the path's suffix says, and files as they are. ``"dvc"``
        writes a table as Parquet, or files, and tracks them as ``dvc add`` does.
    columns : sequence of str, optional
        These columns only.
    rows : tuple of int, optional
        These rows only, as in `load`; for a Parquet, CSV or JSON file.
    replace : bool
        Whether what is there may be replaced. A folder never is, but for one that DVC tracks; a
        Delta table gets a new version.

    Returns
    -------
    DatasetExport
        What was written, and what of each column the format does not keep.

    Raises
    ------
    Conflict, UnsupportedData, UnknownName, BadInput
        Before anything is written.
    """
    path = Path(path)
    stored = versions.find(ref)
    chosen = "files" if to is None and not contents.is_table(stored) else _format(path, to)
    if rows is not None and chosen not in _SUFFIXES.values():
        fix = "Write a .parquet, .csv, .json or .jsonl file, or leave the rows out."
        raise BadInput(f"Of {stored.ref} as {chosen} all rows are written, or none.", fix)
    if chosen == "files" or not contents.is_table(stored):
        return _files(stored, path, chosen, columns, replace, asked=to is not None)
    if chosen == "delta":
        return _delta(stored, path, columns, replace)
    if chosen == "dvc":
        from mlnb.datasets.exports.dvc import export_table

        facts = export_table(stored, path, columns, replace=replace)
        return _record(stored, path, chosen, **facts)
    from mlnb.datasets.exports import tables

    suffix = f".{chosen}"
    targets.check(path, replace=replace)
    content = contents.table(stored, columns, rows)
    tables.write(content, path, suffix=suffix)
    lost, checked = tables.lost(content, path, suffix=suffix)
    return _record(stored, path, chosen, lost=lost, checked=checked)


def _format(path: Path, to: str | None) -> Format:
    if to is None:
        found = _SUFFIXES.get(path.suffix.lower())
        if found is None:
            raise UnsupportedData(
                f"{str(path)!r} has no known table format.",
                "Use .parquet, .csv, .json or .jsonl, or say what to write with --to.",
            )
        return found
    for known in get_args(Format):
        if to == known:
            return known  # type: ignore[no-any-return]  # one of the literal's own values
    raise BadInput(f"{to!r} is no format.", suggestion(to, get_args(Format)))


def _files(
    stored: StoredVersion,
    path: Path,
    to: Format,
    columns: Sequence[str] | None,
    replace: bool,
    *,
    asked: bool,
) -> DatasetExport:
    if contents.is_table(stored):
        fix = "Write it as parquet, csv, json, delta or dvc."
        raise UnsupportedData(f"{stored.ref} is a table, not files.", fix)
    if columns is not None:
        raise BadInput(f"{stored.ref} is files; they have no columns.", "Leave --columns out.")
    if to == "dvc":
        from mlnb.datasets.exports.dvc import export_files

        return _record(stored, path, to, **export_files(stored, path, replace=replace))
    if to != "files":
        fix = "Write it with --to files, or --to dvc."
        raise UnsupportedData(f"{stored.ref} is files, not a table.", fix)
    if not asked and path.suffix.lower() in _SUFFIXES:
        fix = "Name a folder to write them to, or say --to files."
        raise UnsupportedData(f"{stored.ref} is files, not a table for {path.name!r}.", fix)
    if stored.kind == "files":  # writes only what differs, and asks before it replaces
        from mlnb.datasets.folders.checkout import checkout

        checkout(stored.ref, path, force=replace)
        return _record(stored, path, to)
    targets.check(path, replace=replace, folder=True)
    with targets.beside(path) as folder:
        made = folder / "files"
        made.mkdir()
        contents.files(stored, made)
        targets.place(made, path)
    return _record(stored, path, to)


def _delta(
    stored: StoredVersion, path: Path, columns: Sequence[str] | None, replace: bool
) -> DatasetExport:
    from mlnb.datasets.exports import delta

    delta.check(path, replace=replace)
    content = contents.table(stored, columns)
    version = delta.write(content, path, stored.ref)
    lost, checked = delta.lost(content, path, version)
    notes = [f"Version {version} of the Delta table."]
    return _record(stored, path, "delta", lost=lost, checked=checked, notes=notes)


def _record(stored: StoredVersion, path: Path, to: Format, **facts: Any) -> DatasetExport:
    return DatasetExport(
        version=versions.public(stored),
        to=to,
        path=project.current().relative(path),
        **{"bytes": targets.size(path), **facts},
    )
