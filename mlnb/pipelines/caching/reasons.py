"""Why a step has no stored result: what has changed since the last time, in words."""

import json
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import Any

from mlnb.core.errors import MlnbError
from mlnb.core.project import Project
from mlnb.pipelines.caching.keys import StepKey

NEVER = "it has no result yet"
_LISTED = 4


def why(project: Project, key: StepKey, before: str) -> str:
    """Say why there is no stored result for a key.

    Parameters
    ----------
    project : Project
        Whose store has the parts of earlier keys.
    key : StepKey
        The present key.
    before : str
        The key that the step had in the run before; ``""`` when there was none.
    """
    if not before:
        return NEVER
    if before == key.digest:
        return "its result is not in the store any more, or it did not finish"
    try:
        old = json.loads(project.store.get(before))
    except (MlnbError, ValueError):
        return NEVER
    found = changes(project, old, key)
    shown = "; ".join(found[:_LISTED])
    return f"{shown}; and more" if len(found) > _LISTED else shown or "it is made otherwise now"


def changes(project: Project, old: Mapping[str, Any], key: StepKey) -> list[str]:
    """Return what differs between the parts of an earlier key and the present one, in words."""
    new = key.parts
    found = _cells(old.get("cells", []), key)
    found += _values("parameter", old, new, "parameters")
    found += _values("input", old, new, "inputs", shown=_version)
    found += _values("value", old, new, "needs")
    found += _files("module", old, new, "modules")
    found += _files("environment:", old, new, "lock")
    found += _values("environment:", old, new, "libraries", shown=str)
    found += _values("variable", old, new, "variables")
    if old.get("environment") != new.get("environment"):
        found += _packages(project, str(old.get("environment", "")), key)
    for name in ("kind", "language", "kernel", "cwd", "function", "step"):
        if old.get(name) != new.get(name):
            found.append(f"{name} {old.get(name, 'none')} → {new.get(name, 'none')}")
    for name in ("outputs", "secrets"):
        if old.get(name) != new.get(name):
            found.append(f"its declared {name} changed")
    if old.get("python") != new.get("python"):
        found.append(f"environment: Python {old.get('python')} → {new.get('python')}")
    if old.get("format") != new.get("format"):
        found.append("mlnb makes keys otherwise now")
    return found


def _cells(old: list[str], key: StepKey) -> list[str]:
    """Name the cells that were changed, added or removed, by their numbers in the notebook."""
    new, numbers = key.code.cells, key.code.numbers
    if key.parts["kind"] != "notebook":
        return [f"the {key.parts['kind']} changed"] if old != new else []
    found = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        changed = min(j - i, m - k)
        found += [f"cell {numbers[n]} changed" for n in range(k, k + changed)]
        found += [f"cell {numbers[n]} was added" for n in range(k + changed, m)]
        if j - i > changed:
            count = j - i - changed
            found.append("a cell was removed" if count == 1 else f"{count} cells were removed")
    return found


def _values(
    word: str,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    name: str,
    *,
    shown: Any = None,
) -> list[str]:
    before, after = old.get(name, {}), new.get(name, {})
    show = shown or _text
    found = []
    for item in [*after, *(key for key in before if key not in after)]:
        if before.get(item) == after.get(item):
            continue
        if item not in before:
            found.append(f"{word} {item} is new")
        elif item not in after:
            found.append(f"{word} {item} is gone")
        else:
            pair = show(before[item]), show(after[item])
            arrow = f": {pair[0]} → {pair[1]}" if all(pair) and pair[0] != pair[1] else " changed"
            found.append(f"{word} {item}{arrow}")
    return found


def _files(word: str, old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> list[str]:
    return _values(word, old, new, name, shown=lambda _digest: "")


def _text(value: str) -> str:
    return "" if value.startswith(("secret:", "digest:")) else value


def _version(value: str) -> str:
    """Return ``flights@3`` of ``flights@3 DIGEST``; a file's digest is nothing to show."""
    name = value.split(" ")[0]
    return name if "@" in name else ""


def _packages(project: Project, old: str, key: StepKey) -> list[str]:
    try:
        before = {"packages": json.loads(project.store.get(old))} if old else {}
        after = {"packages": json.loads(key.listing)} if key.listing else {}
    except (MlnbError, ValueError):
        return ["the environment changed"]
    found = _values("environment:", before, after, "packages", shown=str)
    if not found or len(found) > 2 * _LISTED:
        return ["the environment changed"]
    return found
