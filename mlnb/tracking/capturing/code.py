"""What the code of a run's cells says by itself: constants, and random seeds."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlnb.core.redaction import looks_secret

LONGEST = 500
"""A constant whose text is longer is data, and no parameter."""

_MAGIC = re.compile(r"^(\s*)(?:[%!?].*|[\w.,\s]+=\s*[%!].*|[^#'\"]*[\w)\]]\?{1,2})$")
_SEEDING = frozenset(
    [
        "seed",
        "manual_seed",
        "manual_seed_all",
        "set_seed",
        "seed_everything",
        "default_rng",
        "RandomState",
        "SeedSequence",
        "PRNGKey",
        "set_random_seed",
    ]
)
_SEEDS = frozenset(["random_state", "seed", "random_seed"])


def parsed(source: str) -> ast.Module | None:
    """Return a cell's code as a syntax tree, IPython's own lines left out; None if it is none."""
    lines = [_MAGIC.sub(r"\1pass", line) for line in source.splitlines()]
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    try:
        tree = compile("\n".join(lines), "<cell>", "exec", flags)
    except (SyntaxError, ValueError, RecursionError):
        return None
    return tree if isinstance(tree, ast.Module) else None


def constants(sources: Iterable[str]) -> dict[str, Any]:
    """Return the constants that cells assign: ``NAME = literal`` on the outermost level.

    A literal is a number (also a negative one), a text, a truth value, None, or a tuple, list,
    set or mapping of literals. Left out are names that the cell gives another value as well, that
    begin with ``_`` or say that they are secret, and texts longer than `LONGEST`. Of several
    cells the last counts.
    """
    found: dict[str, Any] = {}
    for source in sources:
        tree = parsed(source)
        if tree is None:
            continue
        for name, count in _bound(tree).items():
            if count > 1:
                found.pop(name, None)
        once = {name for name, count in _bound(tree).items() if count == 1}
        found.update((name, value) for name, value in _assigned(tree) if name in once)
    return found


def _assigned(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, value = statement.targets, statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, value = [statement.target], statement.value
        else:
            continue
        try:
            literal = ast.literal_eval(value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            continue
        for target in targets:
            for name, item in _pairs(target, literal):
                if not name.startswith("_") and not looks_secret(name) and len(str(item)) < LONGEST:
                    yield name, item


def _pairs(target: ast.expr, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif (
        isinstance(target, ast.Tuple | ast.List)
        and isinstance(value, tuple | list)
        and len(target.elts) == len(value)
    ):
        for inner, item in zip(target.elts, value, strict=True):
            yield from _pairs(inner, item)


def _bound(tree: ast.Module) -> dict[str, int]:
    """Return how often a cell gives each name a value, by whatever means."""
    counts: dict[str, int] = {}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
            names = [node.id]
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [(item.asname or item.name).partition(".")[0] for item in node.names]
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    return counts


def seeds(sources: Iterable[str], namespace: Mapping[str, Any]) -> list[str]:
    """Return the random seeds that cells give, as calls: ``np.random.seed(0)``, ``random_state=7``.

    A seed that is a variable is named with its value at the end: ``seed=SEED (42)``. What a
    library seeds by itself is not seen.
    """
    found: dict[str, None] = {}
    for source in sources:
        tree = parsed(source)
        for node in ast.walk(tree) if tree is not None else ():
            if not isinstance(node, ast.Call):
                continue
            function = ast.unparse(node.func)
            if function.rpartition(".")[2] in _SEEDING and node.args:
                value = _seed(node.args[0], namespace)
                if value:
                    found[f"{function}({value})"] = None
            for keyword in node.keywords:
                if keyword.arg in _SEEDS and (value := _seed(keyword.value, namespace)):
                    found[f"{keyword.arg}={value}"] = None
    return list(found)


def _seed(node: ast.expr, namespace: Mapping[str, Any]) -> str:
    """Return a seed as text; ``""`` for None and for what is no whole number."""
    if isinstance(node, ast.Name):
        value = namespace.get(node.id)
        return f"{node.id} ({value})" if _is_seed(value) else ""
    try:
        literal = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return ""
    return str(literal) if _is_seed(literal) else ""


def _is_seed(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return bool(value) and all(_is_seed(item) for item in value)
    return isinstance(value, int) and not isinstance(value, bool)
