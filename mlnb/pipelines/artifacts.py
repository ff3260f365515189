"""Files that steps declare: found, hashed, placed from the store and taken into it.

A declared path is relative to the folder of the pipeline file and may be a file, a folder (all
files below it) or a glob. A step that reads what an earlier step of the run has made gets exactly
those files, by their content, wherever the earlier step was carried out.
"""

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

from mlnb.core.errors import InvalidPipeline
from mlnb.core.hashing import digest_file
from mlnb.core.project import Project
from mlnb.pipelines.spec import data

Stamp = tuple[int, int, int, int]


@dataclass
class Seen:
    """Files as they were at one moment."""

    digests: dict[str, str] = field(default_factory=dict)
    """By path relative to the pipeline's folder."""
    stamps: dict[str, Stamp] = field(default_factory=dict)


def is_file(declared: str) -> bool:
    """Tell whether a declared input or output is a path and no dataset."""
    return not declared.startswith(data.DATASET)


def fits(path: str, declared: str) -> bool:
    """Tell whether a file is, or is among, what a declaration names."""
    name = data.read(declared).name
    return path == name or path.startswith(f"{name}/") or fnmatchcase(path, name)


def named(folder: Path, declared: str) -> list[str]:
    """Return the files that a declaration names on this machine, sorted."""
    name = data.read(declared).name
    place = folder / name
    if place.is_file():
        return [name]
    if place.is_dir():
        found: Iterable[Path] = place.rglob("*")
    elif data.read(declared).is_glob:
        found = folder.glob(name)
    else:
        return []
    files = (path for path in found if path.is_file())
    return sorted(relative(path, folder) for path in files)


def relative(file: Path, folder: Path) -> str:
    """Return a file's path relative to a folder, with ``/``."""
    return Path(os.path.relpath(file, folder)).as_posix()


def look(folder: Path, paths: Iterable[str]) -> Seen:
    """Hash files; of those that are there."""
    seen = Seen()
    for path in paths:
        file = folder / path
        if file.is_file():
            seen.stamps[path] = _stamp(file)  # before the hash: a change meanwhile is seen
            seen.digests[path] = digest_file(file)
    return seen


def changed(folder: Path, seen: Seen) -> list[str]:
    """Return the files whose content is another one than it was, sorted."""
    found = []
    for path, digest in seen.digests.items():
        file = folder / path
        if not file.is_file() or (
            _stamp(file) != seen.stamps.get(path) and digest_file(file) != digest
        ):
            found.append(path)
    return sorted(found)


def place(project: Project, folder: Path, files: Mapping[str, str]) -> None:
    """Put files where they belong, from the store; those that are there already are left alone.

    Raises
    ------
    ObjectMissing, ObjectCorrupt, StoreUnavailable
        If the store does not have one.
    """
    for path, digest in files.items():
        file = folder / path
        if file.is_file() and digest_file(file) == digest:
            continue
        content = project.store.view(digest, wanted_by=path)
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        Path(draft).chmod(0o644)
        Path(draft).replace(file)


def take(project: Project, folder: Path, outputs: Iterable[str], step: str) -> dict[str, str]:
    """Store the files that a step has made; returns their digests by path.

    Raises
    ------
    InvalidPipeline
        If one that it declares is not there.
    """
    found: dict[str, str] = {}
    for declared in filter(is_file, outputs):
        paths = named(folder, declared)
        if not paths:
            raise InvalidPipeline(
                f"Step {step!r} has not made {declared!r}, which it declares as an output.",
                "Write it there (relative to the pipeline file), or take it out of `outputs`.",
            )
        found |= {path: project.store.put_file(folder / path) for path in paths}
    return found


def clear(project: Project, folder: Path, outputs: Iterable[str]) -> None:
    """Remove what an earlier run left in the folders and globs that a step is about to fill.

    Otherwise the step would seem to have made it. Only files that the store has are removed.
    """
    for declared in filter(is_file, outputs):
        wanted = data.read(declared)
        if not wanted.is_glob and not (folder / wanted.name).is_dir():
            continue
        digests = look(folder, named(folder, declared)).digests
        kept = project.store.sizes(set(digests.values()))
        for path, digest in digests.items():
            if digest in kept:
                (folder / path).unlink()


def _stamp(file: Path) -> Stamp:
    stat = file.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns
