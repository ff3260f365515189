"""The pipeline files of a project, whether they have run or not."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mlnb.core.project import Project

_NOT_OURS = {"node_modules", "site-packages"}
_SUFFIXES = (".yaml", ".yml", ".pipeline")
_STEPS = re.compile(rb"^steps\s*:", re.MULTILINE)
_ELYRA = b'"pipeline_type"'
LARGEST = 512 * 1024
SEEN = 50_000
"""Files that are looked through: a home folder may be a project, too."""
MOST = 200
"""At most this many are found."""


def files(project: Project) -> list[str]:
    """Return the paths of what looks like a pipeline file, relative to the project, sorted.

    A file of YAML with ``steps:``, or one of Elyra. Whether it describes a pipeline that can run
    is found out by planning it.
    """
    found = []
    for file in _files(project.root):
        if _is_pipeline(file):
            found.append(file.relative_to(project.root).as_posix())
            if len(found) == MOST:
                break
    return sorted(found)


def _is_pipeline(file: Path) -> bool:
    try:
        if file.stat().st_size > LARGEST:
            return False
        content = file.read_bytes()
    except OSError:
        return False
    return _ELYRA in content if file.suffix == ".pipeline" else bool(_STEPS.search(content))


def _files(root: Path) -> Iterator[Path]:
    seen = 0
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(
            item
            for item in folders
            if not item.startswith(".")
            and item not in _NOT_OURS
            and not Path(folder, item, "pyvenv.cfg").exists()
        )
        yield from (Path(folder, name) for name in sorted(names) if name.endswith(_SUFFIXES))
        seen += len(names)
        if seen > SEEN:
            return
