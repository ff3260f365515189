"""JSON of short messages, by the C code of the standard library's `json` alone.

Importing `json` imports `re` and `enum`, which takes longer than Python's own start leaves the
client: half of the processor time that it needs in all.
"""

from __future__ import annotations

TYPE_CHECKING = False  # to import typing would take longer than all else
if TYPE_CHECKING:
    from typing import Any


def _refuse(value: object) -> Any:
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")


class _Context:
    """What the reader asks for: the defaults of `json.JSONDecoder`."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float  # NaN and the infinities, which Python's writer writes, too
    memo: dict[str, str] = {}  # noqa: RUF012  (read once, by C)


try:
    from _json import encode_basestring_ascii, make_encoder, make_scanner

    _scan = make_scanner(_Context())  # type: ignore[arg-type]  # it asks for no more than this
    _encode = make_encoder(
        None, _refuse, encode_basestring_ascii, None, ":", ",", False, False, True
    )
except (ImportError, TypeError):  # another Python, or a later one

    def dumps(value: Any) -> str:
        """Return a value as JSON without spaces."""
        import json

        return json.dumps(value, separators=(",", ":"))

    def loads(text: str) -> Any:
        """Return what JSON says; raises ValueError when it is none."""
        import json

        return json.loads(text)

else:

    def dumps(value: Any) -> str:
        """Return a value as JSON without spaces."""
        return "".join(_encode(value, 0))

    def loads(text: str) -> Any:
        """Return what JSON says; raises ValueError when it is none."""
        try:
            value, end = _scan(text, 0)
        except StopIteration:
            raise ValueError("this is no JSON") from None
        if end != len(text):
            raise ValueError("there is more than JSON")
        return value
