"""``${{ … }}`` in a pipeline file: references to values, compared and combined.

``params.NAME``, ``matrix.NAME``, ``steps.STEP.VALUE`` and, for what runs on failure, ``run.NAME``;
literals, ``==``, ``<``, ``in``, ``and``, ``or``, ``not``. An expression that is the whole text
keeps its type; within a text it becomes text.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mlnb.core.errors import InvalidPipeline

RUN = ("id", "error", "failed")
"""What can be asked of a run that has failed; ``failed`` lists the names of its failed steps."""
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)
_LITERAL = re.compile(r"""('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")""")
_CONSTANTS = {"true": True, "false": False, "null": None, "none": None}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
}


@dataclass(frozen=True)
class Reference:
    """What an expression asks for."""

    root: str
    """``params``, ``matrix``, ``steps`` or ``run``."""
    name: str
    value: str = ""
    """Glued value, for ``steps``."""


@dataclass(frozen=True)
class Scope:
    """Where the values of references come from."""

    params: Mapping[str, Any]
    matrix: Mapping[str, Any]
    step_value: Callable[[str, str], Any]
    """Called with step and value name."""
    run: Mapping[str, Any] = field(default_factory=dict)
    """How the run ended, by the names in `RUN`."""


def references(value: Any, steps: Iterable[str]) -> list[Reference]:
    """Return every reference in a value, however deep in lists and mappings.

    Raises
    ------
    InvalidPipeline
        If an expression cannot be read.
    """
    found: list[Reference] = []
    for text in _texts(value):
        for match in _EXPRESSION.finditer(text):
            tree = _parse(match[1], steps)
            found += _references(tree, match[0])
    return found


def evaluate(value: Any, scope: Scope, steps: Iterable[str]) -> Any:
    """Return a value with its expressions replaced.

    Raises
    ------
    InvalidPipeline
        If an expression cannot be computed from the values it finds.
    """
    if isinstance(value, Mapping):
        return {key: evaluate(item, scope, steps) for key, item in value.items()}
    if isinstance(value, list):
        return [evaluate(item, scope, steps) for item in value]
    if not isinstance(value, str):
        return value
    if (whole := _whole(value)) is not None:
        return _compute(whole, scope, steps)
    return _EXPRESSION.sub(lambda match: as_text(_compute(match[1], scope, steps)), value)


def condition(value: bool | str) -> bool | str:
    """Return a ``when`` as an expression; the ``${{ }}`` around all of it may be left out.

    Raises
    ------
    InvalidPipeline
        If it is text around expressions, which would be true whatever their values.
    """
    if isinstance(value, str) and not _EXPRESSION.search(value):
        return f"${{{{ {value} }}}}"
    if isinstance(value, str) and _whole(value) is None:
        raise InvalidPipeline(
            f"{value!r} is no single expression.", "Put ${{ }} around all of it, or leave it out."
        )
    return value


def is_reference(text: str) -> bool:
    """Tell whether a text is one ``${{ … }}`` with nothing but a reference in it."""
    whole = _whole(text)
    return whole is not None and _reference(_parse(whole, ())) is not None


def _whole(text: str) -> str | None:
    """Return what is within the ``${{ }}`` when there is one around all of a text."""
    match = _EXPRESSION.fullmatch(text.strip())
    return match[1] if match and "}}" not in match[1] else None


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []


def as_text(value: Any) -> str:
    """Return a value as it stands within a text."""
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _parse(text: str, steps: Iterable[str]) -> ast.expr:
    """Parse an expression; ``steps.NAME`` may have the hyphens and dots of a step's name."""
    word = _word(tuple(steps))
    parts = _LITERAL.split(text.strip())  # at odd positions the texts in quotes, which stay
    parts[::2] = [word.sub(r"steps['\1']", part) for part in parts[::2]]
    python = "".join(parts)
    try:
        return ast.parse(python, mode="eval").body
    except SyntaxError:
        raise InvalidPipeline(f"The expression ${{{{{text}}}}} cannot be read.", _FORMS) from None


@lru_cache(maxsize=64)
def _word(steps: tuple[str, ...]) -> re.Pattern[str]:
    """Return the pattern of ``steps.NAME``."""
    names = "|".join(re.escape(name) for name in sorted(steps, key=len, reverse=True))
    known = rf"(?:{names})(?![\w-])|" if names else ""
    return re.compile(rf"\bsteps\.({known}[\w-]+)")


_FORMS = (
    "Write params.NAME, matrix.NAME or steps.STEP.VALUE, compared and combined with and, or, not."
)


def _references(node: ast.expr, text: str) -> list[Reference]:
    if (reference := _reference(node)) is not None:
        return [reference]
    if isinstance(node, ast.Name) and node.id.lower() in _CONSTANTS:
        return []
    if isinstance(node, ast.Constant):
        return []
    allowed = (ast.BoolOp, ast.Compare, ast.List, ast.Tuple, ast.Subscript)
    negated = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub)
    if not isinstance(node, allowed) and not negated:
        raise InvalidPipeline(f"The expression {text} cannot be used here.", _FORMS)
    parts = [item for item in ast.iter_child_nodes(node) if isinstance(item, ast.expr)]
    return [found for part in parts for found in _references(part, text)]


def _reference(node: ast.expr) -> Reference | None:
    match node:
        case ast.Attribute(value=ast.Name(id=("params" | "matrix" | "run") as root), attr=name):
            return Reference(root, name)
        case ast.Attribute(
            value=ast.Subscript(value=ast.Name(id="steps"), slice=ast.Constant(value=str(name))),
            attr=value,
        ):
            return Reference("steps", name, value)
    return None


def _compute(text: str, scope: Scope, steps: Iterable[str]) -> Any:
    try:
        return _value(_parse(text, steps), scope)
    except (TypeError, LookupError) as error:
        raise InvalidPipeline(f"${{{{{text}}}}} cannot be computed: {error}.") from None


def _value(node: ast.expr, scope: Scope) -> Any:
    reference = _reference(node)
    if reference is not None:
        if reference.root == "steps":
            return scope.step_value(reference.name, reference.value)
        found = {"params": scope.params, "matrix": scope.matrix, "run": scope.run}
        return found[reference.root][reference.name]
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return _CONSTANTS[name.lower()]
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, scope) for item in items]
        case ast.Subscript(value=base, slice=index):
            return _value(base, scope)[_value(index, scope)]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, scope)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, scope)
        case ast.BoolOp(op=ast.And(), values=values):
            return all(_value(item, scope) for item in values)
        case ast.BoolOp(values=values):
            return any(_value(item, scope) for item in values)
        case ast.Compare(left=left, ops=ops, comparators=others):
            sides = [_value(item, scope) for item in (left, *others)]
            return all(
                _COMPARE[type(op)](a, b) for op, a, b in zip(ops, sides, sides[1:], strict=False)
            )
    raise LookupError("it has a part that is not allowed")
