"""How the difference of two versions of a table is laid out."""

from collections.abc import Sequence
from typing import Any

from mlnb.core.records import Column
from mlnb.datasets.difference.records import CellSample, ColumnDifference, DatasetDiff
from mlnb.datasets.records import ColumnProfile
from mlnb.ui.figures import Change, Lines, Shape, value_text, visible
from mlnb.ui.render import Table, View, has_kernel, live, text_of, view
from mlnb.ui.views.dataset import share

MOST = 40
"""So many columns are shown, those with the most changes first."""
_FEW = 12
"""More changed columns than these show one cell each, and rows show so many of their columns."""
_MOVED = 0.1
"""Below this population stability index a distribution is called stable."""


@view.register
def _(diff: DatasetDiff) -> View:
    title = f"Dataset {diff.before.ref} → {diff.after.ref}"
    if diff.identical:
        return View(title, notes=["The same content."])
    changes = _schema(diff)
    tables = [Table(["", "column", "before", "after"], changes[:MOST])] if changes else []
    tables += _columns(diff)
    if diff.row_samples:
        tables.append(_rows(diff))
    said = [*notes(diff), *_hidden(diff, len(changes))]
    return View(title, fields=_counts(diff), tables=tables, notes=said)


@live.register
def _(diff: DatasetDiff) -> dict[str, Any]:
    """Add the widget where there is a kernel to own it; the HTML beside it needs none."""
    if diff.identical or not diff.columns or not has_kernel():
        return {}
    from mlnb.ui.widgets.dataset_columns import of_diff

    return of_diff(diff).mimebundle()


def notes(diff: DatasetDiff) -> list[str]:
    """Say what the counts rest on."""
    said = []
    if diff.key:
        how = {"given": "", "recorded": ", as saved", "detected": ", found by itself"}
        names = ", ".join(visible(name) for name in diff.key)
        said.append(f"Rows are matched by {names}{how.get(diff.key_source, '')}.")
    else:
        said.append(
            "No column identifies a row: rows are the same when all their values are, and a "
            "changed row is one removed and one added. Name a key with --key."
        )
    if diff.columns_added or diff.columns_removed or len(diff.columns_changed):
        said.append(f"Rows are compared by the {len(diff.compared)} columns both have alike.")
    if diff.order_changed:
        said.append("Rows that both have stand in another order.")
    if diff.columns_reordered:
        said.append("The columns stand in another order.")
    changed = diff.rows_added or diff.rows_removed or diff.rows_changed
    if not (changed or _schema(diff) or diff.order_changed or diff.columns_reordered):
        said.append("The same rows; their categories or pandas types differ.")
    return said


def _hidden(diff: DatasetDiff, schema_changes: int) -> list[str]:
    """Say how much is not shown."""
    said = []
    for count, what in (
        (schema_changes, "changes of columns"),
        (len(diff.columns), "columns with changes"),
    ):
        if count > MOST:
            said.append(f"… and {count - MOST:,} more {what}. All of them: --json")
    return said


def _counts(diff: DatasetDiff) -> list[tuple[str, Any]]:
    cells = ""
    if diff.cells_changed:
        columns = sum(1 for item in diff.columns if item.cells)
        plural = "s" if columns > 1 else ""
        cells = f" ({diff.cells_changed:,} cells in {columns:,} column{plural})"
    changed = None if diff.rows_changed is None else f"{diff.rows_changed:,}{cells}"
    return [
        ("rows added", diff.rows_added),
        ("rows removed", diff.rows_removed),
        ("rows changed", changed if changed is not None else "unknown without a key"),
        ("rows kept", diff.rows_kept),
    ]


def _schema(diff: DatasetDiff) -> list[Sequence[Any]]:
    return [
        *(_change("+", column) for column in diff.columns_added),
        *(_change("−", column) for column in diff.columns_removed),
        *(("~", visible(item.name), item.before, item.after) for item in diff.columns_changed),
        *(
            ("renamed", "", visible(item.before), visible(item.after))
            for item in diff.columns_renamed
        ),
    ]


def _change(sign: str, column: Column) -> tuple[str, str, str | None, str | None]:
    kind = visible(column.type)
    removed = sign == "−"
    return sign, visible(column.name), kind if removed else None, None if removed else kind


def _columns(diff: DatasetDiff) -> list[Table]:
    """Return the tables of changed cells and of distributions that moved."""
    shown = diff.columns[:MOST]
    tables = []
    matched = diff.rows_kept + (diff.rows_changed or 0)
    changed = [item for item in shown if item.cells]
    if changed:
        most = 3 if len(changed) <= _FEW else 1
        heads = ["column", "cells changed", "of rows", "some of them", "before and after"]
        tables.append(
            Table(
                heads,
                [
                    [
                        visible(item.name),
                        item.cells,
                        share(item.cells or 0, matched),
                        Lines([change(one) for one in item.samples[:most]]),
                        shape(item),
                    ]
                    for item in changed
                ],
                scrolls=True,
            )
        )
    moved = [item for item in shown if figures(item)]
    if moved:
        heads = ["column", "nulls", "mean or median", "distinct", "moved", ""]
        rows = [[visible(item.name), *figures(item), shape(item)] for item in moved]
        tables.append(Table(heads, rows, title="Distributions", scrolls=True))
    return tables


def change(sample: CellSample) -> Change:
    """Return a changed cell as it is shown."""
    return Change(sample.before, sample.after, sample.place)


def shape(item: ColumnDifference) -> Shape:
    """Return the two histograms of a column."""
    return Shape(
        item.after.histogram if item.after else None,
        item.before.histogram if item.before else None,
    )


def figures(item: ColumnDifference) -> list[str]:
    """Return what of a column's distribution reads differently; empty when nothing does."""
    old, new = item.before, item.after
    if old is None or new is None:
        return []
    found = [
        _pair(f"{old.nulls:,}", f"{new.nulls:,}"),
        _pair(_middle(old), _middle(new)),
        _pair(_distinct(old), _distinct(new)),
        drift(item.psi),
    ]
    return found if any(found) else []


def drift(psi: float | None) -> str:
    """Return a population stability index worth mentioning."""
    return f"PSI {psi:.2f}" if psi is not None and psi >= _MOVED else ""


def _pair(before: str, after: str) -> str:
    return f"{before or '–'} → {after or '–'}" if before != after else ""


def _middle(profile: ColumnProfile) -> str:
    if profile.mean is not None:
        return text_of(profile.mean)
    return text_of(profile.quantiles.get("0.5"))


def _distinct(profile: ColumnProfile) -> str:
    if profile.distinct is None or profile.estimated:
        return ""
    return f"{profile.distinct:,}"


def _rows(diff: DatasetDiff) -> Table:
    signs = {"added": "+", "removed": "−", "changed": "~"}
    styles = {"added": "good", "removed": "bad", "changed": ""}
    names = [visible(name, 40) for name in diff.sample_columns[:_FEW]]
    more = ", …" if len(diff.sample_columns) > _FEW else ""
    rows = []
    for item in diff.row_samples:
        pairs = zip(names, map(value_text, item.values), strict=False)
        shown = ", ".join(f"{name}={value}" for name, value in pairs)
        rows.append([signs[item.change], item.row, shown + more])
    return Table(
        ["", "row", "values"],
        rows,
        title="Rows",
        styles=[styles[item.change] for item in diff.row_samples],
    )
