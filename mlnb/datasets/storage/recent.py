"""The tables that were saved or loaded last in this process, so that edits are found at once.

What is kept is no copy: Arrow and polars data are immutable, and a pandas frame shares its memory
with the user's until one of them is written to (copy-on-write, pandas 3). Memory that was handed
to pandas without a copy can change all the same; so a saver compares against a kept table only
after checking its unit digests.
"""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

from mlnb.core import project


@dataclass
class Kept:
    """A table kept for one dataset."""

    digest: str
    """Of the version that it is."""
    data: Any
    """A pandas frame, or a `Content`."""
    values: Any
    """Its plain values; None until they are needed."""
    size: int
    ours: bool
    """Whether the memory was made here, so that nobody else can write to it."""


_kept: OrderedDict[tuple[str, str], Kept] = OrderedDict()
_lock = Lock()


def keep(
    name: str, digest: str, data: Any, size: int, values: Any = None, *, ours: bool = False
) -> None:
    """Keep what a dataset's version holds, within the setting ``dataset_memory``.

    Parameters
    ----------
    name : str
        The dataset.
    digest : str
        The version's.
    data : pandas.DataFrame or Content
        What was saved or loaded.
    size : int
        Its bytes.
    values : pyarrow.Table, optional
        Its plain form, when there is one.
    ours : bool
        Whether the memory was made by a load.
    """
    here = project.current()
    shared = _shared(data)
    place = (here.store.url, name)
    with _lock:
        _kept.pop(place, None)
        if shared is None or size > here.settings.dataset_memory:
            return
        _kept[place] = Kept(digest, shared, values, size, ours)
        total = sum(item.size for item in _kept.values())
        while total > here.settings.dataset_memory:
            _place, oldest = _kept.popitem(last=False)
            total -= oldest.size


def kept(name: str, digest: str) -> Kept | None:
    """Return what is kept of a dataset, if it is the version with this digest."""
    place = (project.current().store.url, name)
    with _lock:
        found = _kept.get(place)
        if found is None or found.digest != digest:
            return None
        _kept.move_to_end(place)
        return found


def forget(name: str | None = None) -> None:
    """Keep nothing of a dataset (of all by default)."""
    with _lock:
        for place in [item for item in _kept if name in (None, item[1])]:
            del _kept[place]


def plain_values(item: Kept) -> Any:
    """Return the plain values of what is kept."""
    if item.values is None:
        from mlnb.datasets.sources import read
        from mlnb.datasets.tables import Content, plain

        content = item.data if isinstance(item.data, Content) else read(item.data)
        item.values = plain(content.table)
    return item.values


def _shared(data: Any) -> Any:
    """Return data that shares memory with a frame until it is written to; None if none can."""
    if type(data).__module__.partition(".")[0] != "pandas":
        return data
    import pandas as pd

    if int(pd.__version__.partition(".")[0]) < 3:
        return None  # without copy-on-write, edits would show here too
    return data.copy(deep=False)
