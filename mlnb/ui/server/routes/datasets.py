"""One dataset: a version and what it holds, all its versions, and what changed between two."""

from dataclasses import fields, replace
from typing import Any

from mlnb.core import project
from mlnb.core.errors import BadInput
from mlnb.core.records import DatasetVersion
from mlnb.datasets.difference.records import DatasetDiff
from mlnb.datasets.folders.records import FolderDiff, FolderSummary
from mlnb.datasets.records import ColumnProfile, DatasetProfile
from mlnb.ui.server.messages import (
    DatasetDifference,
    DatasetDocument,
    VersionLine,
    VersionList,
)
from mlnb.ui.server.routing import Route
from mlnb.ui.server.sources import Source

COLUMNS = 500
"""So many columns are answered at once."""
VERSIONS = 200
"""So many versions are answered at once, unless fewer are asked for."""
CHANGED_COLUMNS = 200
CELLS = 5
"""So many changed cells of each column, and `ROWS` rows of each kind, are shown."""
ROWS = 20
FILES = 500
"""So many files of each kind of change are named."""


def dataset(
    _source: Source, *, dataset: str, version: str = "latest", skip: int = 0
) -> DatasetDocument:
    """Return a version of a dataset, a profile of its columns or a summary of its files."""
    from mlnb.datasets import history, paging
    from mlnb.datasets.loading import show

    found = show(f"{dataset}@{version}")
    known = paging.page(dataset, limit=1)
    here = project.current()
    columns = _columns(found)
    return DatasetDocument(
        version=replace(found.version, columns=[]),
        columns=columns[skip : skip + COLUMNS],
        columns_total=len(columns),
        sampled=found.sampled if isinstance(found, DatasetProfile) else None,
        source=found.source if isinstance(found, DatasetProfile) else {},
        notes=_notes(found),
        folder=replace(found, version=replace(found.version, columns=[]))
        if isinstance(found, FolderSummary)
        else None,
        newest=history.last_number(here.store, dataset),
        total=known.total,
        tags=history.tags(here.store, dataset),
        remote=bool(here.settings.remote),
    )


def versions(
    _source: Source, *, dataset: str, before: int = 0, limit: int = VERSIONS
) -> VersionList:
    """Return versions of a dataset, newest first; ``before`` asks for older ones."""
    from mlnb.datasets import paging

    if not 0 < limit <= VERSIONS:
        raise BadInput(f"A limit of {limit} versions is none.", f"Give 1 to {VERSIONS}.")
    found = paging.page(dataset, before=before, limit=limit)
    return VersionList(
        versions=[_line(one) for one in found.versions],
        damaged=found.damaged,
        total=found.total,
        more=found.more,
    )


def difference(
    _source: Source,
    *,
    dataset: str,
    before: str,
    after: str,
    key: list[str] = [],  # noqa: B006  (never changed)
) -> DatasetDifference:
    """Return what changed from one version to another: columns, rows, cells or files."""
    from mlnb.datasets.difference.comparing import diff

    found: Any = diff(
        f"{dataset}@{before}", f"{dataset}@{after}", key=key or None, sample=CELLS, rows=ROWS
    )
    if isinstance(found, FolderDiff):
        return _of_folders(found)
    return _of_tables(found)


def _columns(found: DatasetProfile | FolderSummary) -> list[ColumnProfile]:
    """Return the profiles of all columns; of what was not read only names and types."""
    if isinstance(found, FolderSummary):
        return []
    return found.columns or [
        ColumnProfile(name=one.name, type=one.type, nulls=0) for one in found.version.columns
    ]


def _notes(found: DatasetProfile | FolderSummary) -> list[str]:
    from mlnb.ui.views.dataset import sampling_notes
    from mlnb.ui.views.dataset_sources import elsewhere

    if isinstance(found, FolderSummary):
        return []
    notes = [*elsewhere(found.source), *sampling_notes(found)]
    if not found.columns and found.version.columns:
        notes.append("The linked data is too large to be profiled; it is read where it lies.")
    return notes


def _line(version: DatasetVersion) -> VersionLine:
    told = {item.name: getattr(version, item.name) for item in fields(VersionLine)}
    return VersionLine(**{**told, "columns": len(version.columns)})


def _of_tables(found: DatasetDiff) -> DatasetDifference:
    from mlnb.ui.views.dataset_diff import notes

    shown = replace(
        found,
        before=replace(found.before, columns=[]),
        after=replace(found.after, columns=[]),
        columns=found.columns[:CHANGED_COLUMNS],
        columns_added=found.columns_added[:CHANGED_COLUMNS],
        columns_removed=found.columns_removed[:CHANGED_COLUMNS],
    )
    return DatasetDifference(
        table=shown,
        folder=None,
        notes=[] if found.identical else notes(found),
        more_columns=max(0, len(found.columns) - CHANGED_COLUMNS),
        more_files=0,
    )


def _of_folders(found: FolderDiff) -> DatasetDifference:
    kinds = ("added", "removed", "changed", "renamed")
    shown = replace(
        found,
        before=replace(found.before, columns=[]),
        after=replace(found.after, columns=[]),
        **{kind: getattr(found, kind)[:FILES] for kind in kinds},
    )
    return DatasetDifference(
        table=None,
        folder=shown,
        notes=[],
        more_columns=0,
        more_files=sum(max(0, len(getattr(found, kind)) - FILES) for kind in kinds),
    )


ROUTES = (
    Route("GET", "/datasets/{dataset}", dataset),
    Route("GET", "/datasets/{dataset}/versions", versions),
    Route("GET", "/datasets/{dataset}/difference", difference),
)
