"""Make a version that pins an external table or files by reference."""

from typing import Any

from mlnb.core import project
from mlnb.core.errors import BadInput, BrokenLink, UnsupportedData
from mlnb.core.hashing import digest_json
from mlnb.core.records import Column, DatasetVersion
from mlnb.datasets import manifests
from mlnb.datasets.links import backends
from mlnb.datasets.links.query import not_pinned, run
from mlnb.datasets.recording import Note, check, record
from mlnb.datasets.saving import save_table

PROFILED_ROWS = 1_000_000
PROFILED_BYTES = 64_000_000
"""A larger table is linked without a profile: linking must not read it all."""


def link(
    source: Any,
    name: str,
    *,
    at: str | int | None = None,
    query: str | None = None,
    message: str = "",
    tag: str | None = None,
    author: str | None = None,
) -> DatasetVersion:
    """Make a version that pins external data, which stays where it is.

    Parameters
    ----------
    source : str, Path or an open table
        A Delta table (folder, URL, ``deltalake.DeltaTable``), an Iceberg table (folder,
        ``….metadata.json``, ``iceberg:CATALOG/NAMESPACE.TABLE``, ``pyiceberg`` table), a Parquet
        file or folder, or data tracked by DVC (a path in a repository, or ``REPOSITORY#PATH``
        with a folder or git URL). ``delta:``, ``iceberg:``, ``parquet:`` or ``dvc:`` before it
        says which is meant. With ``query``, a DuckDB file, ``:memory:`` (a query over files), an
        open DuckDB connection, or a SQLAlchemy URL.
    name : str
        The dataset; its first version makes it.
    at : str or int, optional
        The source's own version: of Delta a number, of Iceberg a snapshot, of DVC a git
        revision. By default its present state.
    query : str, optional
        An SQL statement or a table's name. A database has no versions to pin, so the result is
        saved as an ordinary version that names the source and the statement. A DuckDB relation
        brings its own.
    message, tag, author
        As in `save`.

    Returns
    -------
    DatasetVersion
        The new version, or the newest one when that pins exactly this already.

    Raises
    ------
    UnknownName, UnsupportedData, BadInput
        If there is no such source, or it is of no kind that can be pinned.
    MissingExtra
        If the library of its kind is not installed.
    """
    note = Note(message=message, tag=tag, author=author)
    check(name, note)
    if query is not None or not_pinned(source):
        if at is not None:
            raise BadInput("A database has no versions to pin.", "Leave --at out.")
        result = run(source, query)
        return save_table(result.table, name, note, key=[], source=result.source)
    here = project.current()
    manifest = backends.pin(source, str(at) if at is not None else None)
    try:
        body = _described(backends.opened(manifest, name))
    except BrokenLink as error:
        fix = error.fix if manifest.type == "dvc" else ""  # of the others it is to link again
        raise UnsupportedData(f"{error.pinned} cannot be linked: {error.reason}.", fix) from None
    return record(
        here,
        name,
        note,
        digest=digest_json(manifest.identity()),
        kind="link",
        manifest=manifests.put(here.store, manifest),
        source=manifest.source,
        **body,
    )


def _described(opened: Any) -> dict[str, Any]:
    """Return what a version's entry says of the data."""
    body = {"bytes": opened.bytes}
    if getattr(opened, "is_table", True):
        return body | _table(opened)
    return body | {"columns": [], "rows": len(opened.files)}


def _table(opened: Any) -> dict[str, Any]:
    """Return the columns and rows of a linked table, and its profile when that is cheap."""
    from mlnb.datasets.tables import check_unique, type_name

    schema = opened.schema
    check_unique(schema.names)
    columns = [Column(name=item.name, type=type_name(item.type)) for item in schema]
    rows = opened.rows
    body: dict[str, Any] = {"columns": columns, "rows": rows}
    if rows <= PROFILED_ROWS and opened.bytes <= PROFILED_BYTES:
        body["profile"] = _profile(opened.read())
    return body


def _profile(table: Any) -> str:
    import json

    from mlnb.datasets.profiling import profile
    from mlnb.datasets.tables import content, plain

    made = content(table)
    found = profile(made, plain(made.table))
    text = json.dumps(found.to_dict(), ensure_ascii=False, allow_nan=False)
    return project.current().store.put(text.encode())
