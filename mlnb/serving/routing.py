"""Which release answers a request: the share of a canary, sticky by key; the copies of a shadow."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

from mlnb.core.errors import BadInput
from mlnb.core.extras import require
from mlnb.core.records import Record
from mlnb.serving.messages import Request

Role = Literal["current", "canary", "shadow"]
_STEPS = 2**64


@dataclass(frozen=True, kw_only=True)
class Split(Record):
    """The part of an endpoint's traffic that a release gets.

    Attributes
    ----------
    role : {"current", "canary", "shadow"}
        A canary answers its share; a shadow gets copies of all, and its answers go to the log only.
    share : float
        Of a canary, 0 to 1.
    sticky_by : str
        A field of the input, or ``header:NAME``: requests with the same value there are answered
        by the same release. Empty: each request for itself.
    rules : list of str
        When it is rolled back without anybody, see `mlnb.serving.rules`.
    promote_after : float or None
        Seconds after which it is promoted if it kept all rules.
    """

    role: Role = "current"
    share: float = 1.0
    sticky_by: str = ""
    rules: list[str] = field(default_factory=list)
    promote_after: float | None = None


@dataclass(frozen=True, kw_only=True)
class Way(Record):
    """How the current release's workers reach another release's."""

    release: int
    gate: str
    """Path of the Unix socket."""
    lanes: int = 1
    share: float = 1.0
    sticky_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Route(Record):
    """What the current release's workers do with a request."""

    canary: Way | None = None
    shadow: Way | None = None


def share_of(text: str | float) -> float:
    """Read ``10%`` or ``0.1``.

    Raises
    ------
    BadInput
        If it is no share.
    """
    try:
        if isinstance(text, str) and text.strip().endswith("%"):
            value = float(text.strip()[:-1]) / 100
        else:
            value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise BadInput(f"{text!r} is no share of the requests.", "Write 10% for example.")
    return value


def chosen(way: Way, request: Request) -> bool:
    """Tell whether a canary answers a request.

    The same key (or, without a key, the same request id) is always answered alike; a larger share
    keeps everybody who was in a smaller one. The release's number is part of what is hashed, so
    each canary is tried on others.
    """
    if way.share <= 0 or way.share >= 1:
        return way.share >= 1
    key = _key(way.sticky_by, request) if way.sticky_by else None
    text = f"{way.release}:{request.id if key is None else key}".encode()
    number = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
    return number < way.share * _STEPS


def _key(sticky_by: str, request: Request) -> str | None:
    """Return the value that a request sticks to; of several rows, the first one's."""
    kind, _, name = sticky_by.partition(":")
    if kind == "header" and name:
        found = request.headers.get(name.lower().encode("latin-1"))
        return None if found is None else found.decode("latin-1")
    try:
        value = _first(require("orjson", "serving").loads(request.body), sticky_by)
    except (ValueError, LookupError, TypeError):
        return None
    return None if value is None else str(value)


def _first(document: Any, name: str) -> Any:
    """Return a field's value in the first row of a request; LookupError where there is none."""
    if not isinstance(document, dict):
        raise LookupError(name)
    for form in ("dataframe_records", "instances"):
        if form in document:
            return document[form][0][name]
    if "dataframe_split" in document:
        split = document["dataframe_split"]
        return split["data"][0][split["columns"].index(name)]
    inputs = document["inputs"]
    if isinstance(inputs, list):  # the Open Inference Protocol's, or records
        named = next((each for each in inputs if each.get("name") == name), None)
        return named["data"][0] if named is not None else inputs[0][name]
    column = inputs[name]
    return column[0] if isinstance(column, list) else column
