"""What a cell's code reads and makes, found in its syntax tree without running it.

The digest of a cell is that of its syntax tree: spaces, line breaks and comments do not count.
"""

import ast
import builtins
import io
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from mlnb.core.hashing import digest_bytes
from mlnb.execution.steps.scopes import Scope, free_names, names_in

_BUILTINS = frozenset(dir(builtins)) | {"get_ipython", "display", "__name__", "_", "__"}
_READERS = ("read", "load", "scan", "imread")


@dataclass(frozen=True)
class CellCode:
    """A cell, understood."""

    tree: ast.Module | None
    """None when the text is no Python."""
    digest: str
    reads: tuple[str, ...] = ()
    """Names that may be read before the cell assigns them, in their order."""
    assigns: tuple[str, ...] = ()
    """Names that the cell may assign."""
    changes: tuple[str, ...] = ()
    """Names whose objects the cell changes by assigning to their items or attributes."""
    calls: tuple[str, ...] = ()
    """Names of which a method is called for its effect alone: ``model.fit(…)``."""
    constants: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    """Texts that a reading function is called with."""
    stars: bool = False
    """Whether it imports ``*``, so that nobody knows what it assigns."""
    replayed: tuple[ast.stmt, ...] = field(default=(), repr=False)
    """Imports and plain definitions: cheaper and safer to execute again than to store."""
    makes: tuple[str, ...] = ()
    """Names that other statements than those assign."""


def understand(source: str) -> CellCode:
    """Read a cell's source, which may hold magics."""
    tree = parse(source)
    if tree is None:
        return CellCode(None, digest_bytes(source.strip().encode(errors="replace")))
    return of_tree(tree)


def of_tree(tree: ast.Module) -> CellCode:
    """Return a cell that is parsed already, understood."""
    walk = _Walk(tree)
    others = [node for node in tree.body if not _is_replayed(node)]
    made = _Walk(ast.Module(others, [])).assigned
    return CellCode(
        tree=tree,
        digest=digest_of(tree),
        reads=tuple(walk.reads),
        assigns=tuple(name for name in walk.assigned if name not in ("_", "__")),
        changes=tuple(walk.changes),
        calls=tuple(walk.calls),
        constants=frozenset(walk.constants),
        files=tuple(walk.files),
        stars=walk.stars,
        makes=tuple(name for name in made if name not in ("_", "__")),
        replayed=tuple(node for node in tree.body if _is_replayed(node)),
    )


def parse(source: str) -> ast.Module | None:
    """Return a cell's syntax tree; None when it is no Python even without its magics."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        pass
    # The package first: threads that came from both ends would meet in the middle.
    import_module("IPython")
    from IPython.core.inputtransformer2 import TransformerManager

    manager: Any = TransformerManager
    try:
        tree: ast.Module = ast.parse(manager().transform_cell(source))
    except (SyntaxError, ValueError):
        return None
    return tree


def digest_of(tree: ast.AST) -> str:
    """Return the digest of a syntax tree, wherever on which line it stands."""
    return digest_bytes(ast.dump(tree).encode(errors="replace"))


def comments(source: str) -> list[str]:
    """Return the texts of a cell's comments, without ``#``."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):  # magics; what stands alone in a line is still found
        lines = [line.strip() for line in source.splitlines()]
        return [line.lstrip("# ").strip() for line in lines if line.startswith("#")]
    return [t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT]


