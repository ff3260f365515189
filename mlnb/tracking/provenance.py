"""Where a run came from: notebook, commit, uncommitted changes, packages, Python, machine."""

import logging
import os
import platform
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from threading import Event, Lock, Thread

from mlnb.core.project import Project
from mlnb.tracking import git

UNKNOWN = "unknown"
_logger = logging.getLogger("mlnb.tracking")


@dataclass
class Provenance:
    """What is known about a run's origin when it ends."""

    tags: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    """Artifact path → content."""


class Collector:
    """Collects in the background, so that a cell does not wait for git.

    The work tree is read when the run starts: what is edited while it runs is not its origin. One
    thread looks for all; runs that start while it is looking share the next look.

    Parameters
    ----------
    project : Project
        Whose folder is looked at.
    tell : callable
        Called once with what was found, in the thread that collects.
    """

    _waiting: "deque[Collector]" = deque()  # noqa: RUF012  (one queue for all on purpose)
    _lock = Lock()
    _busy = False

    def __init__(self, project: Project, tell: Callable[[Provenance], object]) -> None:
        self._project = project
        self._tell = tell
        self._told = Event()
        with Collector._lock:
            Collector._waiting.append(self)
            start, Collector._busy = not Collector._busy, True
        if start:
            Thread(target=_collect, name="mlnb-provenance", daemon=True).start()

    def wait(self, seconds: float = 15.0) -> None:
        """Wait until it is collected and told."""
        self._told.wait(seconds)

    @classmethod
    def taken(cls) -> "list[Collector]":
        """Return who waits now; none means that the thread shall end."""
        with cls._lock:
            taken = list(cls._waiting)
            cls._waiting.clear()
            cls._busy = bool(taken)
        return taken

    @classmethod
    def forked(cls) -> None:
        """Begin anew in a child, which has no thread."""
        cls._lock = Lock()
        cls._waiting.clear()
        cls._busy = False

    @property
    def root(self) -> Path:
        """Return the folder that is looked at."""
        return self._project.root

    def look(self) -> Provenance:
        """Look at the project's folder."""
        try:
            return self._look()
        except Exception as error:  # never the user's trouble
            _logger.warning("mlnb: where this run comes from is not recorded: %s", error)
            return Provenance()

    def tell(self, found: Provenance) -> None:
        """Hand over what was found."""
        try:
            self._tell(found)
        finally:
            self._told.set()

    def _look(self) -> Provenance:
        root = self._project.root
        tags: dict[str, str] = {}
        files: dict[str, bytes] = {}
        checked_out = git.head(root)
        if checked_out is not None:
            tags["mlflow.source.git.commit"] = checked_out.commit
            if checked_out.branch:
                tags["mlflow.source.git.branch"] = checked_out.branch
        changes = git.changes(root, self._project.settings.diff_limit)
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


def _collect() -> None:
    while taken := Collector.taken():
        seen: dict[Path, Provenance] = {}
        for collector in taken:
            root = collector.root
            if root not in seen:
                seen[root] = collector.look()
            with suppress(Exception):  # of one run; the others have theirs
                collector.tell(seen[root])


os.register_at_fork(after_in_child=Collector.forked)


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
