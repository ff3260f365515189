"""Tags and removals, which both sides may have changed: the later change of a tag counts."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from mlnb.core.store import ObjectStore
from mlnb.datasets import history
from mlnb.datasets.records import Removal, TagChange
from mlnb.datasets.remotes.planning import Plan


def send_tags(source: ObjectStore, target: ObjectStore, plan: Plan) -> list[str]:
    """Change the target's tags as they were changed in the source since; return what changed.

    Parameters
    ----------
    source, target : ObjectStore
        From where to where; the versions are there.
    plan : Plan
        The dataset. Of a version that was sent alone, the tags that point at it go with it.
    """
    here, there = history.tags(source, plan.name), history.tags(target, plan.target)
    if here == there:
        return []
    numbers = set(target.numbers(history.versions_log(plan.target)))
    gone = history.removed(target, plan.target)
    theirs: dict[str, TagChange] = {}
    for change in history.tag_changes(target, plan.target):
        theirs[change.tag] = change
    ours: dict[str, TagChange] = {}
    changes: list[TagChange] = []
    for change in history.tag_changes(source, plan.name):
        ours[change.tag] = change
        known = theirs.get(change.tag)
        if known is None or change.created > known.created:
            changes.append(change)
    sent: dict[str, None] = {}
    for change in changes:
        newest = ours[change.tag].number
        if plan.numbers is not None and newest not in plan.numbers:
            continue
        if change.number is not None and (change.number not in numbers or change.number in gone):
            continue
        if _append_change(target, plan.target, change):
            sent[change.tag] = None
    now = history.tags(target, plan.target) if sent else {}
    return [
        f"{plan.target}: {tag} → {now[tag]}" if tag in now else f"{plan.target}: {tag} removed"
        for tag in sent
    ]


def _append_change(target: ObjectStore, name: str, change: TagChange) -> bool:
    class Nothing(Exception):
        pass

    def make(entry: int) -> Mapping[str, Any]:
        before = history.tags_at(target, name, entry - 1)
        if before.get(change.tag) == change.number:
            raise Nothing
        after = {tag: number for tag, number in before.items() if tag != change.tag}
        if change.number is not None:
            after[change.tag] = change.number
        return replace(change, previous=before.get(change.tag), tags=after).to_dict()

    try:
        target.append(history.tags_log(name), make)
    except Nothing:
        return False
    return True


def send_removals(
    source: ObjectStore, target: ObjectStore, plan: Plan, numbers: Collection[int]
) -> list[str]:
    """Mark versions as removed in the target that are removed in the source.

    Parameters
    ----------
    source, target : ObjectStore
        From where to where.
    plan : Plan
        The dataset.
    numbers : collection of int
        Only these.

    Returns
    -------
    list of str
        The versions that were marked, by their names there.
    """
    gone = history.removed(target, plan.target)
    wanted = set(numbers).intersection(plan.removed).difference(gone)
    if not wanted:
        return []
    sent: list[str] = []
    for removal in history.removals(source, plan.name):
        chosen = sorted(wanted.intersection(removal.numbers))
        if chosen:
            _append_removal(target, plan.target, replace(removal, numbers=chosen))
            sent += [f"{plan.target}@{number}" for number in chosen]
            wanted.difference_update(chosen)
    return sent


def _append_removal(target: ObjectStore, name: str, removal: Removal) -> None:
    def make(_entry: int) -> Mapping[str, Any]:
        gone = history.removed(target, name).union(removal.numbers)
        return replace(removal, removed=sorted(gone)).to_dict()

    target.append(history.removed_log(name), make)
