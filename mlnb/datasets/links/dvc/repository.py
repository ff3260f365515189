"""A DVC repository at a commit, or as it is in its work tree."""

import os
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from mlnb.core import project
from mlnb.core.errors import UnknownName, UnreadableRecord, UnsupportedData
from mlnb.core.hashing import digest_bytes
from mlnb.core.urls import without_secrets
from mlnb.datasets.links import places
from mlnb.datasets.links.dvc import git

FOLDER = ".dvc"


@dataclass(frozen=True)
class Repository:
    """Where DVC's files are read from. Every path in it is relative to the DVC root."""

    place: str
    """The DVC root's absolute path, or the repository's URL as given."""
    top: Path | None
    """Where git runs: the work tree's top, or a bare clone; None without git."""
    base: str = ""
    """The DVC root below the top of the git repository."""
    commit: str = ""
    """Empty for the work tree."""

    @property
    def root(self) -> Path | None:
        """Return the DVC root in a work tree; None for a URL and for a bare repository."""
        bare = places.is_remote(self.place) or _is_bare(Path(self.place))
        return None if bare else Path(self.place)

    @property
    def shown(self) -> str:
        """Return the repository as it may be shown."""
        return places.recorded(self.place)

    def at(self, revision: str) -> "Repository":
        """Return the repository at a revision."""
        if self.top is None:
            fix = "Leave --at out, or link data of a git repository."
            raise UnsupportedData(f"{self.shown!r} is not in a git repository.", fix)
        return replace(self, commit=git.commit(self.top, revision, self.shown))

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None when there is no such file."""
        if self.commit and self.top is not None:
            return git.read(self.top, self.commit, _join(self.base, path))
        file = Path(self.place) / path
        return file.read_bytes() if file.is_file() else None

    def described(self) -> Iterator[str]:
        """Yield the paths of the ``.dvc`` and ``dvc.lock`` files, which say what is tracked."""
        if self.commit and self.top is not None:
            prefix = f"{self.base}/" if self.base else ""
            for path in git.paths(self.top, self.commit):
                if path.startswith(prefix) and _describes(path):
                    yield path.removeprefix(prefix)
            return
        root = Path(self.place)
        for folder, folders, names in os.walk(root):
            folders[:] = [name for name in folders if name not in (FOLDER, ".git", ".mlnb")]
            for name in names:
                if _describes(name):
                    yield (Path(folder) / name).relative_to(root).as_posix()

    @cached_property
    def settings(self) -> dict[str, dict[str, str]]:
        """Return DVC's configuration, by section: ``core``, ``cache``, ``remote "name"``.

        Of a work tree the present one, at any commit: it says where the data is now.
        """
        parser = ConfigParser(interpolation=None, strict=False)
        present = replace(self, commit="") if self.root is not None else self
        try:
            for name in ("config", "config.local"):
                text = present.read(f"{FOLDER}/{name}")
                if text is not None:
                    parser.read_string(text.decode())
        except (ConfigError, UnicodeDecodeError) as error:
            raise UnreadableRecord(f"{FOLDER}/config of {self.shown}", str(error)) from None
        return {name.strip("'"): dict(parser[name]) for name in parser.sections()}

    def remotes(self) -> dict[str, str]:
        """Return the URL of each remote, the default one first."""
        found = {
            name.split('"')[1]: values["url"]
            for name, values in self.settings.items()
            if name.startswith('remote "') and "url" in values
        }
        default = self.settings.get("core", {}).get("remote", "")
        return dict(sorted(found.items(), key=lambda item: item[0] != default))

    def folder(self, configured: str) -> Path | None:
        """Return a path of the configuration; None for a URL, or relative to no work tree."""
        if places.is_remote(configured):
            return None
        path = places.local(configured)
        if path.is_absolute():
            return path
        return self.root / FOLDER / path if self.root is not None else None


def find(source: str) -> tuple[Repository, str]:
    """Return the repository that a source is in, in its work tree, and the path there.

    Parameters
    ----------
    source : str
        A path in a work tree, or ``REPOSITORY#PATH`` with a folder or a git URL.

    Raises
    ------
    UnknownName
        If the place is no DVC repository.
    """
    place, mark, inside = source.partition("#")
    if places.is_remote(place):
        folder = _clone_of(place)
        git.clone(place, folder, without_secrets(place))
        return _bare(place, folder, inside)
    start = places.local(place).absolute()
    if _is_bare(start):
        return _bare(str(start), start, inside)
    target = start / inside if mark else start
    target = Path(os.path.normpath(target))
    for folder in [start, *start.parents] if mark else target.parents:
        if (folder / FOLDER).is_dir() and not (folder / FOLDER).is_symlink():
            path = target.relative_to(Path(os.path.normpath(folder))).as_posix()
            top = git.top(folder)
            base = folder.resolve().relative_to(top.resolve()).as_posix() if top else ""
            return Repository(str(folder), top, "" if base == "." else base), path
    raise UnknownName("DVC repository", place, fix="Give a path inside one, or REPOSITORY#PATH.")


def reopen(location: str, revision: str, base: str = "") -> Repository:
    """Return a repository as a link recorded it; a URL is cloned only when it is not here yet."""
    if places.is_remote(location):
        folder = _clone_of(location)
        if not folder.is_dir():
            git.clone(location, folder, location)
        return Repository(location, folder, base, revision)
    root = Path(places.opened(location))
    if _is_bare(root):
        return Repository(str(root), root, base, revision)
    top = git.top(root) if root.is_dir() else None
    base = root.relative_to(top.resolve()).as_posix() if top else ""
    return Repository(str(root), top, "" if base == "." else base, revision if top else "")


def _clone_of(url: str) -> Path:
    return project.current().local / "git" / digest_bytes(without_secrets(url).encode())[:32]


def _is_bare(folder: Path) -> bool:
    """Tell whether a folder is a git repository without a work tree."""
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir()


def _bare(place: str, folder: Path, path: str) -> tuple[Repository, str]:
    """Return a repository without a work tree, at its newest commit, and the path in it."""
    shown = places.recorded(place)
    if not path:
        fix = f"Write {shown}#data/train.csv."
        raise UnsupportedData("A git repository alone names no data.", fix)
    head = git.commit(folder, "HEAD", shown)
    for base in (*map(str, PurePosixPath(path).parents), "."):
        base = "" if base == "." else base
        if git.read(folder, head, _join(base, f"{FOLDER}/config")) is not None:
            below = PurePosixPath(path).relative_to(base or ".").as_posix()
            return Repository(place, folder, base, head), below
    raise UnknownName("DVC repository", shown)


def _join(base: str, path: str) -> str:
    return f"{base}/{path}" if base else path


def _describes(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name == "dvc.lock" or (name.endswith(".dvc") and name != FOLDER)
