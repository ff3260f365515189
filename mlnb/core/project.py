"""The project: the folder that holds ``mlnb.toml``, its settings, its stores and its events."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from mlnb.core import settings as settings_table
from mlnb.core.errors import Conflict
from mlnb.core.events import EventLog
from mlnb.core.names import check_name
from mlnb.core.settings import FILE_NAME, Settings
from mlnb.core.store import ObjectStore

STATE = ".mlnb"


@dataclass(frozen=True)
class Project:
    """A project folder with its settings.

    Attributes
    ----------
    root : Path
        Absolute.
    settings : Settings
        As read when the project was opened.
    """

    root: Path
    settings: Settings

    @property
    def name(self) -> str:
        """Return the project's name."""
        return self.settings.name or self.root.name or "project"

    @property
    def experiment(self) -> str:
        """Return the MLflow experiment that runs go to by default."""
        return self.settings.experiment or self.name

    @cached_property
    def state(self) -> Path:
        """Return ``.mlnb``, created on first use and ignored by git."""
        folder = self.root / STATE
        folder.mkdir(parents=True, exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        return folder

    @cached_property
    def local(self) -> Path:
        """Return ``.mlnb/local``: sockets, pids and other state of this machine only."""
        folder = self.state / "local"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o700)
        return folder

    @cached_property
    def store(self) -> ObjectStore:
        """Return the object store."""
        url, durable = self.settings.store, self.settings.durable
        if "://" not in url:
            path = self.root / url
            if path.is_relative_to(self.root / STATE):
                return ObjectStore(str(path), before_first=lambda: self.state, durable=durable)
            url = str(path)
        return ObjectStore(url, durable=durable)

    @cached_property
    def events(self) -> EventLog:
        """Return the event stream."""
        return EventLog(self.root / STATE / "events.jsonl", before_first=lambda: self.state)

    @property
    def tracking_uri(self) -> str:
        """Return the MLflow URI with relative SQLite paths resolved against the root."""
        uri = self.settings.tracking_uri
        parts = urlsplit(uri)
        prefix = f"{parts.scheme}:///"
        if parts.scheme.startswith("sqlite") and uri.startswith(prefix):
            path = Path(uri.removeprefix(prefix))
            if not path.is_absolute():
                return f"{prefix}{self.root / path}"
        return uri

    def relative(self, path: Path | str) -> str:
        """Return a path as it may be written into a record: relative, with forward slashes."""
        absolute = Path(path) if Path(path).is_absolute() else Path.cwd() / path
        return Path(os.path.relpath(absolute, self.root)).as_posix()


_chosen: ContextVar[Project | None] = ContextVar("mlnb_project", default=None)


@contextmanager
def using(project: Project) -> Iterator[Project]:
    """Make a project the current one in this context, wherever the working directory is."""
    token = _chosen.set(project)
    try:
        yield project
    finally:
        _chosen.reset(token)


_open: dict[tuple[Path, float, tuple[tuple[str, str], ...]], Project] = {}


def current(start: Path | None = None) -> Project:
    """Return the project of a folder (the working directory by default).

    The root is the nearest folder upwards with ``mlnb.toml``, else the git work tree's top, else
    the folder itself. ``MLNB_PROJECT`` and `using` override it. An edited ``mlnb.toml`` is read
    again.

    Raises
    ------
    UnknownSetting, InvalidSetting
        If the settings cannot be read.
    """
    if start is None and (chosen := _chosen.get()):
        return chosen
    root = find_root(start)
    try:
        stamp = os.stat(f"{root}/{FILE_NAME}").st_mtime  # noqa: PTH116  (asked for by every cell)
    except OSError:
        stamp = 0.0
    key = (root, stamp, settings_table.variables())
    if key not in _open:
        _open[key] = Project(root, settings_table.load(root))
    return _open[key]


def find_root(start: Path | None = None) -> Path:
    """Return the root of the project that a folder belongs to."""
    if start is None and (named := os.environ.get("MLNB_PROJECT")):
        return Path(named).resolve()
    here = str(start.resolve()) if start is not None else os.getcwd()  # noqa: PTH109  (canonical)
    for marker in (FILE_NAME, ".git"):
        folder = here
        while True:
            if os.path.exists(f"{folder}/{marker}"):  # noqa: PTH110  (asked for by every cell)
                return _path(folder)
            above = os.path.dirname(folder)  # noqa: PTH120
            if above == folder:
                break
            folder = above
    return _path(here)


@lru_cache(maxsize=64)
def _path(folder: str) -> Path:
    return Path(folder)


def init(folder: Path, name: str = "") -> Project:
    """Make a folder a project by writing its ``mlnb.toml``.

    Raises
    ------
    Conflict
        If it is one already.
    InvalidName
        If the name cannot be one.
    """
    file = folder / FILE_NAME
    chosen = check_name("project", name or folder.resolve().name)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(f'name = "{chosen}"\n')
    except FileExistsError:
        raise Conflict(f"{file} exists already.", "Edit it, or choose another folder.") from None
    project = current(folder)
    _ = project.state
    return project
