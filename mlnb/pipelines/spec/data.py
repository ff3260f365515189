"""What a step reads and makes: datasets of the project, and files beside the pipeline file."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Literal

from mlnb.core.errors import InvalidPipeline, MlnbError
from mlnb.core.names import split_reference

DATASET = "dataset:"
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
_GLOB = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Data:
    """One declared input or output."""

    kind: Literal["dataset", "file"]
    name: str
    """Name of the dataset, or the path or glob relative to the pipeline file, with ``/``."""
    selector: str = ""
    """What stands behind the ``@`` of a dataset; ``""`` when nothing does."""

    def __str__(self) -> str:
        at = f"@{self.selector}" if self.selector else ""
        return f"{DATASET if self.kind == 'dataset' else ''}{self.name}{at}"

    @property
    def is_glob(self) -> bool:
        """Tell whether it may mean several files."""
        return self.kind == "file" and bool(_GLOB.search(self.name))


def read(text: str) -> Data:
    """Read a declared input or output.

    Expressions stand for any text: ``out/${{ matrix.x }}.csv`` is the glob ``out/*.csv``.

    Raises
    ------
    InvalidPipeline
        If it is no dataset's name, and no relative path.
    """
    pattern = _EXPRESSION.sub("*", text.strip())
    if pattern.startswith(DATASET):
        name, at, selector = pattern.removeprefix(DATASET).partition("@")
        if at and not selector:
            raise InvalidPipeline(f"{text!r} has nothing behind its @.", _FORMS)
        if "*" not in name:
            try:
                split_reference("dataset", name)
            except MlnbError as error:
                raise InvalidPipeline(error.message, error.fix) from None
        return Data("dataset", name, selector)
    path = PurePosixPath(pattern.replace("\\", "/"))
    if not pattern or path.is_absolute() or re.match(r"[A-Za-z]:", pattern) or "://" in pattern:
        raise InvalidPipeline(f"{text!r} is no relative path and no dataset.", _FORMS)
    if pattern == "." or str(path) == ".":
        raise InvalidPipeline(f"{text!r} is the pipeline's own folder.", "Name files within it.")
    return Data("file", str(path))


_FORMS = "Write dataset:NAME, dataset:NAME@VERSION or a path relative to the pipeline file."


def makes(output: Data, wanted: Data) -> bool:
    """Tell whether an output is, or is among, what an input asks for.

    A dataset's version that is named by number, date or digest was there before the run.
    """
    if output.kind != wanted.kind:
        return False
    if output.kind == "dataset":
        newest = wanted.selector in ("", "latest")
        return newest and (output.name == wanted.name or fnmatchcase(wanted.name, output.name))
    if output.name == wanted.name or wanted.name.startswith(f"{output.name}/"):
        return True
    within = output.name.startswith(f"{wanted.name}/")
    return within or fnmatchcase(wanted.name, output.name) or fnmatchcase(output.name, wanted.name)
