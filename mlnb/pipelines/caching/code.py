"""The code of a step, read without running it: what it is, imports, and says that it reads."""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from mlnb.core.hashing import digest_bytes
from mlnb.execution import notebooks
from mlnb.execution.selection import ALWAYS_SKIPPED
from mlnb.execution.steps import code as codes
from mlnb.execution.steps import modules

_NOT_RUN = frozenset({ALWAYS_SKIPPED, "skip-execution"})
_COUNTED = ("parameters", "raises-exception")
"""Tags that change what a cell does; all others are metadata."""
_PYTHON_MAGICS = frozenset({"capture", "prun", "step", "time", "timeit", "track"})
"""Cell magics whose body is Python; the text of any other one counts as it is."""
_SHELL = re.compile(r"^\s*(?:[\w, ]+=\s*)?[%!]{1,2}(.*)$", re.MULTILINE)
_INPUTS = re.compile(r"\binputs\b")


@dataclass
class StepCode:
    """The code of a notebook, a script or a function."""

    language: str = "python"
    cells: list[str] = field(default_factory=list)
    """A digest for each cell that is executed and has code in it."""
    numbers: list[int] = field(default_factory=list)
    """What these cells are called: their positions in the notebook, from 1."""
    imports: list[str] = field(default_factory=list)
    constants: set[str] = field(default_factory=set)
    files: list[str] = field(default_factory=list)
    """Names of files that it seems to read, as it says them."""
    asks_inputs: bool = False
    """Whether it may ask for ``mlnb.inputs``."""


def of_notebook(path: Path) -> StepCode:
    """Read the code of a notebook."""
    notebook = notebooks.read(path)
    found = StepCode(language=_language(notebook.metadata))
    for number, cell in enumerate(notebook.cells, start=1):
        tags = set(cell.get("metadata", {}).get("tags", ()))
        source = notebooks.source_of(cell)
        if cell["cell_type"] != "code" or not source.strip() or tags & _NOT_RUN:
            continue
        counted = "".join(f"+{tag}" for tag in _COUNTED if tag in tags)
        if found.language == "python":
            part = _of_cell(source)
            if part is None:
                continue
            digest = part.cells[0]
            found.imports += part.imports
            found.constants |= part.constants
            found.files += part.files
            found.asks_inputs = found.asks_inputs or part.asks_inputs
        else:  # other languages are not understood: their text counts
            digest = digest_bytes(source.rstrip().encode(errors="replace"))
            found.asks_inputs = True
        found.cells.append(digest + counted)
        found.numbers.append(number)
    return found


def of_file(path: Path) -> StepCode:
    """Read the code of a Python file."""
    data = path.read_bytes()
    try:
        part = _of_tree(ast.parse(data))
    except (SyntaxError, ValueError):
        part = StepCode(cells=[digest_bytes(data)])
    part.asks_inputs = bool(_INPUTS.search(data.decode(errors="replace")))
    part.numbers = [1]
    return part


def asks_inputs(root: Path, files: Iterable[str]) -> bool:
    """Tell whether modules of the project may ask for ``mlnb.inputs``."""
    return any(
        _INPUTS.search((root / file).read_text(encoding="utf-8", errors="replace"))
        for file in files
    )


@lru_cache(maxsize=4096)
def _of_cell(source: str) -> StepCode | None:
    """Read one cell; None when there is no code in it, only comments."""
    head, _, rest = source.partition("\n")
    name = head[2:].split()[0] if head.startswith("%%") and head[2:].split() else ""
    if name and name not in _PYTHON_MAGICS:
        text = source.rstrip().encode(errors="replace")
        return StepCode(cells=[digest_bytes(text)], files=_words(source), asks_inputs=True)
    body = rest if name else source
    tree = codes.parse(body)
    if tree is None:
        text = source.strip().encode(errors="replace")
        return StepCode(cells=[digest_bytes(text)], files=_words(source), asks_inputs=True)
    if not tree.body and not name:
        return None
    part = _of_tree(tree)
    if name:
        part.cells = [digest_bytes(f"{head.strip()}\n{part.cells[0]}".encode(errors="replace"))]
    part.files += _words(source)
    part.asks_inputs = bool(_INPUTS.search(source))
    return part


def _of_tree(tree: ast.Module) -> StepCode:
    understood = codes.of_tree(tree)
    return StepCode(
        cells=[understood.digest],
        imports=modules.imports_of(tree),
        constants=set(understood.constants),
        files=list(understood.files),
    )


def _words(source: str) -> list[str]:
    """Return the words of lines for the shell and for magics: some may be files."""
    if "%" not in source and "!" not in source:
        return []
    return [word.strip("'\"") for line in _SHELL.findall(source) for word in line.split()]


def _language(metadata: Mapping[str, Any]) -> str:
    own = metadata.get("kernelspec", {}).get("language")
    name = str(metadata.get("language_info", {}).get("name") or own or "python").lower()
    return "python" if name.startswith(("python", "ipython")) else name