def _is_replayed(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        return not node.decorator_list and all(_is_literal(item) for item in defaults)
    if isinstance(node, ast.ClassDef):
        plain = not node.decorator_list and not node.keywords
        return plain and all(_is_replayed(item) or _is_field(item) for item in node.body)
    return False


def _is_field(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr | ast.AnnAssign | ast.Assign):
        return node.value is None or _is_literal(node.value)
    return isinstance(node, ast.Pass)


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return False
    return True


class _Walk:
    """Goes through a cell in the order in which it runs.

    What a function of the cell reads counts where the function is first used, and not where it is
    defined: by then the cell may have assigned it.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.reads: dict[str, None] = {}
        self.assigned: dict[str, None] = {}
        self.changes: dict[str, None] = {}
        self.calls: dict[str, None] = {}
        self.constants: set[str] = set()
        self.files: list[str] = []
        self.stars = False
        self._surely: set[str] = set()
        self._later: dict[str, list[Scope]] = {}
        self._collect(tree)
        self._block(tree.body)

    def _collect(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.constants.add(node.value)
            elif isinstance(node, ast.Call):
                self.files += _file_read(node)
            elif isinstance(node, ast.Global):
                self.assigned.update(dict.fromkeys(node.names))

    # -- statements ------------------------------------------------------------------------------

    def _block(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            self._statement(statement)

    def _maybe(self, *bodies: Iterable[ast.stmt]) -> None:
        """Go through bodies that may not run: what they assign is not sure to be."""
        before = set(self._surely)
        sure: set[str] | None = None
        for body in bodies:
            self._surely = set(before)
            self._block(body)
            sure = set(self._surely) if sure is None else sure & self._surely
        self._surely = before | (sure or set()) if len(bodies) > 1 else before

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                self._definition(node)
            case ast.Import() | ast.ImportFrom():
                for alias in node.names:
                    self.stars = self.stars or alias.name == "*"
                    self._assign(alias.asname or alias.name.partition(".")[0])
            case ast.If():
                self._expression(node.test)
                self._maybe(node.body, node.orelse)
            case ast.For() | ast.AsyncFor():
                self._expression(node.iter)
                self._maybe([_assignment(node.target), *node.body])
                self._maybe(node.orelse)
            case ast.While():
                self._expression(node.test)
                self._maybe(node.body)
                self._maybe(node.orelse)
            case ast.Try() | ast.TryStar():
                self._try(node)
            case ast.With() | ast.AsyncWith():
                for item in node.items:
                    self._expression(item.context_expr)
                    if item.optional_vars is not None:
                        self._target(item.optional_vars)
                self._block(node.body)
            case ast.Match():
                self._expression(node.subject)
                self._maybe(*[case.body for case in node.cases], [])
                for inner in ast.walk(node):
                    if isinstance(inner, ast.MatchAs | ast.MatchStar) and inner.name:
                        self.assigned[inner.name] = None
            case _:
                self._simple(node)

    def _simple(self, node: ast.stmt) -> None:
        match node:
            case ast.Assign():
                self._expression(node.value)
                for target in node.targets:
                    self._target(target)
            case ast.AugAssign():
                self._expression(node.value)
                self._expression(_loaded(node.target))
                self._target(node.target)
                if isinstance(node.target, ast.Name):
                    self.changes[node.target.id] = None
            case ast.AnnAssign():
                if node.value is not None:
                    self._expression(node.value)
                    self._target(node.target)
            case ast.Delete():
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self.assigned.pop(target.id, None)
                        self._surely.discard(target.id)
                    else:
                        self._target(target)
            case _:
                if isinstance(node, ast.Expr):
                    self._called(node.value)
                for child in ast.iter_child_nodes(node):
                    if isinstance(child, ast.expr):
                        self._expression(child)

    def _try(self, node: ast.Try | ast.TryStar) -> None:
        self._maybe(node.body)
        for handler in node.handlers:
            if handler.type is not None:
                self._expression(handler.type)
            before = set(self._surely)
            if handler.name:
                self._surely.add(handler.name)
            self._block(handler.body)
            self._surely = before
        self._maybe(node.orelse)
        self._block(node.finalbody)

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self._expression(decorator)
        if isinstance(node, ast.ClassDef):
            for item in (*node.bases, *(keyword.value for keyword in node.keywords)):
                self._expression(item)
        else:
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                self._expression(default)
        self._later.setdefault(node.name, []).append(node)
        if node.decorator_list or isinstance(node, ast.ClassDef):
            self._read(free_names(node))  # decorators may call it, a class's body runs at once
        self._assign(node.name)

    # -- expressions -----------------------------------------------------------------------------

    def _expression(self, node: ast.expr) -> None:
        for name in names_in(node):
            self._read([name])
        for inner in ast.walk(node):
            if isinstance(inner, ast.NamedExpr):
                self._assign(inner.target.id)

    def _read(self, names: Iterable[str]) -> None:
        waiting = list(names)
        while waiting:
            name = waiting.pop(0)
            for definition in self._later.pop(name, ()):
                waiting += free_names(definition)
            if name not in self._surely and name not in _BUILTINS:
                self.reads[name] = None

    def _called(self, node: ast.expr) -> None:
        value = node.value if isinstance(node, ast.Await) else node
        if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Attribute):
            return
        if (name := _root(value.func)) and name not in self._surely:
            self.calls[name] = None

    def _target(self, node: ast.expr) -> None:
        match node:
            case ast.Name(id=name):
                self._assign(name)
            case ast.Tuple(elts=inner) | ast.List(elts=inner):
                for item in inner:
                    self._target(item)
            case ast.Starred(value=value):
                self._target(value)
            case ast.Attribute() | ast.Subscript():
                self._expression(_loaded(node))
                if (root := _root(node)) and root not in self._surely:
                    self.changes[root] = None

    def _assign(self, name: str) -> None:
        self.assigned[name] = None
        self._surely.add(name)


def _file_read(node: ast.Call) -> list[str]:
    """Return the file that a call reads, when it is named in place."""
    name = getattr(node.func, "attr", getattr(node.func, "id", ""))
    where = node
    if name == "open":
        modes = [*node.args[1:2], *(item.value for item in node.keywords if item.arg == "mode")]
        if any(not (isinstance(m, ast.Constant) and str(m.value).startswith("r")) for m in modes):
            return []
    elif not name.startswith(_READERS):
        return []
    elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        where = node.func.value  # Path("a.csv").read_text()
    first = where.args[0] if where.args else None
    is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
    return [first.value] if is_text else []  # type: ignore[union-attr]  # looked at


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _loaded(node: ast.expr) -> ast.expr:
    """Return a target as an expression that reads it."""
    if isinstance(node, ast.Name):
        return ast.Name(node.id, ast.Load())
    if isinstance(node, ast.Subscript):
        return ast.Tuple([node.value, node.slice], ast.Load())
    return node.value if isinstance(node, ast.Attribute) else node


def _assignment(target: ast.expr) -> ast.Assign:
    """Return the assignment that a loop makes to its target."""
    return ast.Assign([target], ast.Constant(None))
