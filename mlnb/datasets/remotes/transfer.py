"""Push and pull: copy what the other side lacks, then tell it of the versions."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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
    missing, there = _copy(source, target, plans, action, on_progress)
    done = _Done()
    for each in plans:
        _record(source, target, each, action, url, done)
    versions = list(dict.fromkeys(done.versions))
    _tell(here, action, url, versions)
    return TransferReport(
        action=action,
        url=url,
        versions=versions,
        same=sum(len(each.same) for each in plans),
        objects=len(missing),
        bytes=sum(missing.values()),
        skipped=there,
        seconds=time.monotonic() - started,
        tags=list(dict.fromkeys(done.tags)),
        removed=done.removed,
        notes=list(dict.fromkeys(done.notes)),
    )


@dataclass
class _Done:
    """What was written of the datasets so far."""

    versions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _copy(
    source: ObjectStore,
    target: ObjectStore,
    plans: list[Plan],
    action: Direction,
    on_progress: OnProgress | None,
) -> tuple[dict[str, int], int]:
    """Copy what the target lacks; return that, with sizes, and how many objects it had."""
    needed = {digest: size for each in plans for digest, size in each.needed.items()}
    needed_by = {digest: ref for each in plans for digest, ref in each.needed_by.items()}
    there = target.keep(needed)
    missing = {digest: size for digest, size in needed.items() if digest not in there}
    copy(source, target, missing, action=action, needed_by=needed_by, on_progress=on_progress)
    if on_progress is not None:
        size = sum(missing.values())
        on_progress(Progress(action, "recording", len(missing), len(missing), size, size))
    return missing, len(there)


def _record(
    source: ObjectStore, target: ObjectStore, plan: Plan, action: Direction, url: str, done: _Done
) -> None:
    """Tell the target of a dataset's versions, tags and removals; all objects are there."""
    # what was removed is told before its entry, which names objects that may be gone
    marks.send_removals(source, target, plan, plan.entries)
    done.versions += _write(target, plan, url)
    if plan.base and plan.base in history.removed(target, plan.target):  # and may be collected
        there = target.keep(plan.spared)
        gone = {digest: size for digest, size in plan.spared.items() if digest not in there}
        copy(source, target, gone, action=action, needed_by=plan.needed_by)
    done.tags += marks.send_tags(source, target, plan)
    if plan.numbers is None:
        tagged = set(history.tags(target, plan.target).values())
        done.removed += marks.send_removals(source, target, plan, plan.same - tagged)
        done.notes += _kept(target, plan, tagged)
        if action == "push":
            done.notes += _newer(target, plan)


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
