"""Which pipeline files name versions of a dataset: those are not removed."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mlnb.core import project
from mlnb.pipelines.spec import FILE_NAMES

_NOT_OURS = {"node_modules", "site-packages"}


def of_dataset(name: str) -> dict[int, list[str]]:
    """Return the pipeline files of the project that name a dataset's versions, by their numbers."""
    root = project.current().root
    wanted = re.compile(rf"(?<![\w.@-]){re.escape(name)}@([0-9]+)(?![\w-])")
    found: dict[int, list[str]] = {}
    for file in _files(root):
        text = file.read_text(encoding="utf-8", errors="replace")
        for number in sorted({int(digits) for digits in wanted.findall(text)}):
            found.setdefault(number, []).append(file.relative_to(root).as_posix())
    return found


def _files(root: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        folders[:] = [
            item
            for item in folders
            if not item.startswith(".")
            and item not in _NOT_OURS
            and not Path(folder, item, "pyvenv.cfg").exists()
        ]
        yield from (Path(folder, item) for item in FILE_NAMES if item in names)
