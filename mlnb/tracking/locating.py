"""The current project, found again for each cell without asking twice.

`mlnb.core.project.current` looks for ``mlnb.toml`` and whether it was edited: a handful of calls
to the system. Here it is asked whether anything of that can have changed since.
"""

import os
from pathlib import Path

from mlnb.core import project as projects
from mlnb.core.project import Project
from mlnb.core.settings import FILE_NAME, variables
from mlnb.tracking.unyielding import stamp, working_folder

_Stamps = tuple[tuple[str, bytes | None], ...]
_last: tuple[bytes, tuple[tuple[str, str], ...], _Stamps, Project] | None = None


def current() -> Project:
    """Return what `mlnb.core.project.current` returns.

    Raises
    ------
    UnknownSetting, InvalidSetting
        If the settings cannot be read.
    """
    global _last
    if (chosen := projects._chosen.get()) is not None:
        return chosen
    if (known := _last) is not None:
        folder, chosen_by, stamps, project = known
        if (
            variables() is chosen_by
            and working_folder() == folder
            and all(stamp(path) == seen for path, seen in stamps)
        ):
            return project
    folder, chosen_by = working_folder(), variables()
    stamps = _stamps(Path(os.fsdecode(folder)))
    project = projects.current()
    # Only a file says where a project begins without a look at each folder above.
    if folder and stamps and project.root == Path(stamps[-1][0]).parent:
        _last = (folder, chosen_by, stamps, project)
    return project


def _stamps(folder: Path) -> _Stamps:
    """Return the places where the file of the settings would be, up to the one where it is."""
    found: list[tuple[str, bytes | None]] = []
    for place in (folder, *folder.parents):
        path = f"{place}/{FILE_NAME}"
        found.append((path, stamp(path)))
        if found[-1][1] is not None:
            return tuple(found)
    return ()
