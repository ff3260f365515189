"""The project's own modules: which files a cell's code comes from, and whether they were edited.

A module of the project is found by its name; its imports are read from its source, so that what it
imports in turn counts as well. Installed libraries count by their version.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from mlnb.core.hashing import digest_bytes

_seen: dict[str, tuple[ModuleSpec | None, str]] = {}
"""By module: the spec it was (re)loaded by, and the digest that its file had when first seen."""
_known = 0


def look(root: Path) -> None:
    """Note the files of project modules that were imported since the last look.

    Called after each cell, so that a file edited later is known to differ from what runs.
    """
    global _known
    if len(sys.modules) == _known:  # what the hundreds of cells that import nothing cost
        return
    _known = len(sys.modules)
    for name, module in list(sys.modules.items()):
        if name not in _seen and (file := _file_of(module, root)) is not None:
            _seen[name] = (getattr(module, "__spec__", None), _digest(file))


def drop_stale_bytecode(files: Iterable[Path]) -> None:
    """Remove bytecode that is older than its source.

    Python takes it for the source's own when that was edited within one second to the same size:
    what runs would not be the code whose digest is in the key.
    """
    for file in files:
        compiled = Path(cache_from_source(str(file)))
        with suppress(OSError):
            if compiled.stat().st_mtime_ns < file.stat().st_mtime_ns:
                compiled.unlink()


class ProjectModules:
    """The modules of a project, found by name.

    Parameters
    ----------
    root : Path
        The project's folder.
    first : iterable of Path
        Where they are looked for before ``sys.path``.
    imported : bool
        Whether what this process has imported counts; not for code that runs in another one.
    """

    def __init__(self, root: Path, first: Iterable[Path] = (), *, imported: bool = True) -> None:
        self._root = root
        self._imported = imported
        places = [*first, *(Path(entry or ".").absolute() for entry in sys.path)]
        self._path = [
            str(item)
            for item in dict.fromkeys(places)
            if item.is_relative_to(root) and not _is_foreign(item, root) and item.is_dir()
        ]

    def closure(self, names: Iterable[str]) -> dict[str, str]:
        """Return files of modules and of all they import, with their digests.

        Parameters
        ----------
        names : iterable of str
            Modules; those that are not the project's are passed over.

        Returns
        -------
        dict
            By path relative to the project.
        """
        found: dict[str, str] = {}
        waiting = list(names)
        done: set[str] = set()
        while waiting:
            name = waiting.pop()
            if name in done:
                continue
            done.add(name)
            file = self.file(name)
            if file is None:
                continue
            stat = file.stat()
            digest, imports = _source(str(file), stat.st_mtime_ns, stat.st_size)
            found[file.relative_to(self._root).as_posix()] = digest
            if "." in name:
                waiting.append(name.rpartition(".")[0])  # a package's __init__ runs as well
            package = name if file.name == "__init__.py" else name.rpartition(".")[0]
            waiting += [_absolute(item, package) for item in imports]
        return dict(sorted(found.items()))

    def file(self, name: str) -> Path | None:
        """Return the file of a module of the project, imported or not."""
        module = sys.modules.get(name) if self._imported else None
        if module is not None:
            return _file_of(module, self._root)
        path = self._path
        parts = name.split(".")
        for number, part in enumerate(parts):
            spec = PathFinder.find_spec(part, path) if path else None
            if spec is None:
                return None
            if number == len(parts) - 1:
                origin = spec.origin
                return Path(origin) if origin and origin.endswith(".py") else None
            path = list(spec.submodule_search_locations or [])
        return None

    def stale(self, files: Iterable[str]) -> list[str]:
        """Return those of files that were edited since their modules were imported."""
        look(self._root)
        wanted = {str(self._root / file) for file in files}
        if not wanted:
            return []
        found = []
        for name, module in list(sys.modules.items()):
            origin = getattr(module, "__file__", None)
            if origin not in wanted:
                continue
            spec, digest = _seen.get(name, (None, ""))
            present = _digest(Path(origin))
            if getattr(module, "__spec__", None) is not spec:  # reloaded
                _seen[name] = (module.__spec__, present)
            elif digest and digest != present:
                found.append(Path(origin).relative_to(self._root).as_posix())
        return sorted(found)

    def digest(self, file: str) -> str:
        """Return the digest of a module's file; ``""`` when it is not there."""
        return _digest(self._root / file)

    def imported(self) -> dict[str, str]:
        """Return the files of all project modules that this process has imported."""
        look(self._root)
        files = {
            file.relative_to(self._root).as_posix(): _digest(file)
            for module in list(sys.modules.values())
            if (file := _file_of(module, self._root)) is not None
        }
        return dict(sorted(files.items()))


def imports_of(tree: ast.AST) -> list[str]:
    """Return the modules that code imports, as they are written: ``.sibling`` is relative."""
    found: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            found.append(start)
            dot = "" if start.endswith(".") else "."
            found += [f"{start}{dot}{alias.name}" for alias in node.names]  # maybe a submodule
    return list(dict.fromkeys(found))


def libraries(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of the installed libraries among modules."""
    found = {}
    for root in sorted({name.partition(".")[0] for name in names} - set(sys.stdlib_module_names)):
        if known := _version(root):
            found[root] = known
    return found


@lru_cache(maxsize=512)
def _version(root: str) -> str:
    told = getattr(sys.modules.get(root), "__version__", "")
    if isinstance(told, str) and told:
        return told
    try:
        return version(root)
    except (PackageNotFoundError, ValueError):
        names = _distributions().get(root, [])
        return version(names[0]) if names else ""


@lru_cache(maxsize=1)
def _distributions() -> Any:
    return packages_distributions()


def _absolute(name: str, package: str) -> str:
    level = len(name) - len(name.lstrip("."))
    if not level:
        return name
    parts = package.split(".")
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{name.lstrip('.')}".rstrip(".")


def _file_of(module: object, root: Path) -> Path | None:
    name = getattr(module, "__file__", None)
    if not isinstance(name, str) or not name.startswith(str(root)) or not name.endswith(".py"):
        return None
    file = Path(name)
    return file if not _is_foreign(file, root) and file.is_file() else None


@lru_cache(maxsize=8192)
def _is_foreign(file: Path, root: Path) -> bool:
    """Tell whether a file in the project's folder is an installed library's."""
    parts = file.relative_to(root).parts
    if any(part in ("site-packages", "node_modules", ".mlnb") for part in parts):
        return True
    return any((root.joinpath(*parts[:n]) / "pyvenv.cfg").exists() for n in range(1, len(parts)))


def _digest(file: Path) -> str:
    try:
        stat = file.stat()
    except OSError:
        return ""
    return _source(str(file), stat.st_mtime_ns, stat.st_size)[0]


@lru_cache(maxsize=1024)
def _source(file: str, _changed: int, _size: int) -> tuple[str, tuple[str, ...]]:
    """Return the digest of a file's code, and what it imports."""
    data = Path(file).read_bytes()
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError):
        return digest_bytes(data), ()
    return digest_bytes(ast.dump(tree).encode(errors="replace")), tuple(imports_of(tree))


def used(tree: ast.AST | None) -> Iterator[str]:
    """Yield the modules that a cell's own code imports."""
    if tree is not None:
        yield from imports_of(tree)
