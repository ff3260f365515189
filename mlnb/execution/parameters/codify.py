"""The source of the injected cell: papermill's form, and types that papermill has no form for."""

import ast
import datetime
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlnb.execution.parameters.binding import Given

TITLE = "# Parameters"


def codify(given: "Given") -> str:
    """Return Python that assigns the given values; ``""`` when there are none."""
    annotations = {name: item.annotation for name, item in given.declared.items()}
    lines = [
        f"{name} = {_Writer(annotations.get(name, '')).code(value)}"
        for name, value in given.values.items()
    ]
    if given.secrets:
        lines.append("from mlnb import Secret")
        lines += [f'{name} = Secret.from_environment("{name}")' for name in given.secrets]
    return "\n".join([TITLE, *lines, ""]) if lines else ""


class _Writer:
    """Writes a value of one parameter.

    A class such as ``date`` is called by the name that the annotation calls it by, which the
    parameters cell has imported; where the annotation does not name it, by an import in place,
    which changes no name of the notebook's.
    """

    def __init__(self, annotation: str) -> None:
        self._names: dict[str, str] = {}
        try:
            tree = ast.parse(annotation or "None", mode="eval")
        except SyntaxError:
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute):
                name = node.id if isinstance(node, ast.Name) else node.attr
                self._names.setdefault(name, ast.unparse(node))

    def code(self, value: Any) -> str:
        """Return an expression for a value."""
        if value is None or isinstance(value, bool):
            return str(value)
        if isinstance(value, float):
            return str(value) if math.isfinite(value) else f"float('{value}')"
        if isinstance(value, int):
            return str(int(value))
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, Mapping):
            items = [f"{self.code(key)}: {self.code(item)}" for key, item in value.items()]
            return "{" + ", ".join(items) + "}"
        if isinstance(value, list | tuple | set | frozenset):
            return self._collection(value)
        if isinstance(value, PurePath):
            return f"{self._class('pathlib', 'Path')}({_text(value.as_posix())})"
        return self._call(value)

    def _collection(self, value: Any) -> str:
        inner = ", ".join(self.code(item) for item in value)
        if isinstance(value, list):
            return f"[{inner}]"
        if isinstance(value, tuple):
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if isinstance(value, frozenset):
            return f"frozenset([{inner}])"
        return f"{{{inner}}}" if value else "set()"

    def _call(self, value: Any) -> str:
        kind = type(value).__name__
        if isinstance(value, datetime.datetime | datetime.date | datetime.time):
            return f"{self._class('datetime', kind)}.fromisoformat({_text(value.isoformat())})"
        if isinstance(value, datetime.timedelta):
            seconds = value.total_seconds()
            return f"{self._class('datetime', kind)}(seconds={seconds!r})"
        # Decimal and UUID: their text is what they are made from
        return f"{self._class(type(value).__module__, kind)}({_text(str(value))})"

    def _class(self, module: str, name: str) -> str:
        return self._names.get(name) or f"__import__({_text(module)}).{name}"


def _text(value: str) -> str:
    """Return text quoted as papermill does."""
    escaped = value.encode("unicode_escape").decode().replace('"', r"\"")
    return f'"{escaped}"'
