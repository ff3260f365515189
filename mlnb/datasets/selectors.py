"""What stands behind the ``@`` of a reference → the number of a version."""

import re
from bisect import bisect_left
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from mlnb.core.errors import BadInput, InvalidReference, UnknownName, UnreadableRecord
from mlnb.core.store import ObjectStore
from mlnb.datasets import history

_BACK = re.compile(r"~([0-9]{1,9})")
_NUMBER = re.compile(r"[1-9][0-9]*|0[0-9]{0,4}")  # what has more zeros before it is a digest
_DIGEST_PREFIX = re.compile(r"[0-9a-f]{6,64}")
_DATE = re.compile(r"\{(.*)\}", re.DOTALL)
_FORMS = "a time as in name@{2026-11-01} or name@{2026-11-01 14:30+01:00}"
_SHOWN = 5


def number_of(store: ObjectStore, name: str, selector: str) -> int | None:
    """Return the number of the version that a selector means, or None when it means none.

    The version may be one that was removed. Only a digest's beginning reads all versions; a date
    reads the logarithm of them, everything else one entry or none.

    Parameters
    ----------
    store : ObjectStore
        Where the dataset is.
    name : str
        The dataset; it has versions.
    selector : str
        ``latest``, ``7``, a tag, ``~2`` (two before the newest), ``{2026-11-01 14:30}`` or the
        first six or more digits of a digest.

    Raises
    ------
    InvalidReference
        If a time cannot be read.
    BadInput
        If several contents have a digest that begins so.
    """
    newest = store.last_number(history.versions_log(name))
    if selector == "latest":
        return history.last_number(store, name) or newest
    if back := _BACK.fullmatch(selector):
        return _before_newest(store, name, int(back[1]))
    if moment := _DATE.fullmatch(selector):
        return _at(store, name, newest, until(name, moment[1]))
    if _NUMBER.fullmatch(selector) and 0 < int(selector) <= newest:
        return int(selector)
    tagged = history.tags(store, name).get(selector)
    if tagged is not None:
        return tagged
    if _DIGEST_PREFIX.fullmatch(selector):
        return _with_digest(store, name, selector)
    return None


def until(name: str, text: str) -> datetime:
    """Return the first moment after the one a user means, which lasts as long as it is precise.

    A date means until the end of that day, a minute until its end: so a time as it is shown means
    the version beside which it is shown. Without a time zone it is this machine's.

    Raises
    ------
    InvalidReference
        If it is no date and time of ISO 8601.
    """
    try:
        start = datetime.fromisoformat(text.strip())
        return (start + _precision(text.strip())).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidReference("dataset", f"{name}@{{{text}}}", _FORMS) from None


def _precision(text: str) -> timedelta:
    """Return how long the last part of a written time lasts: a day, an hour, … a microsecond."""
    _day, _, clock = text.replace("T", " ").partition(" ")
    time_of_day = re.split(r"[Z+-]", clock)[0]
    lasting = {0: timedelta(days=1), 2: timedelta(hours=1), 4: timedelta(minutes=1)}
    lasting[6] = timedelta(seconds=1)
    return lasting.get(len(re.sub("[^0-9]", "", time_of_day)), timedelta.resolution)


def _at(store: ObjectStore, name: str, newest: int, end: datetime) -> int | None:
    """Return the newest version that was there before a moment; versions are made in order."""

    def came_later(number: int) -> bool:
        for at in range(number, 0, -1):
            with suppress(UnreadableRecord):  # then the one before it says about when
                version = history.stored(store, name, at)
                if version is not None:
                    return version.created >= end
        return False

    number = bisect_left(range(1, newest + 1), True, key=came_later)
    if number in history.removed(store, name):
        earlier = [item for item in history.removals(store, name) if item.created < end]
        gone = {number for removal in earlier for number in removal.numbers}
        while number in gone:
            number -= 1
    return number or None


def _before_newest(store: ObjectStore, name: str, steps: int) -> int | None:
    number = history.last_number(store, name)
    for _ in range(steps):
        if number < 2:
            return None
        number = history.last_number(store, name, number)
    return number or None


def _with_digest(store: ObjectStore, name: str, prefix: str) -> int | None:
    """Return the newest version whose digest begins so; one that is not removed goes first."""
    versions, _damaged = history.every(store, name)
    fitting = [version for version in versions if version.digest.startswith(prefix)]
    gone = history.removed(store, name)
    chosen = [version for version in fitting if version.number not in gone] or fitting
    contents = {version.digest: version.ref for version in chosen}
    if len(contents) > 1:
        shown = [f"{digest[: len(prefix) + 8]}… ({ref})" for digest, ref in contents.items()]
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        raise BadInput(
            f"Several versions of {name!r} begin with {prefix!r}: "
            f"{', '.join(shown[:_SHOWN])}{more}.",
            "Give more of the digest.",
        )
    return chosen[-1].number if chosen else None


def unknown(store: ObjectStore, name: str, ref: str) -> UnknownName:
    """Return the error for a reference that means no version, naming what there is."""
    newest = store.last_number(history.versions_log(name))
    listed = f"Its versions are 1 to {newest}" if newest > 1 else "It has version 1"
    tags = history.tags(store, name)
    tagged = f"; its tags: {', '.join(sorted(tags))}" if tags else ""
    return UnknownName("dataset version", ref, fix=f"{listed}{tagged}.")
