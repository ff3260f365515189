"""How dataset versions and profiles are laid out."""

from typing import Any

from mlnb.core.records import DatasetVersion
from mlnb.datasets.records import ColumnProfile, DatasetProfile
from mlnb.ui.figures import Shape, visible
from mlnb.ui.render import Table, View, has_kernel, live, row, text_of, view
from mlnb.ui.views.dataset_sources import elsewhere, source_fields


@view.register
def _(version: DatasetVersion) -> View:
    same = "Unchanged: this version has exactly this content already, so no new one was made."
    notes = [same] if version.unchanged else []
    return View(f"Dataset {version.ref}", fields=facts(version), notes=notes)


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
        columns = columns[:2]
        cells = [[visible(item.name), visible(item.type)] for item in profile.version.columns]
    return View(
        f"Dataset {profile.version.ref}",
        fields=[*facts(profile.version), *source_fields(profile.source)],
        tables=[Table(columns, cells, scrolls=True)] if cells else [],
        notes=[*elsewhere(profile.source), *sampling_notes(profile)],
    )


@live.register
def _(profile: DatasetProfile) -> dict[str, Any]:
    """Add the widget where there is a kernel to own it; the HTML beside it needs none."""
    if not profile.columns or not has_kernel():
        return {}
    from mlnb.ui.widgets.dataset_columns import of_profile

    return of_profile(profile).mimebundle()


def sampling_notes(profile: DatasetProfile) -> list[str]:
    """Say which figures are those of some rows only."""
    if not profile.sampled:
        return []
    note = (
        f"Medians, shapes and common values are those of {profile.sampled:,} evenly spaced rows; "
        "nulls, extremes and means are those of all."
    )
    estimated = any(column.estimated for column in profile.columns)
    return [note + " Distinct values with ≈ are estimated from them." if estimated else note]


def size(count: int) -> str:
    """Return a number of bytes as people read it: ``5.3 MB``."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def facts(version: DatasetVersion) -> list[tuple[str, Any]]:
    """Return what is said of a version above what it holds."""
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
        visible(column.name),
        visible(column.type),
        share(column.nulls, rows),
        distinct(column),
        values(column),
        Shape(column.histogram),
    ]


def distinct(column: ColumnProfile) -> int | str | None:
    """Return how many values differ, marked when it is an estimate."""
    if column.distinct is None or not column.estimated:
        return column.distinct
    return f"≈ {float(f'{column.distinct:.2g}'):,.0f}"


def values(column: ColumnProfile) -> str:
    """Return minimum, median and maximum, or the most common values where there is no order."""
    if column.minimum is not None:
        extremes = (column.minimum, column.quantiles.get("0.5"), column.maximum)
        return " … ".join(text_of(value) for value in extremes if value is not None)
    return ", ".join(f"{visible(item.value, 40)} ×{item.count:,}" for item in column.top[:3])


def share(part: int, whole: int) -> str:
    """Return a part in per cent; nothing for none."""
    if not part:
        return ""
    return f"{part / whole:.1%}" if part / whole >= 0.001 else "<0.1%"
