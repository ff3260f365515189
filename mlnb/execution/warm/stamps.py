"""Whether what a zygote has imported is still what lies on the disk."""

import os
import site
import sys
import sysconfig

Stamp = tuple[int, int]


def _stamp(path: str) -> Stamp:
    try:
        state = os.stat(path)
    except OSError:
        return (0, 0)
    return (state.st_mtime_ns, state.st_size)


def package_folders() -> list[str]:
    """Return the folders that installing and removing packages changes."""
    found = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    found.update(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    if site.ENABLE_USER_SITE:
        found.add(site.getusersitepackages())
    return sorted(found)


def environment() -> str:
    """Return a text that changes when packages are installed or removed."""
    return repr([(path, _stamp(path)) for path in package_folders()])


class Watch:
    """Remembers what the imports of this process came from.

    Modules of installed packages are watched by their folder, the others (of a project, or
    installed in place) one by one.
    """

    def __init__(self, extra: list[str]) -> None:
        self._extra = extra
        self._folders = {path: _stamp(path) for path in [*package_folders(), *extra]}
        self._files: dict[str, Stamp] = {}
        self._installed = (
            *package_folders(),
            sysconfig.get_path("stdlib"),
            sysconfig.get_path("platstdlib"),
        )

    def look(self) -> None:
        """Take note of the modules that were imported since."""
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if file and file not in self._files and not file.startswith(self._installed):
                self._files[file] = _stamp(file)

    def changed(self) -> str:
        """Say what has changed, or nothing."""
        for path, stamp in self._folders.items():
            if _stamp(path) != stamp:
                return f"{os.path.basename(path)} has changed"
        for path, stamp in self._files.items():
            if _stamp(path) != stamp:
                return f"{os.path.basename(path)} has changed"
        return ""
