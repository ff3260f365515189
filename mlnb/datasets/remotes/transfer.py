"""Push and pull: copy what the other side lacks, then tell it of the versions."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

from mlnb.core import project
from mlnb.core.errors import BadInput, VersionsDiverged
from mlnb.core.project import Project
from mlnb.core.store import Entry, ObjectStore
from mlnb.datasets import history
from mlnb.datasets.remotes import marks
from mlnb.datasets.remotes.copying import copy
from mlnb.datasets.remotes.opening import open_remote, shown
from mlnb.datasets.remotes.planning import Plan, plan, wanted
from mlnb.datasets.remotes.records import OnProgress, Progress, TransferReport

Direction = Literal["push", "pull"]


def push(
    refs: str | Iterable[str] = (),
    url: str | None = None,
    *,
    rename: str = "",
    on_progress: OnProgress | None = None,
) -> TransferReport:
    """Copy versions to another store, under the numbers they have.

    Parameters
    ----------
    refs : str or iterable of str
        Datasets (all their versions, tags and removals) or single versions as in `resolve` (with
        the tags that point at them); all datasets when there are none.
    url : str, optional
        A folder, ``s3://…``, ``gs://…`` or ``az://…``; the setting ``remote`` by default.
    rename : str
        Another name for the dataset there.
    on_progress : callable, optional
        Called with a `Progress` for each object.

    Returns
    -------
    TransferReport
        What was copied; what the other side had is skipped.

    Raises
    ------
    VersionsDiverged
        If a number means another version there; nothing was written.
    UnknownName, InvalidReference
        If a reference means nothing.
    ObjectMissing, ObjectCorrupt
        If a version is damaged here; no version was written.
    StoreUnavailable
        If a store fails. What was copied need not be copied again.
    """
    here = project.current()
    remote = open_remote(here, url, reading=False)
    return _transfer("push", here, here.store, remote, refs, shown(here, url), rename, on_progress)


def pull(
    refs: str | Iterable[str] = (),
    url: str | None = None,
    *,
    rename: str = "",
    on_progress: OnProgress | None = None,
) -> TransferReport:
    """Copy versions from another store to this one, under the numbers they have there.

    Parameters, result and errors are those of `push`; references are resolved there.
    """
    here = project.current()
    remote = open_remote(here, url, reading=True)
    return _transfer("pull", here, remote, here.store, refs, shown(here, url), rename, on_progress)


def _transfer(
    action: Direction,
    here: Project,
    source: ObjectStore,
    target: ObjectStore,
    refs: str | Iterable[str],
    url: str,
    rename: str,
    on_progress: OnProgress | None,
) -> TransferReport:
    started = time.monotonic()
    items = wanted([refs] if isinstance(refs, str) else refs, source)
    if rename and len({item.name for item in items}) != 1:
        raise BadInput("Several datasets cannot get one name.", "Name one dataset.")
    if on_progress is not None:
        on_progress(Progress(action, "comparing"))
    plans = [plan(source, target, item, rename=rename, url=url) for item in items]
    needed = {digest: size for each in plans for digest, size in each.needed.items()}
    needed_by = {digest: ref for each in plans for digest, ref in each.needed_by.items()}
    there = target.keep(needed)
    missing = {digest: size for digest, size in needed.items() if digest not in there}
    copy(source, target, missing, action=action, needed_by=needed_by, on_progress=on_progress)
    if on_progress is not None:
        size = sum(missing.values())
        on_progress(Progress(action, "recording", len(missing), len(missing), size, size))
    versions: list[str] = []
    tags: list[str] = []
    removed: list[str] = []
    notes: list[str] = []
    for each in plans:
        # what was removed is told before its entry, which names objects that may be gone
        marks.send_removals(source, target, each, each.entries)
        versions += _write(target, each, url)
        if each.base and each.base in history.removed(target, each.target):  # and may be collected
            gone = {d: s for d, s in each.spared.items() if d not in target.keep(each.spared)}
            copy(source, target, gone, action=action, needed_by=each.needed_by)
        tags += marks.send_tags(source, target, each)
        if each.numbers is None:
            tagged = set(history.tags(target, each.target).values())
            removed += marks.send_removals(source, target, each, each.same - tagged)
            notes += _kept(target, each, tagged)
            if action == "push":
                notes += _newer(target, each)
    _tell(here, action, url, versions)
    return TransferReport(
        action=action,
        url=url,
        versions=versions,
        same=sum(len(each.same) for each in plans),
        objects=len(missing),
        bytes=sum(missing.values()),
        skipped=len(there),
        seconds=time.monotonic() - started,
        tags=tags,
        removed=removed,
        notes=notes,
    )


def _write(target: ObjectStore, plan: Plan, url: str) -> list[str]:
    """Write the entries; the newest first, so that who saves there at the same time comes after.

    Raises
    ------
    VersionsDiverged
        If somebody wrote another version under a number since the logs were compared.
    """
    log = history.versions_log(plan.target)

    def write(entry: Entry) -> None:
        if not target.create(log, entry):
            found = target.entry(log, entry.number)
            if found is None or found.data != entry.data:
                raise VersionsDiverged(plan.target, [entry.number], url)

    for entry in sorted(plan.entries.values(), key=lambda entry: -entry.number)[:1]:
        write(entry)
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, plan.entries.values()))
    return [f"{plan.target}@{number}" for number in sorted(plan.entries)]


def _kept(target: ObjectStore, plan: Plan, tagged: set[int]) -> list[str]:
    """Say which versions were not removed although they are removed where they come from."""
    gone = history.removed(target, plan.target)
    kept = sorted(plan.same.intersection(plan.removed, tagged).difference(gone))
    return [
        f"{plan.target}@{number} was removed on the other side, and is kept here: a tag names it."
        for number in kept
    ]


def _newer(target: ObjectStore, plan: Plan) -> list[str]:
    """Say which versions a remote has that were not pulled yet."""
    numbers = plan.only_there.difference(history.removed(target, plan.target))
    if not numbers:
        return []
    shown = ", ".join(f"{plan.target}@{number}" for number in sorted(numbers)[-8:])
    more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
    return [f"The remote has what is not here: {shown}{more} (`dataset pull {plan.target}`)."]


def _tell(here: Project, action: Direction, url: str, versions: list[str]) -> None:
    place = url if "://" in url and not url.startswith("file:") else "a folder"
    for name in dict.fromkeys(ref.partition("@")[0] for ref in versions):
        numbers = [int(ref.partition("@")[2]) for ref in versions if ref.startswith(f"{name}@")]
        here.events.emit(f"dataset.{action}ed", name, url=place, versions=numbers)
