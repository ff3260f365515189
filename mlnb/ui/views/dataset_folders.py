"""How versions of folders are laid out: what they hold, what changed, what a checkout did."""

from collections.abc import Iterable
from typing import Any

from mlnb.datasets.folders.records import Checkout, FileChange, FolderDiff, FolderSummary
from mlnb.ui.render import Table, View, view
from mlnb.ui.views.dataset import size

LISTED = 20
"""Files that are named of each kind of change; ``--json`` has all of them."""


@view.register
def _(done: Checkout) -> View:
    notes = []
    if not (done.written or done.removed):
        notes.append("Nothing to do: the folder holds this version already.")
    if done.left:
        word = "file that" if done.left == 1 else "files that"
        lacks = "the version lacks was" if done.left == 1 else "the version lacks were"
        notes.append(f"{done.left:,} {word} {lacks} left alone (--clean removes them).")
    fields = [
        ("written", f"{done.written:,} ({size(done.bytes)})" if done.written else 0),
        ("removed", done.removed),
        ("unchanged", done.same),
    ]
    return View(f"{done.version.ref} in {done.folder}", fields=fields, notes=notes)


@view.register
def _(summary: FolderSummary) -> View:
    version = summary.version
    fields = [
        ("message", version.message),
        ("files", summary.files),
        ("links", summary.links or None),
        ("folders", summary.folders or None),
        ("size", size(summary.size)),
        ("stored", size(version.bytes)),
        ("tags", version.tags),
        ("author", version.author),
        ("created", version.created),
        ("run", version.run),
        ("parent", f"{version.name}@{version.parent}" if version.parent else None),
        ("digest", version.digest[:16]),
    ]
    types = [[item.suffix or "none", item.files, size(item.size)] for item in summary.types]
    tables = [Table(["suffix", "files", "size"], types[:LISTED])] if types else []
    if len(summary.largest) > 1:
        rows = [[item.path, size(item.size)] for item in summary.largest]
        tables.append(Table(["largest files", "size"], rows))
    more = len(types) - LISTED
    notes = [f"{more} more suffixes are not listed; --json has them."] if more > 0 else []
    return View(f"Dataset {version.ref}", fields=fields, tables=tables, notes=notes)


@view.register
def _(diff: FolderDiff) -> View:
    title = f"Dataset {diff.before.ref} → {diff.after.ref}"
    if diff.identical:
        return View(title, notes=["The same files."])
    fields = [
        ("added", _counted(diff.added)),
        ("removed", _counted(diff.removed)),
        ("changed", _counted(diff.changed)),
        ("renamed", _counted(diff.renamed)),
        ("unchanged", diff.kept),
        ("size", f"+{size(diff.bytes_added)} −{size(diff.bytes_removed)}"),
    ]
    rows: list[list[Any]] = []
    styles: list[str] = []
    for sign, changes, style in (
        ("+", diff.added, "good"),
        ("−", diff.removed, "bad"),
        ("~", diff.changed, ""),
        ("→", diff.renamed, "dim"),
    ):
        rows += [_row(sign, change) for change in changes[:LISTED]]
        styles += [style] * min(len(changes), LISTED)
    hidden = sum(
        max(len(changes) - LISTED, 0)
        for changes in (diff.added, diff.removed, diff.changed, diff.renamed)
    )
    notes = [f"{hidden:,} more are not listed; --json has all of them."] if hidden else []
    columns = ["", "file", "before", "after", "note"]
    return View(title, fields=fields, tables=[Table(columns, rows, styles=styles)], notes=notes)


def _counted(changes: Iterable[FileChange]) -> int | None:
    return len(list(changes)) or None


def _row(sign: str, change: FileChange) -> list[Any]:
    note = "; ".join(part for part in (change.was and f"was {change.was}", change.note) if part)
    return [
        sign,
        change.path,
        None if change.size_before is None else size(change.size_before),
        None if change.size_after is None else size(change.size_after),
        note,
    ]
