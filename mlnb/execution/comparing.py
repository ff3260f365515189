"""Whether a cell's outputs are those that the notebook holds: as nbval compares, with sense.

Numbers may differ in their last digits wherever they stand, in printed text, a table of a
DataFrame or JSON; pictures may differ as two drawings of the same thing do; addresses in memory,
the number of the process and the times that ``%time`` prints do not count.
"""

import base64
import difflib
import json
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Output = dict[str, Any]

_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w])")
_PASSING = (
    (re.compile(r"0x[0-9a-fA-F]+"), "0x…"),
    (re.compile(r"ipykernel_\d+/\d+\.py"), "ipykernel/….py"),
    (re.compile(r"(?m)^(?:CPU times|Wall time|Peak memory).*$"), "…"),
    (re.compile(r"(?m)\b\d[\d.]* [nµmμ]?s ± .*$"), "…"),
)
_SKIPPED = ("application/vnd.jupyter.widget-view+json", "text/latex")
_PICTURE = 0.02
"""Mean difference of two pictures, of the whole range, that is none."""


@dataclass(frozen=True)
class Rules:
    """How outputs are compared."""

    tolerance: float = 1e-6
    """Relative difference of two numbers that is none."""
    replaced: Sequence[tuple[re.Pattern[str], str]] = ()
    """What is replaced in text before it is compared, as nbval's ``--sanitize-with`` has it."""


def difference(held: Sequence[Output], made: Sequence[Output], rules: Rules) -> str:
    """Say how the outputs of a run differ from those held; ``""`` when they do not.

    As in nbval, only the order among outputs of the same kind counts.
    """
    before, after = _by_kind(held), _by_kind(made)
    for kind in [*before, *(kind for kind in after if kind not in before)]:
        old, new = before.get(kind, []), after.get(kind, [])
        if len(old) != len(new):
            return f"{kind}: {len(new)} instead of {len(old)}"
        for was, now in zip(old, new, strict=True):
            if found := _different(kind, was, now, rules):
                return f"{kind}: {found}"
    return ""


def _by_kind(outputs: Sequence[Output]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            name = str(output["name"])
            found[name] = ["".join([*found[name], _text(output["text"])])]
        elif kind == "error":
            found["error"].append(f"{output['ename']}: {output['evalue']}")
        else:
            for mime, value in output.get("data", {}).items():
                if mime not in _SKIPPED:
                    found[mime].append(_text(value))
    return found


def _text(value: Any) -> Any:
    pieces = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return "".join(value) if pieces else value


def _different(kind: str, was: Any, now: Any, rules: Rules) -> str:
    if was == now:
        return ""
    if kind.startswith("image/") and kind != "image/svg+xml":
        return _picture(was, now)
    if isinstance(was, str) and isinstance(now, str):
        return _words(_clean(was, rules), _clean(now, rules), rules.tolerance)
    return "" if _same(was, now, rules.tolerance) else _excerpt(json.dumps(was), json.dumps(now))


def _clean(text: str, rules: Rules) -> str:
    for pattern, instead in (*rules.replaced, *_PASSING):
        text = pattern.sub(instead, text)
    return text


def _words(was: str, now: str, tolerance: float) -> str:
    """Compare text: numbers as numbers, the rest as it stands, spaces of columns aside."""
    if was == now:
        return ""
    old, new = _NUMBER.split(was), _NUMBER.split(now)
    same_words = [part.split() for part in old] == [part.split() for part in new]
    if same_words and all(
        _close(float(one), float(two), tolerance)
        for one, two in zip(_NUMBER.findall(was), _NUMBER.findall(now), strict=True)
    ):
        return ""
    return _excerpt(was, now)


def _close(one: float, two: float, tolerance: float) -> bool:
    return math.isclose(one, two, rel_tol=tolerance, abs_tol=tolerance * 1e-3)


def _same(was: Any, now: Any, tolerance: float) -> bool:
    if isinstance(was, dict) and isinstance(now, dict):
        return was.keys() == now.keys() and all(_same(was[k], now[k], tolerance) for k in was)
    if isinstance(was, list) and isinstance(now, list):
        pairs = zip(was, now, strict=False)
        return len(was) == len(now) and all(_same(one, two, tolerance) for one, two in pairs)
    if isinstance(was, float) or isinstance(now, float):
        numbers = isinstance(was, int | float) and isinstance(now, int | float)
        return numbers and _close(float(was), float(now), tolerance)
    return bool(was == now)


def _picture(was: str, now: str) -> str:
    """Compare two pictures by their points; without Pillow, only whether both are there."""
    try:
        from io import BytesIO

        from PIL import Image, ImageChops, ImageStat
    except ImportError:
        return ""
    try:
        old, new = (
            Image.open(BytesIO(base64.b64decode(data))).convert("RGB") for data in (was, now)
        )
    except (OSError, ValueError) as error:
        return f"it is no picture ({error})"
    if old.size != new.size:
        return f"{new.size[0]} × {new.size[1]} points instead of {old.size[0]} × {old.size[1]}"
    mean = sum(ImageStat.Stat(ImageChops.difference(old, new)).mean) / 3 / 255
    return f"the pictures differ by {mean:.1%}" if mean > _PICTURE else ""


def _excerpt(was: str, now: str) -> str:
    """Show the lines that differ, a few of them."""
    lines = difflib.unified_diff(
        was.splitlines(), now.splitlines(), "held", "made", lineterm="", n=0
    )
    shown = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    more = f"\n… {len(shown) - 8} more lines" if len(shown) > 8 else ""
    return "\n".join(line[:200] for line in shown[:8]) + more
