"""Where a run came from: notebook, commit, uncommitted changes, packages, Python, machine."""

import os
import platform
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from mlnb.core.project import Project
from mlnb.tracking import git

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
            files["git_diff.patch"] = changes.diff
    files["requirements.txt"] = requirements().encode()
    return Provenance(tags, files)


def start_tags(project: Project) -> dict[str, str]:
    """Return the tags known at the start of a run, in MLflow's own names where it has one."""
    notebook = notebook_path(project)
    script = "" if notebook else _script(project)
    tags = {
        "mlflow.user": project.settings.author,
        "mlflow.source.name": notebook or script or UNKNOWN,
        "mlflow.source.type": "NOTEBOOK" if notebook else "LOCAL",
        "mlnb.python": platform.python_version(),
        "mlnb.os": f"{platform.system()} {platform.release()} {platform.machine()}",
    }
    for name, variable in (("mlnb.step", "MLNB_STEP"), ("mlnb.pipeline_run", "MLNB_PIPELINE_RUN")):
        if value := os.environ.get(variable):
            tags[name] = value
    return tags


def notebook_path(project: Project) -> str:
    """Return the running notebook's path relative to the project, or ``""`` when it is unknown.

    A pipeline names it in ``MLNB_NOTEBOOK``, Jupyter Server in ``JPY_SESSION_NAME``, Visual
    Studio Code in a variable of the notebook.
    """
    if named := os.environ.get("MLNB_NOTEBOOK"):
        return named
    session = os.environ.get("JPY_SESSION_NAME", "")
    main = sys.modules.get("__main__")
    path = session if session.endswith(".ipynb") else getattr(main, "__vsc_ipynb_file__", "")
    if not path:
        return ""
    relative = project.relative(path)
    return Path(path).name if relative.startswith("..") else relative


def _script(project: Project) -> str:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if not file or "ipykernel" in file:
        return ""
    relative = project.relative(file)
    return Path(file).name if relative.startswith("..") else relative


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
