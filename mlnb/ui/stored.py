"""What a notebook stores of a record beside HTML and text, for a front end that draws it itself.

The body of ``application/vnd.mlnb.v1+json`` has a format of its own and the record's, so that a
notebook saved by an older mlnb is still read (the extension has a reader for each, in
``extension/src/rendering/formats.ts``). It is bounded: a notebook is a file that is saved every
minute and looked at in a review.
"""

import json
from functools import singledispatch
from typing import Any

from mlnb.core.records import Record, finite

MIME = "application/vnd.mlnb.v1+json"
FORMAT = 2
"""Format 1 had no number, and nothing was left out."""
LIMIT = 256 * 1024
"""Bytes of the whole; what cannot be made to fit is shown by its HTML alone."""
MOST = 200
"""Items of a list or a mapping, at first; half as many until all of it fits."""
_FEWEST = 6
_FIELDS = 40
"""So many items of a mapping are always kept: it may be a record, whose fields all count."""
_LETTERS = 20
"""Characters of a text, for each of `MOST`."""
_SHORTEST = 300


@singledispatch
def kept(record: Record) -> dict[str, Any]:
    """Return a record as JSON types, what matters most first; ``ui/views/`` registers."""
    return record.to_dict()


def body(record: Record) -> dict[str, Any] | None:
    """Return what is stored of a record; None when it cannot be made small enough.

    ``cut`` says of what was left out how many there were: ``{"columns": 1200}``. A place inside a
    list is named by its number: ``periods.0.features``.
    """
    whole = finite(kept(record))
    most = MOST
    while most >= _FEWEST:
        cutter = _Cutter(most)
        found = {
            "format": FORMAT,
            "type": type(record).__name__,
            "record": cutter.bounded(whole, ""),
            "cut": cutter.cut,
        }
        if len(json.dumps(found, ensure_ascii=False).encode()) <= LIMIT:
            return found
        most //= 2
    return None


class _Cutter:
    """Cuts lists, mappings and texts, and remembers how long they were."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._letters = max(_SHORTEST, most * _LETTERS)
        self.cut: dict[str, int] = {}

    def bounded(self, value: Any, place: str) -> Any:
        """Return a JSON value without what is too much of it."""
        if isinstance(value, str):
            return _shortened(value, self._letters)
        if isinstance(value, list):
            items = enumerate(self._some(value, self._most, place))
            return [self.bounded(item, _inside(place, at)) for at, item in items]
        if isinstance(value, dict):
            chosen = self._some(list(value.items()), max(self._most, _FIELDS), place)
            return {
                _shortened(key, _SHORTEST): self.bounded(item, _inside(place, key))
                for key, item in chosen
            }
        return value

    def _some(self, items: list[Any], most: int, place: str) -> list[Any]:
        if len(items) > most:
            self.cut[place] = len(items)
        return items[:most]


def _inside(place: str, name: object) -> str:
    return f"{place}.{name}" if place else f"{name}"


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
