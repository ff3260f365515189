"""The parameters of a notebook: what the cell tagged ``parameters`` declares, with types.

A Python cell is read as a syntax tree: every assignment to a name is a parameter, its annotation
is its type, the comment on its last line is its help. Cells of other languages are left to
papermill's translators.
"""

import ast
import io
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from mlnb.core import project
from mlnb.core.errors import InvalidNotebook, InvalidParameter, UnknownParameter
from mlnb.core.records import Record
from mlnb.execution import notebooks

TAG = "parameters"


@dataclass(frozen=True, kw_only=True)
class Parameter(Record):
    """One declared parameter."""

    name: str
    default: str
    """Source text."""
    annotation: str = ""
    """Source text, ``""`` when there is none."""
    help: str = ""


def read(notebook: Path) -> list[Parameter]:
    """Return the parameters that a notebook declares; none when it has no such cell.

    Raises
    ------
    MissingNotebook, InvalidNotebook
        If the notebook, or its parameters cell, cannot be read.
    """
    return of(notebooks.read(notebook))


def of(notebook: notebooks.Notebook) -> list[Parameter]:
    """Return the parameters of a notebook that is read already."""
    position = notebook.tagged(TAG)
    if position is None:
        return []
    source = notebooks.source_of(notebook.cells[position])
    _, language = notebooks.kernel_for(notebook)
    if language != "python":
        return _by_papermill(source, language)
    try:
        return _of_python(source)
    except SyntaxError as error:
        raise InvalidNotebook(
            project.current().relative(notebook.path),
            f"its parameters cell (cell {position + 1}) is no valid Python: {error.msg}",
        ) from None


def check(notebook: Path, given: Mapping[str, Any]) -> None:
    """Check values against the declared parameters.

    Raises
    ------
    UnknownParameter
        If the notebook declares no parameter of that name.
    InvalidParameter
        If a value does not fit its annotation.
    """
    check_values(notebook, read(notebook), given)


def check_values(notebook: Path, declared: list[Parameter], given: Mapping[str, Any]) -> None:
    """Check values against parameters that are read already."""
    check_names(notebook, declared, given)
    where = project.current().relative(notebook)
    by_name = {parameter.name: parameter for parameter in declared}
    for name, value in given.items():
        kind = _type_of(by_name[name].annotation)
        if kind is Any:
            continue
        try:
            TypeAdapter(kind, config=ConfigDict(strict=True)).validate_python(value)
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidParameter(
                name, value, f"{first['msg']} ({name}: {by_name[name].annotation})", where
            ) from None


def check_names(notebook: Path, declared: list[Parameter], names: Iterable[str]) -> None:
    """Check that parameters are declared; their values may not be known yet."""
    known = [parameter.name for parameter in declared]
    for name in names:
        if name not in known:
            raise UnknownParameter(name, known, project.current().relative(notebook))


def _of_python(source: str) -> list[Parameter]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        from IPython.core.inputtransformer2 import TransformerManager

        manager: Any = TransformerManager
        source = manager().transform_cell(source)  # the cell may hold magics
        tree = ast.parse(source)
    comments = _comments(source)
    found: dict[str, Parameter] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, annotation = statement.targets, ""
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, annotation = [statement.target], ast.unparse(statement.annotation)
        else:
            continue
        assert statement.value is not None  # noqa: S101  (both branches have one)
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = Parameter(
                    name=target.id,
                    default=ast.get_source_segment(source, statement.value) or "",
                    annotation=annotation,
                    help=comments.get(statement.end_lineno or statement.lineno, ""),
                )
    return list(found.values())


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _by_papermill(source: str, language: str) -> list[Parameter]:
    notebooks.import_nbformat()
    from papermill.exceptions import PapermillException
    from papermill.translators import papermill_translators

    try:
        found = papermill_translators.find_translator("", language).inspect({"source": source})
    except (PapermillException, NotImplementedError):
        return []
    return [
        Parameter(
            name=item.name,
            default=item.default,
            annotation="" if item.inferred_type_name == "None" else item.inferred_type_name,
            help=item.help,
        )
        for item in found
    ]


_TYPES: dict[str, Any] = {
    "int": int,
    "float": float,
    "str": str,
    "bool": bool,
    "list": list[Any],
    "List": list[Any],
    "dict": dict[str, Any],
    "Dict": dict[str, Any],
    "None": None,
}


def _type_of(annotation: str) -> Any:
    """Return the type that an annotation names; Any for what YAML values have no type for."""
    if not annotation:
        return Any
    try:
        return _type_of_node(ast.parse(annotation, mode="eval").body)
    except SyntaxError:
        return Any


def _type_of_node(node: ast.expr) -> Any:
    match node:
        case ast.Name(id=name):
            return _TYPES.get(name, Any)
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str() as text):
            return _type_of(text)
        case ast.Attribute(attr=name):
            return _TYPES.get(name, Any)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return _either([_type_of_node(left), _type_of_node(right)])
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _generic(name, inner.elts if isinstance(inner, ast.Tuple) else [inner])
    return Any


def _generic(name: str, inner: list[ast.expr]) -> Any:
    if name == "Literal":
        values = tuple(item.value for item in inner if isinstance(item, ast.Constant))
        return Literal[values] if len(values) == len(inner) else Any
    kinds = [_type_of_node(item) for item in inner]
    if name in ("list", "List") and len(kinds) == 1:
        return list[kinds[0]]  # type: ignore[valid-type]  # built at run time
    if name in ("dict", "Dict") and len(kinds) == 2:
        return dict[str, kinds[1]]  # type: ignore[valid-type]  # built at run time
    if name == "Optional" and len(kinds) == 1:
        return _either([*kinds, None])
    return _either(kinds) if name == "Union" else Any


def _either(kinds: list[Any]) -> Any:
    return Any if Any in kinds or set(kinds) == {None} else reduce(or_, kinds)
