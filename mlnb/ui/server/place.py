"""Which project a folder belongs to, and where the project's files are in the file browser."""

from pathlib import Path, PurePosixPath

from mlnb.ui.server.messages import Place
from mlnb.ui.server.sources import Source


def place(source: Source) -> Place:
    """Say which project is shown and where its files are in the file browser."""
    root, server = source.project.root, source.server_root.resolve()
    name = source.project.name
    if root.is_relative_to(server):
        return Place(name=name, prefix=_posix(root.relative_to(server)))
    if server.is_relative_to(root):
        return Place(name=name, within=_posix(server.relative_to(root)))
    return Place(name=name, reachable=False)


def _posix(path: Path) -> str:
    text = PurePosixPath(path).as_posix()
    return "" if text == "." else text
