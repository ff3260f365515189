"""What changed between two versions of a folder: by path, and by content for what was renamed."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from mlnb.core.errors import BadInput
from mlnb.core.store import ObjectStore
from mlnb.datasets import versions
from mlnb.datasets.folders import tree
from mlnb.datasets.folders.records import FileChange, FolderDiff
from mlnb.datasets.folders.tree import Row
from mlnb.datasets.records import StoredVersion


def diff(store: ObjectStore, before: StoredVersion, after: StoredVersion) -> FolderDiff:
    """Return what changed from one version to another; no file is read.

    Parameters
    ----------
    store : ObjectStore
        Where both are.
    before, after : StoredVersion
        Versions of files.

    Raises
    ------
    BadInput
        If one is no version of files.
    """
    for version in (before, after):
        if version.kind != "files":
            raise BadInput(
                f"{version.ref} is a {version.kind}; files and tables cannot be compared.",
                "Name two versions of one kind.",
            )
    old, new = tree.read(store, before).rows, tree.read(store, after).rows
    gone = _lacking(old, new)
    come = _lacking(new, old)
    changed = [
        (old[path], row) for path, row in new.items() if path in old and not _same(old[path], row)
    ]
    renamed = _renamed(gone.values(), come.values())
    for left, right in renamed:
        del gone[left.path], come[right.path]
    return FolderDiff(
        before=versions.public(before),
        after=versions.public(after),
        identical=before.digest == after.digest,
        added=[_change(None, row) for row in come.values()],
        removed=[_change(row, None) for row in gone.values()],
        changed=[_change(left, right) for left, right in changed],
        renamed=[_change(left, right) for left, right in renamed],
        kept=sum(
            row.kind != "d" and row.path in old and _same(old[row.path], row)
            for row in new.values()
        ),
        bytes_added=sum(row.size for row in come.values())
        + sum(right.size for left, right in changed if left.content != right.content),
        bytes_removed=sum(row.size for row in gone.values())
        + sum(left.size for left, right in changed if left.content != right.content),
    )


def _lacking(rows: dict[str, Row], others: dict[str, Row]) -> dict[str, Row]:
    """Return the rows that others lack; a folder that is just not empty there is not lacking."""
    found = {path: row for path, row in rows.items() if path not in others}
    empty = [path for path, row in found.items() if row.kind == "d"]
    if empty:
        folders = {str(parent) for path in others for parent in PurePosixPath(path).parents}
        for path in folders.intersection(empty):
            del found[path]
    return found


def _same(old: Row, new: Row) -> bool:
    return (old.kind, old.content) == (new.kind, new.content)


def _renamed(gone: Iterable[Row], come: Iterable[Row]) -> list[tuple[Row, Row]]:
    """Pair files of equal content; of several those whose names are alike first."""
    sources: dict[str, list[Row]] = defaultdict(list)
    for row in gone:
        if row.is_file and row.size:
            sources[row.content].append(row)
    pairs = []
    for row in come:
        if row.is_file and (found := sources.get(row.content)):
            name = row.path.rpartition("/")[2]
            alike = [old for old in found if old.path.rpartition("/")[2] == name]
            source = (alike or found)[0]
            found.remove(source)
            pairs.append((source, row))
    return pairs


def _change(old: Row | None, new: Row | None) -> FileChange:
    row = new or old
    assert row is not None  # noqa: S101 (for mypy: a change has one side)
    return FileChange(
        path=row.path,
        size_before=old.size if old and old.is_file else None,
        size_after=new.size if new and new.is_file else None,
        was=old.path if old and new and old.path != new.path else "",
        note=_note(old, new),
    )


def _note(old: Row | None, new: Row | None) -> str:
    if old and new and old.kind == new.kind and old.kind != "l":
        return ""
    if new is None:
        return {"l": "was a link", "d": "was an empty folder"}.get(old.kind if old else "", "")
    if new.kind == "l":
        return f"link to {new.content}"
    if new.kind == "d":
        return "empty folder"
    if old and old.is_file:
        return "now executable" if new.kind == "x" else "no longer executable"
    if old is None:
        return ""
    return "was a link" if old.kind == "l" else "was an empty folder"
