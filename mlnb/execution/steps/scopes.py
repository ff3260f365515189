"""Which global names functions, classes and expressions use, by Python's rules of scopes."""

import ast
from collections.abc import Iterable, Iterator

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def free_names(node: Scope) -> list[str]:
    """Return the global names that a function or class of a cell uses inside, in their order."""
    return list(dict.fromkeys(_inside(node)))


def _inside(node: Scope) -> Iterator[str]:
    own: set[str] = set()
    declared: set[str] = set()
    body: list[ast.AST] = list(node.body) if isinstance(node.body, list) else [node.body]
    if not isinstance(node, ast.ClassDef):
        arguments = node.args
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        own |= {item.arg for item in [*every, arguments.vararg, arguments.kwarg] if item}
        for inner in _walk_scope(body):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store | ast.Del):
                own.add(inner.id)
            elif isinstance(inner, _DEFINITIONS):
                own.add(inner.name)
            elif isinstance(inner, ast.Import | ast.ImportFrom):
                own |= {item.asname or item.name.partition(".")[0] for item in inner.names}
            elif isinstance(inner, ast.ExceptHandler) and inner.name:
                own.add(inner.name)
            elif isinstance(inner, ast.Global):
                declared |= set(inner.names)
    own -= declared
    for inner in _walk_scope(body):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
            if inner.id not in own:
                yield inner.id
        elif isinstance(inner, ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (name for name in _inside(inner) if name not in own)


def _walk_scope(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of a scope, and the inner scopes themselves without what is in them."""
    waiting = list(body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if isinstance(node, ast.Lambda):
            waiting += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, _DEFINITIONS):
            waiting += node.decorator_list
            if isinstance(node, ast.ClassDef):
                waiting += node.bases
            else:
                waiting += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        else:
            waiting += ast.iter_child_nodes(node)


def names_in(node: ast.AST) -> Iterator[str]:
    """Yield the global names that an expression loads."""
    if isinstance(node, ast.Lambda):
        yield from free_names(node)
        for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
            yield from names_in(default)
        return
    if isinstance(node, _COMPREHENSIONS):
        own = {
            inner.id
            for generator in node.generators
            for inner in ast.walk(generator.target)
            if isinstance(inner, ast.Name)
        }
        for child in ast.iter_child_nodes(node):
            yield from (name for name in names_in(child) if name not in own)
        # the first iterable is evaluated outside, where its names are other ones
        yield from names_in(node.generators[0].iter)
        return
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from names_in(child)
