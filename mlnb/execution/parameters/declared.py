"""What a notebook declares, read from the source of its parameters cell.

A Python cell is read as a syntax tree: every assignment to a name is a parameter, its annotation
(or type comment) is its type, the comment on its last line or above it is its help. Cells of other
languages are left to papermill's translators.
"""

import ast
import io
import json
import re
import tokenize
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from mlnb.core import project
from mlnb.core.errors import InvalidNotebook
from mlnb.core.records import Record
from mlnb.execution import notebooks

TAG = "parameters"
_TYPE_COMMENT = re.compile(r"type:\s*(?P<type>[^\s#]+(?:\[[^#\]]*\])?)\s*#?\s*(?P<help>.*)")


@dataclass(frozen=True, kw_only=True)
class Parameter(Record):
    """One declared parameter."""

    name: str
    default: str
    """Source text; empty for a secret's."""
    annotation: str = ""
    """Source text, ``""`` when there is none."""
    help: str = ""
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class NotebookParameters(Record):
    """The parameters of a notebook."""

    notebook: str
    """Relative to the project."""
    parameters: list[Parameter] = field(default_factory=list)
    problem: str = ""
    """Why the cell cannot be executed; its parameters are then those that papermill makes out."""

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of an object with values for these parameters."""
        from mlnb.execution.parameters import types

        properties: dict[str, Any] = {}
        for item in self.parameters:
            shape = types.schema(item.annotation)
            if item.help:
                shape["description"] = item.help
            if not item.secret:
                shape |= _default(item.default)
            properties[item.name] = shape
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": self.notebook,
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
        }


def read(notebook: Path) -> list[Parameter]:
    """Return the parameters that a notebook declares; none when it has no such cell.

    Raises
    ------
    MissingNotebook, InvalidNotebook
        If the notebook, or its parameters cell, cannot be read.
    """
    return of(notebooks.read(notebook))


def describe(notebook: Path | str) -> NotebookParameters:
    """Return the parameters of a notebook file, with their JSON Schema.

    Raises
    ------
    MissingNotebook, InvalidNotebook
        If it is no notebook.
    """
    found = notebooks.read(Path(notebook))
    shown = project.current().relative(found.path)
    try:
        return NotebookParameters(notebook=shown, parameters=of(found))
    except InvalidNotebook as error:
        position = found.tagged(TAG) or 0
        guessed = _by_papermill(notebooks.source_of(found.cells[position]), "python", "")
        return NotebookParameters(notebook=shown, parameters=guessed, problem=error.message)


def of(notebook: notebooks.Notebook | Path | str) -> list[Parameter]:
    """Return the parameters of a notebook, given as its path or read already."""
    if not isinstance(notebook, notebooks.Notebook):
        notebook = notebooks.read(Path(notebook))
    position = notebook.tagged(TAG)
    if position is None:
        return []
    source = notebooks.source_of(notebook.cells[position])
    kernel = notebook.metadata.get("kernelspec", {})
    information = notebook.metadata.get("language_info", {})
    language = str(information.get("name") or kernel.get("language") or "python").lower()
    if language not in ("python", "ipython"):
        return _by_papermill(source, language, str(kernel.get("name", "")))
    try:
        return of_python(source)
    except SyntaxError as error:
        raise InvalidNotebook(
            project.current().relative(notebook.path),
            f"its parameters cell (cell {position + 1}) is no valid Python: {error.msg}",
        ) from None


def of_python(source: str) -> list[Parameter]:
    """Return the parameters that a cell's source declares.

    Raises
    ------
    SyntaxError
        If it is no Python.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        # The package first: threads that came from both ends would meet in the middle.
        import_module("IPython")
        from IPython.core.inputtransformer2 import TransformerManager

        manager: Any = TransformerManager
        source = manager().transform_cell(source)  # the cell may hold magics
        tree = ast.parse(source)
    comments = _Comments(source)
    found: dict[str, Parameter] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            targets, annotation = statement.targets, ""
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets, annotation = [statement.target], ast.unparse(statement.annotation)
        else:
            continue
        assert statement.value is not None  # noqa: S101  (both branches have one)
        kind, text = comments.of(statement)
        default = ast.get_source_segment(source, statement.value) or ""
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = _parameter(target.id, default, annotation or kind, text)
    return list(found.values())


def _parameter(name: str, default: str, annotation: str, text: str) -> Parameter:
    from mlnb.execution.parameters import types

    secret = types.is_secret(annotation)
    return Parameter(
        name=name,
        default="" if secret else default,
        annotation=annotation,
        help=text,
        secret=secret,
    )


class _Comments:
    """The comments of a cell, by the statements they belong to."""

    def __init__(self, source: str) -> None:
        self._beside: dict[int, str] = {}
        self._alone: dict[int, str] = {}
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                is_alone = not token.line[: token.start[1]].strip()
                kept = self._alone if is_alone else self._beside
                kept[token.start[0]] = token.string.lstrip("# ").strip()

    def of(self, statement: ast.stmt) -> tuple[str, str]:
        """Return the type that a statement's comments give, and its help."""
        text = self._beside.get(statement.end_lineno or statement.lineno, "")
        kind = ""
        if match := _TYPE_COMMENT.fullmatch(text):
            kind, text = match["type"], match["help"].strip()
        return kind, text or self._above(statement.lineno)

    def _above(self, line: int) -> str:
        lines: list[str] = []
        while (line := line - 1) in self._alone:
            lines.insert(0, self._alone[line])
        text = " ".join(lines).strip()
        return "" if text.lower() == TAG else text  # the heading that papermill writes


def _default(source: str) -> dict[str, Any]:
    """Return a literal default as JSON Schema has it; nothing when only running it would tell."""
    try:
        value = ast.literal_eval(source)
        json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, SyntaxError):
        return {}
    return {"default": value}


def _by_papermill(source: str, language: str, kernel: str) -> list[Parameter]:
    notebooks.import_nbformat()
    from papermill.exceptions import PapermillException
    from papermill.translators import papermill_translators

    try:
        found = papermill_translators.find_translator(kernel, language).inspect({"source": source})
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
