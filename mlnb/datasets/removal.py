"""Remove versions: a tombstone in a log. Their data goes when garbage is collected."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import Any

from mlnb.core import project, redaction
from mlnb.core.errors import Conflict, UnknownName, UnreadableRecord
from mlnb.core.names import split_reference
from mlnb.core.project import Project
from mlnb.core.records import now
from mlnb.core.store import ObjectStore
from mlnb.datasets import history, tagging, versions
from mlnb.datasets.records import Removal, RemovedVersion, StoredVersion

HOLDERS = "mlnb.dataset_holders"
"""Entry points of functions that tell who names a dataset's versions: ``(name) → {number: [who]}``.

The packages above this one keep such references in stores that this one knows nothing of.
"""
_OF_MODELS = ("model", "champion")
"""What logs of validations and releases call the models they are of."""
_SHOWN = 3


def remove(
    refs: str | Sequence[str],
    *,
    message: str = "",
    every: bool = False,
    force: bool = False,
    author: str | None = None,
) -> list[RemovedVersion]:
    """Remove versions of datasets, all of them or none.

    The numbers are never used again, and what was removed stays in the history. The data itself
    is freed by `collect`, a day later at the earliest; until then `restore` brings it back.

    Parameters
    ----------
    refs : str or list of str
        The versions, each as in `resolve`; a bare name means nothing here, to be safe.
    message : str
        Why.
    every : bool
        Remove whole datasets: ``refs`` are names.
    force : bool
        Remove tagged versions too, together with their tags.
    author : str, optional
        Who removes them; the setting ``author`` by default.

    Returns
    -------
    list of RemovedVersion
        What was removed.

    Raises
    ------
    Conflict
        If a tag, a run, a model, a pipeline or a validation names one of them; nothing is removed.
    UnknownName, InvalidReference
        If a reference means no version.
    """
    here = project.current()
    wanted = _wanted(here.store, [refs] if isinstance(refs, str) else refs, every)
    _check_free(here.store, wanted, force)
    removed: list[RemovedVersion] = []
    for name, numbers in wanted.items():
        for tag, number in sorted(history.tags(here.store, name).items()):
            if number in numbers:
                tagging.point(here, name, tag, None)
        removed += _bury(here, name, numbers, message, author or here.settings.author)
    return removed


def holders(name: str) -> dict[int, list[str]]:
    """Return who names the versions of a dataset, tags apart, by number: ``run train (3f2a…)``.

    Raises
    ------
    TrackingUnavailable
        If somebody cannot be asked: then nobody knows.
    """
    found = _in_logs(project.current().store, name)
    for point in sorted(entry_points(group=HOLDERS), key=lambda point: point.name):
        for number, who in point.load()(name).items():
            found.setdefault(number, []).extend(who)
    return {number: list(dict.fromkeys(who)) for number, who in found.items()}


def _in_logs(store: ObjectStore, name: str) -> dict[int, list[str]]:
    """Return which entries of the store's logs name versions of a dataset, whoever wrote them."""
    found: dict[int, list[str]] = {}
    for log in store.all_logs():
        parts = log.split("/")
        gone: frozenset[int] = frozenset()
        if parts[0] == "datasets" and parts[2:] == ["versions"]:
            gone = history.removed(store, parts[1])
        damaged: dict[int, UnreadableRecord] = {}  # whoever reads that log will say so
        for entry in store.entries(log, damaged=damaged):
            if entry.number not in gone:
                for number in _named(entry.data, f"{name}@"):
                    found.setdefault(number, []).append(f"{log}/{entry.number}")
    return found


def _named(value: Any, start: str) -> set[int]:
    """Return the numbers of the versions that a JSON value names; models may be called alike."""
    if isinstance(value, str):
        digits = value.removeprefix(start)
        return {int(digits)} if digits != value and digits.isdecimal() else set()
    if isinstance(value, dict):
        value = [item for key, item in value.items() if key not in _OF_MODELS]
    if isinstance(value, list):
        return {number for item in value for number in _named(item, start)}
    return set()


def _wanted(store: ObjectStore, refs: Iterable[str], every: bool) -> dict[str, list[int]]:
    """Return the numbers to remove, by dataset."""
    wanted: dict[str, set[int]] = {}
    for ref in refs:
        name, _selector = split_reference("dataset", ref)
        if every:
            if "@" in ref:
                raise Conflict(f"{ref!r} is one version.", f"For the whole dataset, say {name!r}.")
            versions.check_exists(name)
            gone = history.removed(store, name)
            numbers = set(store.numbers(history.versions_log(name))) - gone
        else:
            if "@" not in ref:
                raise Conflict(
                    f"{ref!r} does not say which version.",
                    f"Say {ref}@latest for the newest, or --all for the whole dataset.",
                )
            numbers = {_number(store, ref)}
        wanted.setdefault(name, set()).update(numbers)
    return {name: sorted(numbers) for name, numbers in wanted.items()}


def _number(store: ObjectStore, ref: str) -> int:
    """Return the number of a version, which may be one whose entry is damaged."""
    name, selector = split_reference("dataset", ref)
    try:
        return versions.find(ref).number
    except UnreadableRecord:
        if not selector.isdecimal():
            raise
        versions.check_exists(name)
        return int(selector)


def _check_free(store: ObjectStore, wanted: Mapping[str, Sequence[int]], force: bool) -> None:
    held: list[str] = []
    tagged = False
    for name, numbers in wanted.items():
        others = holders(name)
        for number in numbers:
            who = list(others.get(number, []))
            if not force:
                tags = [tag for tag, to in history.tags(store, name).items() if to == number]
                tagged = tagged or bool(tags)
                who = [f"tag {tag}" for tag in sorted(tags)] + who
            if who:
                more = f" and {len(who) - _SHOWN} more" if len(who) > _SHOWN else ""
                held.append(f"{name}@{number} by {', '.join(who[:_SHOWN])}{more}")
    if held:
        more = f"; and {len(held) - _SHOWN} more versions" if len(held) > _SHOWN else ""
        raise Conflict(
            f"Still named, so nothing was removed: {'; '.join(held[:_SHOWN])}{more}.",
            ("Remove the tag (dataset tag REF TAG --delete), or give --force. " if tagged else "")
            + "What runs and models were made from stays as long as they do.",
        )


def _bury(
    here: Project, name: str, numbers: Sequence[int], message: str, author: str
) -> list[RemovedVersion]:
    """Append the tombstone; what somebody else removed at the same time is theirs."""
    buried: list[int] = []
    message = redaction.text(message)
    created = now()

    class Nothing(Exception):
        pass

    def make(_entry: int) -> Mapping[str, Any]:
        gone = history.removed(here.store, name)
        buried[:] = [number for number in numbers if number not in gone]
        if not buried:
            raise Nothing
        return Removal(
            numbers=list(buried),
            message=message,
            author=author,
            created=created,
            removed=sorted({*gone, *buried}),
        ).to_dict()

    try:
        here.store.append(history.removed_log(name), make)
    except Nothing:
        return []
    here.events.emit("dataset.removed", name, numbers=list(buried), message=message, author=author)
    return [
        RemovedVersion(
            name=name,
            number=number,
            message=message,
            author=author,
            created=created,
            version=_what_it_was(here.store, name, number),
        )
        for number in buried
    ]


def _what_it_was(store: ObjectStore, name: str, number: int) -> Any:
    try:
        version: StoredVersion | None = history.stored(store, name, number)
    except UnreadableRecord:
        return None
    if version is None:
        raise UnknownName("dataset version", f"{name}@{number}")
    return version.public([])
