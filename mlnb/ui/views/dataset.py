"""How dataset versions, profiles and differences are laid out."""

from typing import Any

from mlnb.core.records import Column, DatasetVersion
from mlnb.datasets.difference.records import DatasetDiff
from mlnb.datasets.records import ColumnProfile, DatasetProfile
from mlnb.ui.render import Table, View, row, text_of, view
from mlnb.ui.views.dataset_sources import elsewhere, source_fields

_BARS = "▁▂▃▄▅▆▇█"


@view.register
def _(version: DatasetVersion) -> View:
    same = "Unchanged: this version has exactly this content already, so no new one was made."
    notes = [same] if version.unchanged else []
    return View(f"Dataset {version.ref}", fields=_facts(version), notes=notes)


@row.register
def _(version: DatasetVersion) -> dict[str, Any]:
    return {
        "version": version.ref,
        "files" if version.kind == "files" else "rows": version.rows,
        "size": size(version.bytes),
        "message": version.message,
        "tags": version.tags,
        "author": version.author,
        "created": version.created,
    }


@view.register
def _(profile: DatasetProfile) -> View:
    rows = profile.version.rows
    columns = ["column", "type", "nulls", "distinct", "values", "shape"]
    cells = [_profile_row(column, rows) for column in profile.columns]
    if not cells:  # of a large link: it was not read
        columns, cells = columns[:2], [[item.name, item.type] for item in profile.version.columns]
    notes = elsewhere(profile.source)
    if profile.sampled:
        notes.append(
            f"Distinct values, medians, shapes and common values are those of {profile.sampled:,} "
            "evenly spaced rows."
        )
    return View(
        f"Dataset {profile.version.ref}",
        fields=[*_facts(profile.version), *source_fields(profile.source)],
        tables=[Table(columns, cells)] if cells else [],
        notes=notes,
    )


@view.register
def _(diff: DatasetDiff) -> View:
    title = f"Dataset {diff.before.ref} → {diff.after.ref}"
    if diff.identical:
        return View(title, notes=["The same content."])
    changes = [
        *(_change("+", column) for column in diff.columns_added),
        *(_change("−", column) for column in diff.columns_removed),
        *(("~", change.name, change.before, change.after) for change in diff.columns_changed),
    ]
    tables = [Table(["", "column", "before", "after"], changes)] if changes else []
    notes = []
    if not (changes or diff.rows_added or diff.rows_removed):
        notes.append("The same rows; their order, categories or pandas types differ.")
    elif changes:
        notes.append(f"Rows are compared by the {len(diff.compared)} columns both have alike.")
    fields = [
        ("rows added", diff.rows_added),
        ("rows removed", diff.rows_removed),
        ("rows kept", diff.rows_kept),
    ]
    return View(title, fields=fields, tables=tables, notes=notes)


def size(count: int) -> str:
    """Return a number of bytes as people read it: ``5.3 MB``."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def sparkline(counts: list[int]) -> str:
    """Return a histogram as one line of bars; an empty bin is a space-wide low bar."""
    highest = max(counts, default=0)
    if not highest:
        return ""
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // highest)] for count in counts)


def _facts(version: DatasetVersion) -> list[tuple[str, Any]]:
    return [
        ("message", version.message),
        ("files" if version.kind == "files" else "rows", version.rows),
        ("columns", len(version.columns) if version.kind != "files" else None),
        ("size", size(version.bytes)),
        ("tags", version.tags),
        ("author", version.author),
        ("created", version.created),
        ("run", version.run),
        ("parent", f"{version.name}@{version.parent}" if version.parent else None),
        ("digest", version.digest[:16]),
    ]


def _profile_row(column: ColumnProfile, rows: int) -> list[Any]:
    return [
        column.name,
        column.type,
        _share(column.nulls, rows),
        column.distinct,
        _values(column),
        sparkline(column.histogram.counts) if column.histogram else "",
    ]


def _values(column: ColumnProfile) -> str:
    """Return minimum, median and maximum, or the most common values where there is no order."""
    if column.minimum is not None:
        extremes = (column.minimum, column.quantiles.get("0.5"), column.maximum)
        return " … ".join(text_of(value) for value in extremes if value is not None)
    return ", ".join(f"{item.value} ×{item.count:,}" for item in column.top[:2])


def _share(part: int, whole: int) -> str:
    if not part:
        return ""
    return f"{part / whole:.1%}" if part / whole >= 0.001 else "<0.1%"


def _change(sign: str, column: Column) -> tuple[str, str, str | None, str | None]:
    removed = sign == "−"
    return sign, column.name, column.type if removed else None, None if removed else column.type
