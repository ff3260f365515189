"""Where a run came from: notebook, commit, uncommitted changes, packages, Python, machine."""

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from mlnb.core import redaction
from mlnb.core.project import Project
from mlnb.tracking import git, machine, whereabouts

UNKNOWN = "unknown"


@dataclass
class Provenance:
    """What is known about a run's origin when it ends."""

    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """Artifact path → content."""


_latest: dict[Path, tuple[int, Provenance]] = {}


def collect(project: Project, looked: int) -> Provenance:
    """Return what git and the environment say of a project, at a time when no cell waits for it.

    Parameters
    ----------
    project : Project
        Whose folder is looked at.
    looked : int
        The round of looking: runs that began before it share what is found.
    """
    known = _latest.get(project.root)
    if known is None or known[0] != looked:
        known = _latest[project.root] = (looked, _collect(project))
    return known[1]


def _collect(project: Project) -> Provenance:
    settings = project.settings
    found = _of_git(project) if settings.capture_git else Provenance()
    if settings.capture_machine:
        found.tags |= machine.tags()
    if settings.capture_packages:
        found.files["requirements.txt"] = requirements().encode()
    return found


def _of_git(project: Project) -> Provenance:
    root = project.root
    tags: dict[str, str] = {}
    files: dict[str, bytes] = {}
    checked_out = git.head(root)
    if checked_out is not None:
        tags["mlflow.source.git.commit"] = checked_out.commit
        if checked_out.branch:
            tags["mlflow.source.git.branch"] = checked_out.branch
    changes = git.changes(root, project.settings.diff_limit)
    if changes is not None:
        tags["mlnb.git.dirty"] = str(changes.dirty).lower()
        if changes.note:
            tags["mlnb.git.diff"] = f"not kept: {changes.note}"
        if changes.untracked:
            tags["mlnb.git.untracked"] = str(changes.untracked)
        if changes.diff:
            files["git_diff.patch"] = _without_secrets(changes.diff)
    return Provenance(tags, files)


def _without_secrets(diff: bytes) -> bytes:
    """Return a diff without secrets, also those that nothing but their names tells of."""
    try:
        text = diff.decode()
    except UnicodeDecodeError:  # a binary file, or another encoding: byte by byte the same text
        return redaction.source(diff.decode("latin-1")).encode("latin-1", "replace")
    return redaction.source(text).encode()


def start_tags(project: Project) -> dict[str, str]:
    """Return the tags known at the start of a run, in MLflow's own names where it has one."""
    tags = {"mlflow.user": project.settings.author, **source_tags(project, whereabouts.told())}
    if project.settings.capture_machine:
        tags["mlnb.python"] = platform.python_version()
        tags["mlnb.os"] = f"{platform.system()} {platform.release()} {platform.machine()}"
    for name, variable in (("mlnb.step", "MLNB_STEP"), ("mlnb.pipeline_run", "MLNB_PIPELINE_RUN")):
        if value := os.environ.get(variable):
            tags[name] = value
    return tags


def source_tags(project: Project, notebook: str) -> dict[str, str]:
    """Return what a run's source is called: the notebook, else the script, else unknown."""
    name = _shown(project, notebook) or _script(project) or UNKNOWN
    return {"mlflow.source.name": name, "mlflow.source.type": "NOTEBOOK" if notebook else "LOCAL"}


def looked_up_source(project: Project, known: Mapping[str, str], cell: str) -> dict[str, str]:
    """Return what is to be corrected of the source once those who know it have been asked.

    Parameters
    ----------
    project : Project
        Where paths begin.
    known : mapping
        The run's tags.
    cell : str
        The code of a cell of the run, if it has one.
    """
    notebook = whereabouts.looked_up(cell)
    if not notebook:  # what was known stands; at its end Python forgets a script's name
        return {}
    found = source_tags(project, notebook)
    return {name: value for name, value in found.items() if known.get(name) != value}


def notebook_path(project: Project) -> str:
    """Return the running notebook's path relative to the project, or ``""`` when it is unknown."""
    return _shown(project, whereabouts.told())


def _shown(project: Project, path: str) -> str:
    """Return a path as a record may hold it: of a file outside the project only the name."""
    if not path:
        return ""
    relative = project.relative(path)
    return Path(path).name if relative.startswith("..") else relative


def _script(project: Project) -> str:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if not file or "ipykernel" in file:
        return ""
    return _shown(project, file)


def requirements() -> str:
    """Return the installed packages, one ``name==version`` per line."""
    folders = [Path(entry) for entry in sys.path if entry]
    stamps = tuple((str(item), item.stat().st_mtime_ns) for item in folders if item.is_dir())
    return _requirements(stamps)


@lru_cache(maxsize=1)
def _requirements(_stamps: tuple[tuple[str, int], ...]) -> str:
    from importlib.metadata import distributions

    found: dict[str, str] = {}
    for item in distributions():
        name = item.metadata["Name"]
        if name:
            found.setdefault(name.lower(), f"{name}=={item.version}")
    return "".join(f"{found[name]}\n" for name in sorted(found))
