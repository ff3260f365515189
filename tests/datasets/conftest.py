"""Every test of datasets runs in a project of its own; DVC repositories are made by hand."""

import hashlib
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlnb.core.project import Project


@pytest.fixture(autouse=True)
def in_project(project: Project) -> Project:
    return project


@dataclass(frozen=True)
class HandMade:
    """A git repository with a DVC one in it, byte for byte as DVC 3 makes them."""

    root: Path

    def git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, tag: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", tag)
        self.git("tag", tag)
        return self.git("rev-parse", "HEAD")

    def object(self, data: bytes, suffix: str = "", layout: str = "files/md5") -> str:
        """Put bytes into the cache and return their MD5."""
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest() + suffix
        file = self.file(md5, layout)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        return md5

    def file(self, md5: str, layout: str = "files/md5") -> Path:
        return self.root / ".dvc" / "cache" / layout / md5[:2] / md5[2:]

    def track(self, path: str, data: bytes | dict[str, bytes]) -> str:
        """Do what ``dvc add`` does with a file or a folder's files."""
        if isinstance(data, bytes):
            return self.describe(path, self.object(data))
        entries = [{"md5": self.object(data[name]), "relpath": name} for name in sorted(data)]
        return self.describe(path, self.object(json.dumps(entries).encode(), ".dir"))

    def describe(self, path: str, md5: str) -> str:
        file = self.root / f"{path}.dvc"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"outs:\n- md5: {md5}\n  size: 1\n  hash: md5\n  path: {file.stem}\n")
        return md5


def hand_made(root: Path) -> HandMade:
    (root / ".dvc").mkdir(parents=True)
    (root / ".dvc" / "config").write_text("[core]\n    autostage = true\n")
    (root / ".dvc" / ".gitignore").write_text("/config.local\n/tmp\n/cache\n")
    made = HandMade(root)
    made.git("init", "--quiet", "--initial-branch", "main")
    return made


@pytest.fixture
def elsewhere(tmp_path: Path) -> HandMade:
    """A DVC repository beside the project."""
    return hand_made(tmp_path / "elsewhere")
