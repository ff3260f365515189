"""Where exports are written: whole or not at all, and over nothing unasked."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlnb.core.errors import Conflict, UnsupportedData


def check(path: Path, *, replace: bool, folder: bool = False) -> None:
    """Raise, before any work is done, what is wrong with a target.

    Parameters
    ----------
    path : Path
        The file or folder to be written.
    replace : bool
        Whether it may take the place of a file that is there.
    folder : bool
        Whether a folder is to be written. An existing folder is never replaced.

    Raises
    ------
    Conflict
        If it is there and may not be replaced.
    UnsupportedData
        If it is in no folder.
    """
    if not path.parent.is_dir():
        raise UnsupportedData(f"There is no folder {str(path.parent)!r}.", "Make it first.")
    if not (path.exists() or path.is_symlink()):
        return
    if folder or (path.is_dir() and not path.is_symlink()):
        raise Conflict(f"{str(path)!r} exists.", "Choose another name, or remove it first.")
    if not replace:
        raise Conflict(f"{str(path)!r} exists.", "Choose another name, or replace it with --force.")


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """Give a new, empty folder on the target's disk, and remove it at the end."""
    folder = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def place(made: Path, path: Path) -> None:
    """Move what was made to its target, with the rights that a new file has here."""
    mask = os.umask(0)
    os.umask(mask)
    for item in [made, *made.rglob("*")] if made.is_dir() else [made]:
        executable = item.is_dir() or item.stat().st_mode & 0o100
        item.chmod((0o777 if executable else 0o666) & ~mask)
    made.replace(path)


def size(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(item.stat().st_size for item in path.rglob("*") if item.is_file())
