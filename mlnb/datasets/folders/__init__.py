"""Versions of folders, and of single files that are no table.

In the order in which a save goes: `scanning` finds what is in a folder, `statcache` tells which
files have not changed since, `reading` reads the others, `packing` stores what is new of them,
`tree` and `manifest` say what the version is made of, `saving` puts it together. Back:
`planning` decides what a checkout has to do, `fetching` gets bytes, `checkout` does it.
"""

from pathlib import Path
from typing import TypeGuard

from mlnb.core.errors import BadInput

TABLES = frozenset((".csv", ".json", ".jsonl", ".parquet"))
"""Files of these suffixes are tables unless the user says otherwise."""


def is_files(data: object, *, files: bool = False) -> TypeGuard[str | Path]:
    """Tell whether what is to be saved is a folder, or a file that is kept as it is.

    Parameters
    ----------
    data : object
        What `mlnb.datasets.save` was given.
    files : bool
        Whether a file of a table is meant to be kept as it is, too.

    Raises
    ------
    BadInput
        If files are meant and this is no path.
    """
    if not isinstance(data, str | Path):
        if files:
            raise BadInput(
                f"Data of type {type(data).__name__} cannot be saved as files.",
                "Give the path of a folder or a file.",
            )
        return False
    path = Path(data)
    return path.is_dir() or (path.is_file() and (files or path.suffix.lower() not in TABLES))
