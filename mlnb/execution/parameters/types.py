"""From the text of an annotation to a type that values can be checked against.

The annotation is read, not evaluated: nothing of the notebook runs. What is not known here (a
class of the notebook's own) means that any value will do.
"""

import ast
import datetime
import decimal
import pathlib
import uuid
from functools import cache, reduce
from operator import or_
from typing import Any, Literal

from mlnb.execution.parameters.secret import Secret

_PLAIN: dict[str, Any] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "None": None,
    "date": datetime.date,
    "datetime": datetime.datetime,
    "time": datetime.time,
    "timedelta": datetime.timedelta,
    "Path": pathlib.Path,
    "PosixPath": pathlib.Path,
    "Decimal": decimal.Decimal,
    "UUID": uuid.UUID,
    "Secret": Secret,
    "list": list[Any],
    "List": list[Any],
    "Sequence": list[Any],
    "dict": dict[str, Any],
    "Dict": dict[str, Any],
    "Mapping": dict[str, Any],
    "tuple": tuple[Any, ...],
    "Tuple": tuple[Any, ...],
    "set": set[Any],
    "Set": set[Any],
    "frozenset": frozenset[Any],
}
_LISTS = ("list", "List", "Sequence", "Iterable", "Collection")
_SETS = ("set", "Set")
_DICTS = ("dict", "Dict", "Mapping")


def is_secret(annotation: str) -> bool:
    """Tell whether an annotation says that the value is a secret (or None)."""
    if "Secret" not in annotation:
        return False
    found = of(annotation)
    return found is Secret or Secret in getattr(found, "__args__", ())


@cache
def of(annotation: str) -> Any:
    """Return the type that an annotation names; Any when it is not known here."""
    if not annotation:
        return Any
    try:
        return _of_node(ast.parse(annotation, mode="eval").body)
    except SyntaxError:
        return Any


def schema(annotation: str) -> dict[str, Any]:
    """Return the JSON Schema of an annotation's values."""
    kind = of(annotation)
    if is_secret(annotation):
        return {"type": "string", "format": "password", "writeOnly": True}
    if kind is Any:
        return {}
    from pydantic import TypeAdapter

    return dict(TypeAdapter(kind).json_schema())


def _of_node(node: ast.expr) -> Any:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return _PLAIN.get(name, Any)
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str() as text):
            return of(text)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _either([_of_node(left), _of_node(right)])
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _generic(name, inner.elts if isinstance(inner, ast.Tuple) else [inner])
    return Any


def _generic(name: str, inner: list[ast.expr]) -> Any:
    if name == "Literal":
        return _literal(inner)
    if name in ("tuple", "Tuple"):
        return _tuple(inner)
    kinds = [_of_node(item) for item in inner]
    if name in _LISTS and len(kinds) == 1:
        return list[kinds[0]]  # type: ignore[valid-type]  # built at run time
    if name in _SETS and len(kinds) == 1:
        return set[kinds[0]]  # type: ignore[valid-type]  # built at run time
    if name in _DICTS and len(kinds) == 2:
        return dict[kinds[0], kinds[1]]  # type: ignore[valid-type]  # built at run time
    if name in ("Final", "ClassVar", "Annotated") and kinds:
        return kinds[0]
    if name == "Optional" and len(kinds) == 1:
        return _either([*kinds, None])
    return _either(kinds) if name == "Union" else Any


def _literal(inner: list[ast.expr]) -> Any:
    values = []
    for item in inner:
        try:
            values.append(ast.literal_eval(item))
        except ValueError:
            return Any
    return Literal[tuple(values)] if values else Any


def _tuple(inner: list[ast.expr]) -> Any:
    last = inner[-1] if inner else None
    if len(inner) == 2 and isinstance(last, ast.Constant) and last.value is ...:
        return tuple[_of_node(inner[0]), ...]  # type: ignore[misc]  # built at run time
    return tuple[tuple(_of_node(item) for item in inner)]  # type: ignore[misc]  # built at run time


def _either(kinds: list[Any]) -> Any:
    return Any if Any in kinds or set(kinds) == {None} else reduce(or_, kinds)
