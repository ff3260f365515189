"""How the history of datasets is laid out: tags, removed and damaged versions, garbage."""

from typing import Any

from mlnb.datasets.records import (
    DamagedVersion,
    GarbageCollection,
    RemovedVersion,
    TagHistory,
)
from mlnb.ui.render import Table, View, row, view
from mlnb.ui.views.dataset import size


@row.register
def _(removed: RemovedVersion) -> dict[str, Any]:
    why = f": {removed.message}" if removed.message else ""
    version = removed.version
    return {
        "version": f"{removed.name}@{removed.number}",
        "rows": version.rows if version else None,
        "size": size(version.bytes) if version else "",
        "message": f"removed{why}",
        "tags": [],
        "author": removed.author,
        "created": removed.created,
    }


@row.register
def _(damaged: DamagedVersion) -> dict[str, Any]:
    return {
        "version": f"{damaged.name}@{damaged.number}",
        "message": f"damaged: {damaged.problem}",
    }


@view.register
def _(tags: TagHistory) -> View:
    title = f"Tags of dataset {tags.name}"
    if not tags.changes:
        return View(title, notes=["No tags. Set one: dataset tag REF TAG"])
    present = Table(
        ["tag", "version"],
        [(tag, f"{tags.name}@{number}") for tag, number in sorted(tags.tags.items())],
    )
    moves = Table(
        ["tag", "from", "to", "by", "when"],
        [
            (change.tag, _at(change.previous), _at(change.number), change.author, change.created)
            for change in tags.changes
        ],
        title="History",
    )
    return View(title, tables=[present, moves] if tags.tags else [moves])


@view.register
def _(done: GarbageCollection) -> View:
    removed = f"{done.removed_objects:,} objects, {size(done.removed_bytes)}"
    waiting = f"{done.waiting_objects:,} objects, {size(done.waiting_bytes)}"
    return View(
        "Would be freed" if done.dry_run else "Freed",
        fields=[
            ("would be freed" if done.dry_run else "freed", removed),
            ("kept", f"{done.kept_objects:,} objects, {size(done.kept_bytes)}"),
            ("not old enough", waiting if done.waiting_objects else None),
        ],
    )


def _at(number: int | None) -> str:
    return f"@{number}" if number is not None else "–"
