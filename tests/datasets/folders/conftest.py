"""Folders to save, and what is in one, to compare."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from mlnb.core.project import Project


def bytes_of(seed: int, size: int) -> bytes:
    """Return bytes that no compression makes smaller."""
    return random.Random(seed).randbytes(size)  # noqa: S311 (test data)


def content(folder: Path) -> dict[str, tuple[str, bytes | str]]:
    """Return everything in a folder: path → kind and bytes (or target)."""
    found: dict[str, tuple[str, bytes | str]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()))
        elif path.is_file():
            kind = "executable" if path.stat().st_mode & 0o100 else "file"
            found[name] = (kind, path.read_bytes())
        elif not any(path.iterdir()):
            found[name] = ("folder", "")
    return found


@pytest.fixture
def photos(project: Project) -> Path:
    """Make a folder with a bit of everything."""
    folder = project.root / "photos"
    for name, data in {
        "cats/one.jpg": bytes_of(1, 30_000),
        "cats/two.jpg": bytes_of(2, 20_000),
        "cats/labels.txt": b"tabby\n" * 2_000,
        "dogs/one.jpg": bytes_of(3, 10_000),
        "model.bin": bytes_of(4, 2_000_000),
        "empty.txt": b"",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "unused").mkdir()
    (folder / "best.jpg").symlink_to("cats/one.jpg")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return folder


@pytest.fixture
def look() -> Callable[[Path], dict[str, tuple[str, bytes | str]]]:
    return content
